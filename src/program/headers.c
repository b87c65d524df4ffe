#include "headers.h"

#include "http/credentials.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { OWN_FIELDS = 2 }; /* Cookie and Authorization */

static size_t name_length(const char *header) {
    return strcspn(header, ":");
}

bool tow_headers_name(const tow_connect_settings *settings, const char *name) {
    const char *const *header = settings->headers;
    for (; header != NULL && *header != NULL; header++)
        if (name_length(*header) == strlen(name) && strncasecmp(*header, name, strlen(name)) == 0)
            return true;
    return false;
}

const char *tow_headers_complaint(const tow_connect_settings *settings) {
    if (settings->user != NULL && settings->bearer != NULL)
        return "--user and --bearer: these are two ways to say who you are; take one of them";
    if ((settings->user != NULL || settings->bearer != NULL) && tow_headers_name(settings, "Authorization"))
        return "-H Authorization stands beside --user or --bearer, which write it; take one of them";
    if (settings->cookies != NULL && tow_headers_name(settings, "Cookie")) /* RFC 6265, section 5.4: one */
        return "-H Cookie stands beside --cookie, which writes it; take one of them";
    return NULL;
}

/* Room comes first, so that the names stay where they are. */
static int names_reserve(tow_headers *headers, const tow_connect_settings *settings) {
    size_t count = 0;
    size_t bytes = 0;
    const char *const *texts = settings->headers;
    for (; texts != NULL && texts[count] != NULL; count++)
        bytes += name_length(texts[count]) + 1;
    headers->fields = calloc(count + OWN_FIELDS + 1, sizeof(*headers->fields));
    return headers->fields == NULL ? TOW_ERROR_MEMORY : tow_buffer_reserve(&headers->names, bytes + 1);
}

/* "Name: value" cut in two. Returns the place behind the last field. */
static tow_header_field *headers_split(tow_headers *headers, const tow_connect_settings *settings) {
    tow_header_field *field = headers->fields;
    const char *const *text = settings->headers;
    for (; text != NULL && *text != NULL; text++, field++) {
        size_t name = name_length(*text);
        field->name = (const char *)headers->names.data + headers->names.length;
        field->value = *text + name + 1 + strspn(*text + name + 1, " \t");
        tow_buffer_append(&headers->names, *text, name); /* there is room */
        tow_buffer_append(&headers->names, "", 1);
    }
    return field;
}

/* RFC 6265, section 4.2.1. */
static int cookie_write(tow_buffer *out, const char *const *cookies) {
    int error = 0;
    for (size_t i = 0; error == 0 && cookies[i] != NULL; i++)
        error = tow_buffer_append_format(out, "%s%s", i == 0 ? "" : "; ", cookies[i]);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

static int basic_write(tow_buffer *out, const char *user) {
    size_t length = strcspn(user, ":");
    tow_buffer name = {0};
    int error = tow_buffer_append(&name, user, length);
    if (error == 0)
        error = tow_buffer_append(&name, "", 1);
    if (error == 0)
        error = tow_basic_append(out, (const char *)name.data, user + length + (user[length] == ':'));
    tow_buffer_clear(&name);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

/* RFC 6750, section 2.1. */
static int bearer_write(tow_buffer *out, const char *token) {
    int error = tow_buffer_append_format(out, "Bearer %s", token);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

int tow_headers_make(tow_headers *headers, const tow_connect_settings *settings) {
    *headers = (tow_headers){0};
    int error = names_reserve(headers, settings);
    if (error == 0 && settings->cookies != NULL)
        error = cookie_write(&headers->cookie, settings->cookies);
    if (error == 0 && settings->user != NULL)
        error = basic_write(&headers->authorization, settings->user);
    if (error == 0 && settings->bearer != NULL)
        error = bearer_write(&headers->authorization, settings->bearer);
    if (error != 0)
        return error;
    tow_header_field *field = headers_split(headers, settings);
    if (headers->cookie.length > 0)
        *field++ = (tow_header_field){"Cookie", (const char *)headers->cookie.data};
    if (headers->authorization.length > 0)
        *field++ = (tow_header_field){"Authorization", (const char *)headers->authorization.data};
    return 0;
}

void tow_headers_clear(tow_headers *headers) {
    free(headers->fields);
    tow_buffer_clear(&headers->names);
    tow_buffer_clear(&headers->cookie);
    tow_buffer_clear(&headers->authorization);
    *headers = (tow_headers){0};
}
