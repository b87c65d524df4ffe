#include "environment.h"

#include "base/slice.h"
#include "transport/loop.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>
#include <towline/version.h>

enum { NAME_MAX_LENGTH = 256 };

static const char *const always[] = {"PATH", "LANG", "TZ", "HOME", NULL};

/* Without its zero. */
static int begin(tow_buffer *text, const char *name, tow_slice value) {
    int error = tow_buffer_append_text(text, name);
    if (error == 0)
        error = tow_buffer_append(text, "=", 1);
    return error != 0 ? error : tow_buffer_append(text, value.data, value.length);
}

/* A value with an end of line would look like two. */
static int add(tow_buffer *text, const char *name, tow_slice value) {
    int error = begin(text, name, value);
    return error != 0 ? error : tow_buffer_append(text, "", 1);
}

static int add_text(tow_buffer *text, const char *name, const char *value) {
    return add(text, name, tow_slice_from(value));
}

/* Where "HOST:PORT" has its colon, "[::1]:80" too; NULL: there is no port. */
static const char *port_of(tow_slice place) {
    for (size_t i = place.length; i > 0; i--) {
        if (place.data[i - 1] == ':')
            return place.data + i - 1;
        if (!isdigit((unsigned char)place.data[i - 1]))
            return NULL;
    }
    return NULL;
}

/* The brackets of IPv6 are no part of an address. */
static int add_place(tow_buffer *text, const char *host_name, const char *port_name, const char *place,
    const char *default_port) {
    tow_slice host = tow_slice_from(place);
    const char *colon = port_of(host);
    if (colon != NULL)
        host.length = (size_t)(colon - host.data);
    if (host.length > 1 && host.data[0] == '[' && host.data[host.length - 1] == ']')
        host = (tow_slice){host.data + 1, host.length - 2};
    int error = add(text, host_name, host);
    if (error != 0 || port_name == NULL)
        return error;
    return add_text(text, port_name, colon != NULL ? colon + 1 : default_port);
}

/* Header fields. */

static bool name_of_field(char out[NAME_MAX_LENGTH], const char *name) {
    size_t length = strlen(name);
    if (length + sizeof("HTTP_") > NAME_MAX_LENGTH || strcasecmp(name, "Proxy") == 0)
        return false;
    char *end = stpcpy(out, "HTTP_");
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte != '-' && !isalnum(byte))
            return false;
        *end++ = (char)(byte == '-' ? '_' : toupper(byte));
    }
    *end = '\0';
    return true;
}

static bool came_before(const tow_header_field *fields, const tow_header_field *field) {
    for (; fields != field; fields++)
        if (strcasecmp(fields->name, field->name) == 0)
            return true;
    return false;
}

/* With all that have its name. */
static int add_field(tow_buffer *text, const tow_header_field *field) {
    char name[NAME_MAX_LENGTH];
    if (!name_of_field(name, field->name))
        return 0;
    const char *between = strcasecmp(field->name, "Cookie") == 0 ? "; " : ", ";
    int error = begin(text, name, tow_slice_from(field->value));
    for (const tow_header_field *other = field + 1; error == 0 && other->name != NULL; other++)
        if (strcasecmp(other->name, field->name) == 0)
            error = tow_buffer_append_format(text, "%s%s", between, other->value);
    return error != 0 ? error : tow_buffer_append(text, "", 1);
}

static int add_fields(tow_buffer *text, const tow_request *request) {
    const tow_header_field *fields = tow_request_headers(request);
    int error = fields == NULL ? TOW_ERROR_MEMORY : 0;
    for (const tow_header_field *field = fields; error == 0 && field->name != NULL; field++)
        if (!came_before(fields, field))
            error = add_field(text, field);
    return error;
}

/* The request. */

static int add_paths(tow_buffer *text, const tow_request *request, const char *path) {
    const char *whole = tow_request_path(request);
    size_t length = path != NULL && strncmp(whole, path, strlen(path)) == 0 ? strlen(path) : strlen(whole);
    int error = add(text, "SCRIPT_NAME", (tow_slice){whole, length});
    if (error == 0)
        error = add_text(text, "PATH_INFO", whole + length);
    if (error == 0)
        error = add_text(text, "PATH_TRANSLATED", whole);
    if (error == 0)
        error = add_text(text, "QUERY_STRING", tow_request_query(request));
    return error != 0 ? error : add_text(text, "REQUEST_URI", tow_request_target(request));
}

