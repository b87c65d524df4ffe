/* route: which handler serves a path.
 *
 * Paths are compared as they were sent: nothing is decoded, so "/a%2Fb" is not "/a/b". An exact path wins
 * over
 * "/prefix/" followed by an asterisk, a longer prefix over a shorter. Made before the server runs, then only
 * read. */
#ifndef TOW_SERVER_ROUTE_H
#define TOW_SERVER_ROUTE_H

#include "base/slice.h"
#include "websocket/websocket.h"

typedef struct tow_route {
    tow_behaviour behaviour; /* what its sockets share; on_open is the server's */
    tow_handler handler;     /* its protocols are ours, its limits resolved */
    char **protocols;        /* ends with NULL; NULL if there are none */
    char *path;              /* without the asterisk */
    size_t length;
    bool is_prefix;
} tow_route;

typedef struct tow_routes { /* zeroed: empty */
    tow_route **items;      /* exact paths first, each half in the order of memcmp */
    size_t count;
    size_t exact_count;
} tow_routes;

/* What a server gives to each route: its limits, resolved, and that by which it follows its sockets. */
typedef struct tow_route_defaults {
    tow_limits limits;
    tow_on_open on_open;
    const tow_socket_owner *owner;
} tow_route_defaults;

/* The route of a socket of a server. */
static inline const tow_route *tow_route_of(const tow_websocket *socket) {
    return socket->behaviour->common;
}

/* Adds a copy of the handler, or replaces the one that has this path. Errors: ARGUMENT (not a path, limits
 * that make no sense, a subprotocol that is no token or stands twice, two that take messages), of which
 * `complaint` tells if it is not NULL; MEMORY. */
int tow_routes_add(tow_routes *routes, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint);

/* The route of a path (without query), or NULL. Takes O(depth · log routes). */
const tow_route *tow_routes_find(const tow_routes *routes, tow_slice path);

void tow_routes_clear(tow_routes *routes);

/* Their sockets tell nobody of anything any more. */
void tow_routes_silence(tow_routes *routes);

/* Whether a route takes opening handshakes as WebSocket, not as requests. */
bool tow_route_is_websocket(const tow_route *route);

#endif
