/* routing: the routes of a server, which change at any time, from any thread.
 *
 * Whoever serves has a snapshot of them, counted, that does not change; one load tells whether there is a
 * newer one. What goes is released outside of the mutex, as on_free may come then. */
#ifndef TOW_SERVER_ROUTING_H
#define TOW_SERVER_ROUTING_H

#include "server/route.h"

#include <pthread.h>

typedef struct tow_snapshot tow_snapshot;

typedef struct tow_routing {
    pthread_mutex_t mutex;          /* for those who change it, or take the newest snapshot */
    _Atomic(tow_snapshot *) newest; /* NULL: there were no routes yet */
} tow_routing;

void tow_routing_init(tow_routing *routing);
void tow_routing_clear(tow_routing *routing);

/* Adds a route, or puts it in the place of the one that has its path; it is the routing's from now on. Any
 * thread. Errors: MEMORY. */
int tow_routing_put(tow_routing *routing, tow_route *route);

/* Removes the route of exactly this path. Any thread. Errors: ARGUMENT (there is none), MEMORY. */
int tow_routing_remove(tow_routing *routing, const char *path);

/* All routes made anew (tow_routes_renew), to be changed, and then taken or released: nobody sees it before.
 * Errors: MEMORY. */
int tow_routing_draft(tow_routing *routing, const tow_route_defaults *defaults, tow_snapshot **draft);

/* As tow_routing_put and tow_routing_remove, which can't fail here. */
int tow_draft_put(tow_snapshot *draft, tow_route *route);
void tow_draft_remove(tow_snapshot *draft, const char *path);

/* Takes it in place of what there is: what was changed since it was made is lost. Any thread. */
void tow_routing_take(tow_routing *routing, tow_snapshot *draft);

/* The routes as they are now: a table that stays until the next call with the same `mine`, which is NULL at
 * first, and holds what has to be released in the end. */
const tow_routes *tow_routing_look(tow_routing *routing, tow_snapshot **mine);
void tow_snapshot_release(tow_snapshot *snapshot);

/* tow_route_end for each of the newest. */
void tow_routing_end(tow_routing *routing);

#endif
