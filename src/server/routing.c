#include "routing.h"

#include <stdlib.h>
#include <towline/error.h>

struct tow_snapshot {
    tow_routes routes;
    _Atomic uint32_t holders; /* the routing while it is the newest, and whoever looked; counted up under the
                                 mutex */
};

void tow_snapshot_release(tow_snapshot *snapshot) {
    if (snapshot == NULL || atomic_fetch_sub_explicit(&snapshot->holders, 1, memory_order_acq_rel) > 1)
        return;
    tow_routes_clear(&snapshot->routes);
    free(snapshot);
}

void tow_routing_init(tow_routing *routing) {
    pthread_mutex_init(&routing->mutex, NULL);
    atomic_init(&routing->newest, NULL);
}

void tow_routing_clear(tow_routing *routing) {
    tow_snapshot_release(atomic_exchange(&routing->newest, NULL));
    pthread_mutex_destroy(&routing->mutex);
}

static tow_snapshot *snapshot_copy(const tow_snapshot *snapshot) {
    static const tow_routes none;
    tow_snapshot *copy = calloc(1, sizeof(*copy));
    if (copy == NULL || tow_routes_copy(&copy->routes, snapshot != NULL ? &snapshot->routes : &none) != 0) {
        free(copy);
        return NULL;
    }
    atomic_init(&copy->holders, 1);
    return copy;
}

/* Under the mutex: the newest snapshot, for changes. One that somebody looks at is copied first, and *before
 * is then to be released. NULL without memory. */
static tow_snapshot *open_newest(tow_routing *routing, tow_snapshot **before) {
    tow_snapshot *newest = atomic_load_explicit(&routing->newest, memory_order_relaxed);
    if (newest != NULL && atomic_load_explicit(&newest->holders, memory_order_acquire) == 1)
        return newest;
    tow_snapshot *copy = snapshot_copy(newest);
    if (copy == NULL)
        return NULL;
    atomic_store_explicit(&routing->newest, copy, memory_order_release);
    *before = newest;
    return copy;
}

int tow_routing_put(tow_routing *routing, tow_route *route) {
    tow_snapshot *before = NULL;
    tow_route *replaced = NULL;
    pthread_mutex_lock(&routing->mutex);
    tow_snapshot *newest = open_newest(routing, &before);
    int error = newest == NULL ? TOW_ERROR_MEMORY : tow_routes_put(&newest->routes, route, &replaced);
    pthread_mutex_unlock(&routing->mutex);
    tow_snapshot_release(before);
    tow_route_release(replaced);
    return error;
}

static bool has(tow_routing *routing, const char *path) {
    const tow_snapshot *newest = atomic_load_explicit(&routing->newest, memory_order_relaxed);
    return newest != NULL && tow_routes_has(&newest->routes, path);
}

static int remove_locked(tow_routing *routing, const char *path, tow_route **removed, tow_snapshot **before) {
    if (!has(routing, path))
        return TOW_ERROR_ARGUMENT;
    tow_snapshot *newest = open_newest(routing, before);
    if (newest == NULL)
        return TOW_ERROR_MEMORY;
    *removed = tow_routes_take(&newest->routes, path);
    return 0;
}

int tow_routing_remove(tow_routing *routing, const char *path) {
    tow_snapshot *before = NULL;
    tow_route *removed = NULL;
    pthread_mutex_lock(&routing->mutex);
    int error = remove_locked(routing, path, &removed, &before);
    pthread_mutex_unlock(&routing->mutex);
    tow_snapshot_release(before);
    tow_route_release(removed);
    return error;
}

int tow_routing_draft(tow_routing *routing, const tow_route_defaults *defaults, tow_snapshot **draft) {
    static const tow_routes none;
    tow_snapshot *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&made->holders, 1);
    pthread_mutex_lock(&routing->mutex);
    const tow_snapshot *newest = atomic_load_explicit(&routing->newest, memory_order_relaxed);
    int error = tow_routes_renew(&made->routes, newest != NULL ? &newest->routes : &none, defaults);
    pthread_mutex_unlock(&routing->mutex);
    if (error != 0)
        tow_snapshot_release(made);
    else
        *draft = made;
    return error;
}

int tow_draft_put(tow_snapshot *draft, tow_route *route) {
    tow_route *replaced = NULL;
    int error = tow_routes_put(&draft->routes, route, &replaced);
    tow_route_release(replaced);
    return error;
}

void tow_draft_remove(tow_snapshot *draft, const char *path) {
    tow_route_release(tow_routes_take(&draft->routes, path));
}

void tow_routing_take(tow_routing *routing, tow_snapshot *draft) {
    pthread_mutex_lock(&routing->mutex);
    tow_snapshot *before = atomic_exchange_explicit(&routing->newest, draft, memory_order_acq_rel);
    pthread_mutex_unlock(&routing->mutex);
    tow_snapshot_release(before);
}

static void take_newest(tow_routing *routing, tow_snapshot **mine) {
    tow_snapshot *before = *mine;
    pthread_mutex_lock(&routing->mutex);
    *mine = atomic_load_explicit(&routing->newest, memory_order_relaxed);
    if (*mine != NULL)
        atomic_fetch_add_explicit(&(*mine)->holders, 1, memory_order_relaxed);
    pthread_mutex_unlock(&routing->mutex);
    tow_snapshot_release(before);
}

const tow_routes *tow_routing_look(tow_routing *routing, tow_snapshot **mine) {
    static const tow_routes none;
    if (atomic_load_explicit(&routing->newest, memory_order_acquire) != *mine)
        take_newest(routing, mine);
    return *mine != NULL ? &(*mine)->routes : &none;
}

void tow_routing_end(tow_routing *routing) {
    const tow_snapshot *newest = atomic_load_explicit(&routing->newest, memory_order_relaxed);
    if (newest != NULL)
        tow_routes_end(&newest->routes);
}
