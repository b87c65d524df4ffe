#include "inquiry.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PEER_MAX = 128 };

/* Letters, digits and hyphens: other characters look to many back ends as a hyphen does, and so such a name
 * as one of ours. */
static bool is_plain(const char *name) {
    for (; *name != '\0'; name++)
        if (!isalnum((unsigned char)*name) && *name != '-')
            return false;
    return true;
}

/* An answer to them would not be one to our question. */
static bool goes_along(const char *name) {
    static const char *const names[] = {"Connection", "Content-Length", "Content-Type", "Expect", "Host",
        "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
        "Upgrade", "Accept-Encoding", "Range", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
        "If-Unmodified-Since", "Sec-WebSocket-Extensions", "Sec-WebSocket-Key", "Sec-WebSocket-Version"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(name, names[i]) == 0)
            return false;
    return is_plain(name) && strncasecmp(name, "X-Forwarded-", 12) != 0 &&
           strcasecmp(name, "Forwarded") != 0 && strncasecmp(name, "Towline-", 8) != 0;
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

/* Which of the fields go along. */
typedef bool (*field_filter)(const char *name);

static bool all_go(const char *name) {
    (void)name;
    return true;
}

static size_t count_of(const tow_header_field *fields, field_filter goes, size_t *size) {
    size_t count = 0;
    for (; fields->name != NULL; fields++)
        if (goes(fields->name)) {
            count++;
            *size += strlen(fields->name) + strlen(fields->value) + 2;
        }
    return count;
}

static tow_header_field *join(
    const tow_header_field *own, const tow_header_field *others, field_filter goes) {
    size_t size = 0;
    size_t count = count_of(own, all_go, &size) + count_of(others, goes, &size);
    tow_header_field *made = malloc((count + 1) * sizeof(*made) + size);
    if (made == NULL)
        return NULL;
    tow_header_field *next = made;
    char *out = (char *)(made + count + 1);
    for (; own->name != NULL; own++, next++) {
        out = append(out, own->name, &next->name);
        out = append(out, own->value, &next->value);
    }
    for (; others->name != NULL; others++)
        if (goes(others->name)) {
            out = append(out, others->name, &next->name);
            out = append(out, others->value, &next->value);
            next++;
        }
    *next = (tow_header_field){0};
    return made;
}

tow_header_field *tow_inquiry_join(const tow_header_field *own, const tow_header_field *others) {
    return join(own, others, all_go);
}

tow_header_field *tow_inquiry_fields(const tow_request *request) {
    char address[PEER_MAX];
    const tow_header_field *headers = tow_request_headers(request);
    const char *host = tow_request_header(request, "Host");
    const tow_header_field own[] = {
        {"X-Forwarded-Method", tow_request_method(request)},
        {"X-Forwarded-Proto", tow_request_scheme(request)},
        {"X-Forwarded-Host", host != NULL ? host : ""},
        {"X-Forwarded-Uri", tow_request_target(request)},
        {"X-Forwarded-For", address},
        {0},
    };
    if (headers == NULL)
        return NULL;
    address_of(request, address);
    return join(own, headers, goes_along);
}
