/* route: which handler serves a path.
 *
 * Paths are compared as they were sent: nothing is decoded, so "/a%2Fb" is not "/a/b". An exact path wins
 * over "/prefix/" followed by an asterisk, a longer prefix over a shorter. A route does not change; it is
 * counted by those who use it, on any thread: tables that have it, and connections and requests that began
 * with it. */
#ifndef TOW_SERVER_ROUTE_H
#define TOW_SERVER_ROUTE_H

#include "server/fields.h"
#include "server/host.h"
#include "websocket/websocket.h"

#include <stdatomic.h>

typedef struct tow_route {
    tow_behaviour behaviour;        /* what its sockets share; on_open is the server's */
    tow_handler handler;            /* its lists are ours, its limits resolved */
    tow_limits given;               /* its limits as they were given */
    const struct tow_route *origin; /* whose handler's user it has, held; NULL: it is its own */
    char **protocols;               /* the lists end with NULL; NULL: not given */
    char **allow_origins;
    char **hosts;
    tow_fields fields;
    tow_host_rule host_rule; /* without names the server's counts */
    char *path;              /* without the asterisk */
    size_t length;
    bool is_prefix;
    _Atomic(struct tow_carried_behaviour *)
        carried;            /* behaviours for other carriers: see tow_route_behaviour */
    struct tow_route *self; /* for those who count: holding a route is no change of it */
    _Atomic uint32_t holders;
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

/* A route with a copy of the handler; whoever makes it holds it. Errors: ARGUMENT (not a path, limits that
 * make no sense, a list with what is not valid, options that contradict each other), of which
 * `complaint` tells if it is not NULL; MEMORY. */
int tow_route_new(tow_route **route, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint);

/* Whether a text is a path to route: "/echo", or "/prefix/" with an asterisk. */
bool tow_route_path_is_valid(const char *path);

/* Frees one that nobody else got, without a word to its handler. */
void tow_route_free(tow_route *route);

/* One holder more, or less: with the last it goes, and on_free comes. Any thread; NULL is allowed. */
const tow_route *tow_route_retain(const tow_route *route);
void tow_route_release(const tow_route *route);

/* What the route's sockets share that are over this carrier and have this owner: as old as the route, whom
 * they hold, and made when it is first asked for. NULL without memory. Any thread. */
const tow_behaviour *tow_route_behaviour(
    const tow_route *route, const tow_carrier *carrier, const tow_socket_owner *owner, tow_on_open on_open);

/* When nothing of its server runs any more: its sockets tell nobody of anything, and on_free comes, whoever
 * holds it still. NULL is allowed. */
void tow_route_end(const tow_route *route);

/* Whether a route takes opening handshakes as WebSocket, not as requests. */
bool tow_route_is_websocket(const tow_route *route);

/* Puts a route into the table, which holds it from now on in the caller's place; *replaced is the caller's:
 * the one that had this path, or NULL. Errors: MEMORY. */
int tow_routes_put(tow_routes *routes, tow_route *route, tow_route **replaced);

/* Takes the route of exactly this path out, "/prefix/" with its asterisk; it is the caller's. NULL: none. */
tow_route *tow_routes_take(tow_routes *routes, const char *path);
bool tow_routes_has(const tow_routes *routes, const char *path);

/* A table of the same routes, each made anew with other defaults, but for those whose own limits contradict
 * them: these stay as they are. Who is with an old one stays there. Their handler is that of the first, and
 * on_free comes when all are gone. `out` is empty before. Errors: MEMORY. */
int tow_routes_renew(tow_routes *out, const tow_routes *routes, const tow_route_defaults *defaults);

/* A table that holds the same routes. Errors: MEMORY. */
int tow_routes_copy(tow_routes *out, const tow_routes *routes);

/* Makes a route and puts it there. Errors: as tow_route_new. */
int tow_routes_add(tow_routes *routes, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint);

/* The route of a path (without query), or NULL. Takes O(depth · log routes). */
const tow_route *tow_routes_find(const tow_routes *routes, tow_slice path);

/* tow_route_end for each. */
void tow_routes_end(const tow_routes *routes);

void tow_routes_clear(tow_routes *routes);

#endif
