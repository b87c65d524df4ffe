/* host: what a connection of an HTTP client can be shared for: scheme, host, port and Unix socket; counted by
 * the calls and connections that belong to it. */
#ifndef TOW_CLIENT_HTTP_HOST_H
#define TOW_CLIENT_HTTP_HOST_H

#include "base/ring.h"
#include "client/url.h"
#include "connect/connector.h"

#include <stddef.h>

typedef struct tow_http_host {
    tow_ring in_client; /* first */
    size_t users;       /* calls that are not over, and connections */
    size_t connections; /* open, or being opened */
    size_t idle;        /* of these, without a call */
    size_t waiting;     /* calls */
    bool is_secure;
    tow_place place; /* the texts lie behind */
} tow_http_host;

/* The host of the list, which is made if there is none yet, with one user more; NULL when out of memory. The
 * list is as long as the pool has hosts in use: it is looked through. */
tow_http_host *tow_http_host_take(tow_ring *hosts, const tow_url *url, const char *unix_path);

/* One user less; without any it is freed. */
void tow_http_host_give(tow_http_host *host);

#endif
