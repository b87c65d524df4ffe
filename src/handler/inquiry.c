#include "inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OWN_FIELDS = 5, PEER_MAX = 128 };

/* An answer to them would not be one to our question. */
static bool is_left_out(const char *name) {
    static const char *const names[] = {"Connection", "Content-Length", "Content-Type", "Expect", "Host",
        "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Accept-Encoding", "Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
        "If-Unmodified-Since", "Sec-WebSocket-Extensions", "Sec-WebSocket-Key", "Sec-WebSocket-Version"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return true;
    return strncasecmp(name, "X-Forwarded-", 12) == 0 || strcasecmp(name, "Forwarded") == 0;
}

/* Without its port: "127.0.0.1:50001", "[::1]:50001", "::1", "unix". */
static void address_of(const tow_request *request, char out[PEER_MAX]) {
    const char *peer = tow_request_peer(request);
    const char *first = strchr(peer, ':');
    bool is_bracketed = peer[0] == '[';
    bool has_port = first != NULL && strchr(first + 1, ':') == NULL;
    size_t length = is_bracketed ? strcspn(peer, "]") - 1 : has_port ? (size_t)(first - peer) : strlen(peer);
    snprintf(out, PEER_MAX, "%.*s", (int)length, peer + is_bracketed);
}

static char *append(char *out, const char *text, const char **place) {
    size_t size = strlen(text) + 1;
    *place = memcpy(out, text, size);
    return out + size;
}

static tow_header_field *copy(
    const tow_header_field *own, const tow_header_field *headers, size_t count, size_t size) {
    tow_header_field *made = malloc((count + 1) * sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    tow_header_field *next = made;
    char *out = (char *)(made + count + 1);
    for (size_t i = 0; i < OWN_FIELDS; i++, next++) {
        out = append(out, own[i].name, &next->name);
        out = append(out, own[i].value, &next->value);
    }
    for (; headers->name != NULL; headers++)
        if (!is_left_out(headers->name)) {
            out = append(out, headers->name, &next->name);
            out = append(out, headers->value, &next->value);
            next++;
        }
    *next = (tow_header_field){0};
    return made;
}

static size_t size_of(const tow_header_field *field) {
    return strlen(field->name) + strlen(field->value) + 2;
}

tow_header_field *tow_inquiry_fields(const tow_request *request) {
    char address[PEER_MAX];
    const tow_header_field *headers = tow_request_headers(request);
    const char *host = tow_request_header(request, "Host");
    const tow_header_field own[OWN_FIELDS] = {
        {"X-Forwarded-Method", tow_request_method(request)},
        {"X-Forwarded-Proto", tow_request_scheme(request)},
        {"X-Forwarded-Host", host != NULL ? host : ""},
        {"X-Forwarded-Uri", tow_request_target(request)},
        {"X-Forwarded-For", address},
    };
    size_t count = OWN_FIELDS, size = 0;
    if (headers == NULL)
        return NULL;
    address_of(request, address);
    for (size_t i = 0; i < OWN_FIELDS; i++)
        size += size_of(&own[i]);
    for (const tow_header_field *field = headers; field->name != NULL; field++)
        if (!is_left_out(field->name)) {
            count++;
            size += size_of(field);
        }
    return copy(own, headers, count, size);
}