/* Those that CGI has and that have nothing to say here are there and empty. */
static int add_fixed(tow_buffer *text) {
    static const char *const fixed[][2] = {{"GATEWAY_INTERFACE", "CGI/1.1"}, {"SERVER_PROTOCOL", "HTTP/1.1"},
        {"AUTH_TYPE", ""}, {"CONTENT_LENGTH", ""}, {"CONTENT_TYPE", ""}, {"REMOTE_IDENT", ""},
        {"REMOTE_USER", ""}};
    int error = tow_buffer_append_format(text, "SERVER_SOFTWARE=towline/%s", tow_version());
    if (error == 0)
        error = tow_buffer_append(text, "", 1);
    for (size_t i = 0; error == 0 && i < sizeof(fixed) / sizeof(fixed[0]); i++)
        error = add_text(text, fixed[i][0], fixed[i][1]);
    return error;
}

static int add_ends(tow_buffer *text, const tow_request *request) {
    const char *host = tow_request_header(request, "Host");
    bool is_secure = strcmp(tow_request_scheme(request), "https") == 0;
    const char *peer = tow_request_peer(request);
    int error =
        add_place(text, "SERVER_NAME", "SERVER_PORT", host != NULL ? host : "", is_secure ? "443" : "80");
    if (error == 0)
        error = add_place(text, "REMOTE_ADDR", "REMOTE_PORT", peer, "");
    if (error == 0)
        error = add_place(text, "REMOTE_HOST", NULL, peer, "");
    if (error == 0 && is_secure)
        error = add_text(text, "HTTPS", "on");
    return error != 0 ? error : add_text(text, "REQUEST_METHOD", tow_request_method(request));
}

/* That no two connections have, also of servers that followed each other. */
static int add_unique(tow_buffer *text, tow_loop *loop) {
    uint64_t number;
    tow_loop_random(loop, &number, sizeof(number));
    int error = tow_buffer_append_format(text, "UNIQUE_ID=%" PRIu64, number);
    return error != 0 ? error : tow_buffer_append(text, "", 1);
}

int tow_environment_of_request(
    tow_buffer *text, const tow_request *request, const char *path, tow_loop *loop) {
    int error = add_fixed(text);
    if (error == 0)
        error = add_unique(text, loop);
    if (error == 0)
        error = add_ends(text, request);
    if (error == 0)
        error = add_paths(text, request, path);
    return error != 0 ? error : add_fields(text, request);
}

/* Ours. */

static int add_ours(tow_buffer *text, const char *name) {
    const char *value = getenv(name);
    return value == NULL ? 0 : add_text(text, name, value);
}

static int add_allowed(tow_buffer *text, const char *const *allowed) {
    int error = 0;
    for (const char *const *name = always; error == 0 && *name != NULL; name++)
        error = add_ours(text, *name);
    for (; error == 0 && allowed != NULL && *allowed != NULL; allowed++)
        if (strchr(*allowed, '=') != NULL)
            error = tow_buffer_append(text, *allowed, strlen(*allowed) + 1);
        else
            error = add_ours(text, *allowed);
    return error;
}

static bool is_named_like(const char *variable, const char *other) {
    size_t length = strcspn(variable, "=") + 1;
    return strncmp(variable, other, length) == 0;
}

/* What is said last of a name holds. */
static void put(const char **variables, size_t *count, const char *variable) {
    for (size_t i = 0; i < *count; i++)
        if (is_named_like(variable, variables[i])) {
            variables[i] = variable;
            return;
        }
    variables[(*count)++] = variable;
}

static int list_make(tow_environment *environment) {
    const tow_buffer *text = &environment->text;
    size_t most = 1, count = 0;
    for (size_t i = 0; i < text->length; i++)
        most += text->data[i] == '\0';
    environment->variables = calloc(most, sizeof(*environment->variables));
    if (environment->variables == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t at = 0; at < text->length; at += strlen((const char *)text->data + at) + 1)
        put(environment->variables, &count, (const char *)text->data + at);
    return 0;
}

int tow_environment_make(tow_environment *environment, const tow_request *request, const char *path,
    tow_loop *loop, const char *const *allowed) {
    int error = add_allowed(&environment->text, allowed);
    if (error == 0 && request != NULL)
        error = tow_environment_of_request(&environment->text, request, path, loop);
    return error != 0 ? error : list_make(environment);
}

void tow_environment_clear(tow_environment *environment) {
    tow_buffer_clear(&environment->text);
    free(environment->variables);
    environment->variables = NULL;
}

char *tow_environment_script_name(const char *path) {
    size_t length = strlen(path);
    bool is_prefix = length >= 2 && strcmp(path + length - 2, "/*") == 0;
    return strndup(path, is_prefix ? length - 2 : length);
}

int tow_environment_check(const char *text) {
    size_t length = strcspn(text, "=");
    if (length == 0 || isdigit((unsigned char)text[0]))
        return TOW_ERROR_ARGUMENT;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_')
            return TOW_ERROR_ARGUMENT;
    return 0;
}
