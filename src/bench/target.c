#include "bench/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct load_scheme {
    const char *start;
    bool framed;
    bool secure;
    int port; /* without one in the URL; -1: there must be one */
} load_scheme;

static const load_scheme schemes[] = {
    {"ws://", .framed = true, .port = 80},
    {"wss://", .framed = true, .secure = true, .port = 443},
    {"tcp://", .port = -1},
    {"tls://", .secure = true, .port = -1},
};

static const load_scheme *scheme_of(const char *url) {
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncmp(url, schemes[i].start, strlen(schemes[i].start)) == 0)
            return &schemes[i];
    }
    return NULL;
}

/* Only what may stand in a request line as it is. */
static bool path_is_printable(const char *path) {
    for (; *path != 0; path++) {
        if (*path <= ' ' || *path > '~' || *path == '#')
            return false;
    }
    return true;
}

/* The port behind the host, `missing` if there is none, or -1. */
static int read_port(const char *text, int missing) {
    if (*text == 0)
        return missing;
    if (*text != ':' || text[1] < '0' || text[1] > '9')
        return -1;
    char *end;
    unsigned long port = strtoul(text + 1, &end, 10);
    return *end == 0 && port > 0 && port <= UINT16_MAX ? (int)port : -1;
}

/* The length of the host at the front: up to the port, brackets kept together. */
static size_t host_length(const char *authority) {
    const char *bracket = authority[0] == '[' ? strchr(authority, ']') : NULL;
    return bracket != NULL ? (size_t)(bracket - authority) + 1 : strcspn(authority, ":");
}

int tow_load_target_read(tow_load_target *target, const char *url) {
    const load_scheme *scheme = scheme_of(url);
    if (scheme == NULL)
        return TOW_ERROR_URL;
    tow_load_target read = {.framed = scheme->framed, .secure = scheme->secure};
    const char *authority = url + strlen(scheme->start);
    size_t length = strcspn(authority, "/?");
    if (length == 0 || length >= sizeof(read.authority))
        return TOW_ERROR_URL;
    memcpy(read.authority, authority, length);
    read.path = authority[length] == 0 ? "/" : authority + length;
    if (read.path[0] != '/' || !path_is_printable(read.path))
        return TOW_ERROR_URL;
    size_t host = host_length(read.authority);
    int port = read_port(read.authority + host, scheme->port);
    if (host == 0 || port < 0)
        return TOW_ERROR_URL;
    memcpy(read.host, read.authority, host);
    read.address_count = tow_address_from_host(read.host, (uint16_t)port, read.addresses);
    if (read.address_count < 0)
        return read.address_count;
    *target = read;
    return 0;
}
