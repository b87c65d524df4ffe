#include "server/route.h"

#include "base/buffer.h"
#include "protocol/opening.h"
#include "texts.h"

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

/* As requests send it: visible ASCII without query and fragment; an asterisk only as the end of a prefix. */
bool tow_route_path_is_valid(const char *path) {
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

/* One more behaviour of a route. The list only grows, at its head. */
typedef struct tow_carried_behaviour {
    tow_behaviour behaviour;
    struct tow_carried_behaviour *next;
} tow_carried_behaviour;

static void carried_free(tow_carried_behaviour *first) {
    while (first != NULL) {
        tow_carried_behaviour *next = first->next;
        free(first);
        first = next;
    }
}

void tow_route_free(tow_route *route) {
    if (route == NULL)
        return;
    carried_free(atomic_load(&route->carried));
    tow_texts_free(route->protocols);
    tow_texts_free(route->allow_origins);
    tow_texts_free(route->hosts);
    tow_fields_clear(&route->fields);
    free(route->path);
    free(route);
}

const tow_route *tow_route_retain(const tow_route *route) {
    if (route != NULL)
        atomic_fetch_add_explicit(&route->self->holders, 1, memory_order_relaxed);
    return route;
}

static void give_user_back(tow_route *route) {
    void (*on_free)(void *user) = route->handler.on_free;
    route->handler.on_free = NULL;
    if (on_free != NULL)
        on_free(route->handler.free_user != NULL ? route->handler.free_user : route->handler.user);
}

void tow_route_release(const tow_route *route) {
    if (route == NULL || atomic_fetch_sub_explicit(&route->self->holders, 1, memory_order_acq_rel) > 1)
        return;
    const tow_route *origin = route->origin;
    give_user_back(route->self);
    tow_route_free(route->self);
    tow_route_release(origin);
}

static void silence(tow_behaviour *behaviour) {
    tow_behaviour_receive_by(behaviour, NULL, NULL);
    behaviour->on_error = NULL;
    behaviour->on_close = NULL;
    behaviour->on_drain = NULL;
    behaviour->on_ping = NULL;
    behaviour->on_pong = NULL;
}

void tow_route_end(const tow_route *route) {
    if (route == NULL)
        return;
    silence(&route->self->behaviour);
    for (tow_carried_behaviour *one = atomic_load(&route->carried); one != NULL; one = one->next)
        silence(&one->behaviour);
    give_user_back(route->self);
    tow_route_end(route->origin);
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

static tow_carried_behaviour *find_carried(
    tow_carried_behaviour *first, const tow_carrier *carrier, const tow_socket_owner *owner) {
    while (first != NULL && (first->behaviour.carrier != carrier || first->behaviour.owner != owner))
        first = first->next;
    return first;
}

static tow_carried_behaviour *carried_new(
    const tow_route *route, const tow_carrier *carrier, const tow_socket_owner *owner, tow_on_open on_open) {
    tow_carried_behaviour *made = malloc(sizeof(*made));
    if (made == NULL)
        return NULL;
    made->behaviour = route->behaviour;
    made->behaviour.carrier = carrier;
    made->behaviour.owner = owner;
    made->behaviour.on_open = on_open;
    return made;
}

/* Of two threads that make the same one the second finds that of the first. */
const tow_behaviour *tow_route_behaviour(
    const tow_route *route, const tow_carrier *carrier, const tow_socket_owner *owner, tow_on_open on_open) {
    tow_carried_behaviour *first = atomic_load_explicit(&route->carried, memory_order_acquire);
    tow_carried_behaviour *found = find_carried(first, carrier, owner);
    tow_carried_behaviour *made = found == NULL ? carried_new(route, carrier, owner, on_open) : NULL;
    while (found == NULL && made != NULL) {
        made->next = first;
        if (atomic_compare_exchange_weak_explicit(
                &route->self->carried, &first, made, memory_order_acq_rel, memory_order_acquire))
            return &made->behaviour;
        found = find_carried(first, carrier, owner);
    }
    free(made);
    return found != NULL ? &found->behaviour : NULL;
}

static int handler_check(const tow_handler *handler, tow_complaint *complaint) {
    if (handler->on_message != NULL && handler->on_piece != NULL)
        return tow_complain(complaint, "on_piece: not with on_message, one of the two");
    if (!tow_opening_protocols_are_valid(handler->protocols))
        return tow_complain(complaint, "protocols: one is not a token, or stands twice");
    if (handler->answer_seconds < TOW_OFF)
        return tow_complain(complaint, "answer_seconds: a number from 0, or off");
    if (handler->any_origin && handler->allow_origins != NULL)
        return tow_complain(complaint, "any_origin: not with allow_origins, one of the two");
    if (handler->hosts != NULL && handler->hosts[0] == NULL)
        return tow_complain(complaint, "hosts: name one, or leave the list away for the server's");
    if (tow_websocket_close_check(TOW_ROLE_SERVER, handler->drain_code, NULL) != 0)
        return tow_complain(complaint, "drain_code: none that a server may send");
    return 0;
}

/* Copies of the lists, which take their place in the handler. */
static int lists_copy(tow_route *route, tow_complaint *complaint) {
    tow_handler *handler = &route->handler;
    int error = tow_fields_copy(&route->fields, handler->fields, complaint);
    if (error == 0)
        error = tow_texts_copy(&route->protocols, handler->protocols);
    if (error == 0)
        error = tow_texts_copy(&route->allow_origins, handler->allow_origins);
    if (error == 0)
        error = tow_texts_copy(&route->hosts, handler->hosts);
    if (error == 0)
        error = tow_texts_check(&tow_rule_of_origins, route->allow_origins, complaint);
    if (error == 0)
        error = tow_texts_check(&tow_rule_of_hosts, route->hosts, complaint);
    handler->fields = route->fields.fields;
    handler->protocols = (const char *const *)route->protocols;
    handler->allow_origins = (const char *const *)route->allow_origins;
    handler->hosts = (const char *const *)route->hosts;
    route->host_rule.names = handler->hosts;
    return error;
}

int tow_route_new(tow_route **out, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint) {
    if (!tow_route_path_is_valid(path)) {
        (void)tow_complain(complaint, "not a path such as /echo, or /files/* for all below");
        return TOW_ERROR_ARGUMENT;
    }
    tow_route *route = calloc(1, sizeof(*route));
    if (route == NULL)
        return TOW_ERROR_MEMORY;
    route->self = route;
    atomic_init(&route->holders, 1);
    route->handler = *handler;
    route->given = handler->limits;
    tow_limits_resolve(&route->handler.limits, TOW_ROLE_SERVER, &defaults->limits);
    route->behaviour = behaviour_of(&route->handler, defaults);
    route->behaviour.common = route;
    tow_behaviour_receive_by(&route->behaviour, handler->on_message, handler->on_piece);
    route->path = strdup(path);
    int error = route->path == NULL ? TOW_ERROR_MEMORY : tow_limits_check(&route->handler.limits, complaint);
    if (error == 0)
        error = handler_check(handler, complaint);
    if (error == 0)
        error = lists_copy(route, complaint);
    if (error != 0) {
        tow_route_free(route);
        return error;
    }
    route->length = strlen(path);
    route->is_prefix = path[route->length - 1] == '*';
    if (route->is_prefix)
        route->path[--route->length] = '\0';
    *out = route;
    return 0;
}

/* Where a path stands, or would. */
typedef struct place {
    size_t at;
    bool is_taken;
} place;

static place place_of(const tow_routes *routes, const char *path, size_t length, bool is_prefix) {
    size_t low = is_prefix ? routes->exact_count : 0;
    size_t high = is_prefix ? routes->count : routes->exact_count;
    size_t at = lower_bound(routes, low, high, path, length);
    return (place){at, at < high && compare(routes->items[at], path, length) == 0};
}

int tow_routes_put(tow_routes *routes, tow_route *route, tow_route **replaced) {
    place to = place_of(routes, route->path, route->length, route->is_prefix);
    *replaced = to.is_taken ? routes->items[to.at] : NULL;
    if (to.is_taken) {
        routes->items[to.at] = route;
        return 0;
    }
    tow_route **items = realloc(routes->items, (routes->count + 1) * sizeof(tow_route *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    routes->items = items;
    memmove(items + to.at + 1, items + to.at, (routes->count - to.at) * sizeof(tow_route *));
    items[to.at] = route;
    routes->count++;
    routes->exact_count += !route->is_prefix;
    return 0;
}

static place place_of_text(const tow_routes *routes, const char *path) {
    size_t length = strlen(path);
    bool is_prefix = length > 0 && path[length - 1] == '*';
    return place_of(routes, path, length - is_prefix, is_prefix);
}

bool tow_routes_has(const tow_routes *routes, const char *path) {
    return place_of_text(routes, path).is_taken;
}

tow_route *tow_routes_take(tow_routes *routes, const char *path) {
    place from = place_of_text(routes, path);
    if (!from.is_taken)
        return NULL;
    tow_route *taken = routes->items[from.at];
    routes->count--;
    routes->exact_count -= !taken->is_prefix;
    memmove(&routes->items[from.at], &routes->items[from.at + 1],
        (routes->count - from.at) * sizeof(tow_route *));
    return taken;
}

static int renew(tow_route **out, const tow_route *from, const tow_route_defaults *defaults) {
    tow_handler handler = from->handler;
    tow_buffer path = {0};
    handler.limits = from->given;
    handler.on_free = NULL;
    int error = tow_buffer_append_format(&path, "%s%s", from->path, from->is_prefix ? "*" : "");
    if (error == 0)
        error = tow_buffer_append(&path, "", 1);
    if (error == 0)
        error = tow_route_new(out, (const char *)path.data, &handler, defaults, NULL);
    tow_buffer_clear(&path);
    if (error == 0)
        (*out)->origin = tow_route_retain(from->origin != NULL ? from->origin : from);
    return error;
}

int tow_routes_renew(tow_routes *out, const tow_routes *routes, const tow_route_defaults *defaults) {
    out->items = calloc(routes->count + 1, sizeof(tow_route *));
    if (out->items == NULL)
        return TOW_ERROR_MEMORY;
    for (; out->count < routes->count; out->count++) {
        const tow_route *from = routes->items[out->count];
        int error = renew(&out->items[out->count], from, defaults);
        if (error == TOW_ERROR_ARGUMENT)
            out->items[out->count] = tow_route_retain(from)->self;
        else if (error != 0)
            return error;
    }
    out->exact_count = routes->exact_count;
    return 0;
}

int tow_routes_copy(tow_routes *out, const tow_routes *routes) {
    tow_route **items = calloc(routes->count + 1, sizeof(tow_route *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < routes->count; i++) {
        items[i] = routes->items[i];
        (void)tow_route_retain(items[i]);
    }
    *out = (tow_routes){items, routes->count, routes->exact_count};
    return 0;
}

int tow_routes_add(tow_routes *routes, const char *path, const tow_handler *handler,
    const tow_route_defaults *defaults, tow_complaint *complaint) {
    tow_route *route;
    tow_route *replaced = NULL;
    int error = tow_route_new(&route, path, handler, defaults, complaint);
    if (error != 0)
        return error;
    error = tow_routes_put(routes, route, &replaced);
    if (error != 0)
        tow_route_free(route);
    else
        tow_route_release(replaced);
    return error;
}

void tow_routes_end(const tow_routes *routes) {
    for (size_t i = 0; i < routes->count; i++)
        tow_route_end(routes->items[i]);
}

void tow_routes_clear(tow_routes *routes) {
    for (size_t i = 0; i < routes->count; i++)
        tow_route_release(routes->items[i]);
    free(routes->items);
    *routes = (tow_routes){0};
}

bool tow_route_is_websocket(const tow_route *route) {
    return route->handler.on_message != NULL || route->handler.on_piece != NULL ||
           route->handler.on_open != NULL;
}
