#include "request.h"

#include "http/credentials.h"
#include "http/response.h"
#include "protocol/field_list.h"
#include "way.h"

#include <string.h>
#include <strings.h>
#include <towline/error.h>
#include <towline/version.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int tow_http_url_read(tow_url *url, const char *text) {
    bool is_http = strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
    return is_http ? tow_url_read(url, text, NULL) : TOW_ERROR_URL;
}

const char *tow_http_request_method(const tow_http_call_options *options) {
    if (options->method != NULL)
        return options->method;
    return options->body == NULL ? "GET" : "POST";
}

static bool is_one_of(const char *text, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(text, list[i]) == 0)
            return true;
    return false;
}

/* Methods differ in case. */
bool tow_http_method_is_idempotent(const char *method) {
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    for (size_t i = 0; i < COUNT(methods); i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

static int method_check(const char *method) {
    bool is_tunnel = strcmp(method, "CONNECT") == 0; /* what follows is no response */
    return tow_is_token(tow_slice_from(method)) && !is_tunnel ? 0 : TOW_ERROR_ARGUMENT;
}

/* Where the message ends, and what becomes of the connection (RFC 9110, section 7.6.1). */
bool tow_http_field_is_ours(const char *name) {
    static const char *const names[] = {"Connection", "Content-Length", "Expect", "Keep-Alive",
        "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"};
    return is_one_of(name, names, COUNT(names));
}

static const char *find(const tow_header_field *headers, const char *name) {
    for (; headers != NULL && headers->name != NULL; headers++)
        if (strcasecmp(headers->name, name) == 0)
            return headers->value;
    return NULL;
}

/* A Host of the caller's stands where ours would, and no second one. */
static int write_fields(tow_buffer *out, const tow_header_field *headers) {
    int error = 0;
    for (; error == 0 && headers != NULL && headers->name != NULL; headers++) {
        if (headers->value == NULL || tow_http_field_is_ours(headers->name))
            return TOW_ERROR_ARGUMENT;
        if (strcasecmp(headers->name, "Host") != 0)
            error = tow_response_field(out, headers->name, headers->value);
    }
    return error;
}

/* RFC 9112, section 3.2: with the place in front for a proxy that is to pass it on. */
static int write_line(tow_buffer *out, const char *method, const tow_url *url, const tow_proxy *proxy) {
    bool is_forwarded = tow_http_is_forwarded(proxy, url->secure);
    return tow_buffer_append_format(out, "%s %s%s%s HTTP/1.1\r\n", method, is_forwarded ? "http://" : "",
        is_forwarded ? url->authority : "", url->target);
}

static int write_basic(tow_buffer *out, const char *name, const char *user, const char *password) {
    int error = tow_buffer_append_format(out, "%s: ", name);
    if (error == 0)
        error = tow_basic_append(out, user, password);
    return error != 0 ? error : tow_buffer_append_text(out, "\r\n");
}

/* Those of a proxy are said here where it gets the request itself. */
static int write_credentials(
    tow_buffer *out, const tow_url *url, const tow_header_field *headers, const tow_proxy *proxy) {
    int error = 0;
    if (url->user != NULL && find(headers, "Authorization") == NULL)
        error = write_basic(out, "Authorization", url->user, url->password);
    if (error == 0 && tow_http_is_forwarded(proxy, url->secure) && proxy->user != NULL)
        error = write_basic(out, "Proxy-Authorization", proxy->user, proxy->password);
    return error;
}

/* RFC 9110, section 8.6: where a method expects a body, that there is none is said too. */
static int write_length(tow_buffer *out, const char *method, const tow_http_call_options *options) {
    static const char *const methods[] = {"POST", "PUT", "PATCH"};
    if (options->body == NULL && !is_one_of(method, methods, COUNT(methods)))
        return 0;
    return tow_response_field_number(out, "Content-Length", options->body_length);
}

int tow_http_request_write(
    tow_buffer *out, const tow_url *url, const tow_http_call_options *options, const tow_proxy *proxy) {
    const char *method = tow_http_request_method(options);
    const char *host = find(options->headers, "Host");
    int error = method_check(method);
    if (error == 0)
        error = write_line(out, method, url, proxy);
    if (error == 0)
        error = tow_response_field(out, "Host", host != NULL ? host : url->authority);
    if (error == 0 && find(options->headers, "User-Agent") == NULL)
        error = tow_buffer_append_format(out, "User-Agent: towline/%s\r\n", tow_version());
    if (error == 0)
        error = write_credentials(out, url, options->headers, proxy);
    if (error == 0)
        error = write_fields(out, options->headers);
    if (error == 0)
        error = write_length(out, method, options);
    if (error == 0)
        error = tow_buffer_append_text(out, "\r\n");
    if (error == 0 && options->body_length > 0)
        error = tow_buffer_append(out, options->body, options->body_length);
    return error;
}
