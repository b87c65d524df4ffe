#include "bench/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { DEFAULT_PORT = 80 };

static bool starts_with(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
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
    tow_load_target read = {.framed = starts_with(url, "ws://")};
    if (!read.framed && !starts_with(url, "tcp://"))
        return TOW_ERROR_URL;
    const char *authority = strstr(url, "://") + 3;
    size_t length = strcspn(authority, "/?");
    if (length == 0 || length >= sizeof(read.authority))
        return TOW_ERROR_URL;
    memcpy(read.authority, authority, length);
    read.path = authority[length] == 0 ? "/" : authority + length;
    if (read.path[0] != '/' || !path_is_printable(read.path))
        return TOW_ERROR_URL;
    size_t host = host_length(read.authority);
    int port = read_port(read.authority + host, read.framed ? DEFAULT_PORT : -1);
    if (host == 0 || port < 0)
        return TOW_ERROR_URL;
    char name[TOW_ADDRESS_TEXT_MAX];
    snprintf(name, sizeof(name), "%.*s", (int)host, read.authority);
    read.address_count = tow_address_from_host(name, (uint16_t)port, read.addresses);
    if (read.address_count < 0)
        return read.address_count;
    *target = read;
    return 0;
}
