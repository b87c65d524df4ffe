#include "server/route.h"

#include "protocol/opening.h"

#include <stdlib.h>
#include <towline/error.h>

static int compare(const tow_route *route, const char *path, size_t length) {
    size_t common = route->length < length ? route->length : length;
    int order = memcmp(route->path, path, common);
    if (order != 0)
        return order;
    return (route->length > length) - (route->length < length);
}

/* The first route from `low` up to `high` that is not less than the path. */
static size_t lower_bound(
    const tow_routes *routes, size_t low, size_t high, const char *path, size_t length) {
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(routes->items[middle], path, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const tow_route *find_in(
    const tow_routes *routes, size_t low, size_t high, const char *path, size_t length) {
    size_t at = lower_bound(routes, low, high, path, length);
    if (at == high || compare(routes->items[at], path, length) != 0)
        return NULL;
    return routes->items[at];
}

const tow_route *tow_routes_find(const tow_routes *routes, tow_slice path) {
    const tow_route *route = find_in(routes, 0, routes->exact_count, path.data, path.length);
    for (size_t length = path.length; route == NULL && length > 0; length--) {
        if (path.data[length - 1] == '/')
            route = find_in(routes, routes->exact_count, routes->count, path.data, length);
    }
    return route;
}

/* A path as requests send it: visible ASCII without query and fragment; an asterisk only as the end of a
 * prefix. */
static bool is_path(const char *path) {
    if (path[0] != '/')
        return false;
    for (size_t i = 0; path[i] != '\0'; i++) {
        if (path[i] <= ' ' || path[i] > '~' || path[i] == '?' || path[i] == '#')
            return false;
        if (path[i] == '*' && (path[i - 1] != '/' || path[i + 1] != '\0'))
            return false;
    }
    return true;
}

static int protocols_copy(const char *const *protocols, char ***out) {
    size_t count = 0;
    while (protocols[count] != NULL)
        count++;
    char **copy = calloc(count + 1, sizeof(*copy));
    if (copy == NULL)
        return TOW_ERROR_MEMORY;
    *out = copy;
    for (size_t i = 0; i < count; i++) {
        copy[i] = strdup(protocols[i]);
        if (copy[i] == NULL)
            return TOW_ERROR_MEMORY;
    }
    return 0;
}

static void route_free(tow_route *route) {
    if (route == NULL)
        return;
    for (size_t i = 0; route->protocols != NULL && route->protocols[i] != NULL; i++)
        free(route->protocols[i]);
    free(route->protocols);
    free(route->path);
    free(route);
}

static tow_behaviour behaviour_of(const tow_handler *handler, const tow_route_defaults *defaults) {
    return (tow_behaviour){
        .role = TOW_ROLE_SERVER,
        .on_open = defaults->on_open,
        .on_error = handler->on_error,
        .on_close = handler->on_close,
        .on_drain = handler->on_drain,
        .on_ping = handler->on_ping,
        .on_pong = handler->on_pong,
        .limits = handler->limits,
        .url = "",
        .owner = defaults->owner,
    };
}

static int handler_check(const tow_handler *handler, tow_complaint *complaint) {
    if (handler->on_message != NULL && handler->on_piece != NULL)
        return tow_complain(complaint, "on_piece: not with on_message, one of the two");
    if (!tow_opening_protocols_are_valid(handler->protocols))
        return tow_complain(complaint, "protocols: one is not a token, or stands twice");
    return 0;
}

static int route_new(tow_route **out, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint) {
    tow_route *route = calloc(1, sizeof(*route));
    if (route == NULL)
        return TOW_ERROR_MEMORY;
    route->handler = *handler;
    tow_limits_resolve(&route->handler.limits, &defaults->limits);
    route->behaviour = behaviour_of(&route->handler, defaults);
    route->behaviour.common = route;
    tow_behaviour_receive_by(&route->behaviour, handler->on_message, handler->on_piece);
    route->path = strdup(path);
    int error = route->path == NULL ? TOW_ERROR_MEMORY : tow_limits_check(&route->handler.limits, complaint);
    if (error == 0)
        error = handler_check(handler, complaint);
    if (error == 0 && handler->protocols != NULL)
        error = protocols_copy(handler->protocols, &route->protocols);
    if (error != 0) {
        route_free(route);
        return error;
    }
    route->handler.protocols = (const char *const *)route->protocols;
    route->length = strlen(path);
    route->is_prefix = path[route->length - 1] == '*';
    if (route->is_prefix)
        route->path[--route->length] = '\0';
    *out = route;
    return 0;
}

static int insert(tow_routes *routes, size_t at, tow_route *route) {
    tow_route **items = realloc(routes->items, (routes->count + 1) * sizeof(tow_route *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    routes->items = items;
    memmove(items + at + 1, items + at, (routes->count - at) * sizeof(tow_route *));
    items[at] = route;
    routes->count++;
    routes->exact_count += !route->is_prefix;
    return 0;
}

int tow_routes_add(tow_routes *routes, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint) {
    if (!is_path(path))
        return tow_complain(complaint, "not a path such as /echo, or /files/* for all below");
    tow_route *route;
    int error = route_new(&route, path, handler, defaults, complaint);
    if (error != 0)
        return error;
    size_t low = route->is_prefix ? routes->exact_count : 0;
    size_t high = route->is_prefix ? routes->count : routes->exact_count;
    size_t at = lower_bound(routes, low, high, route->path, route->length);
    if (at < high && compare(routes->items[at], route->path, route->length) == 0) {
        route_free(routes->items[at]);
        routes->items[at] = route;
        return 0;
    }
    error = insert(routes, at, route);
    if (error != 0)
        route_free(route);
    return error;
}

void tow_routes_silence(tow_routes *routes) {
    for (size_t i = 0; i < routes->count; i++) {
        tow_behaviour *behaviour = &routes->items[i]->behaviour;
        tow_behaviour_receive_by(behaviour, NULL, NULL);
        behaviour->on_error = NULL;
        behaviour->on_close = NULL;
        behaviour->on_drain = NULL;
        behaviour->on_ping = NULL;
        behaviour->on_pong = NULL;
    }
}

void tow_routes_clear(tow_routes *routes) {
    for (size_t i = 0; i < routes->count; i++)
        route_free(routes->items[i]);
    free(routes->items);
    *routes = (tow_routes){0};
}

bool tow_route_is_websocket(const tow_route *route) {
    return route->handler.on_message != NULL || route->handler.on_piece != NULL ||
           route->handler.on_open != NULL;
}
