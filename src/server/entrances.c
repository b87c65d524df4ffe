#include "entrances.h"

#include "protocol/field_list.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { OFFERS_MAX = 32 };

int tow_entrance_make(tow_entrance *entrance, tow_server *server, const tow_handler *sockets) {
    return tow_route_new(&entrance->route, "/*", sockets, &server->route_defaults, NULL);
}

void tow_entrance_drop(tow_entrance *entrance) {
    tow_route_release(entrance->route);
    entrance->route = NULL;
}

void tow_server_add_entrance(tow_server *server, tow_entrance *entrance) {
    entrance->next = atomic_load_explicit(&server->entrances, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        &server->entrances, &entrance->next, entrance, memory_order_release, memory_order_relaxed)) {
    }
}

void tow_entrances_clear(tow_server *server) {
    tow_entrance *entrance = atomic_exchange(&server->entrances, NULL);
    while (entrance != NULL) {
        tow_entrance *next = entrance->next;
        tow_entrance_drop(entrance);
        entrance = next;
    }
}

static const tow_route *find_by(
    const tow_entrance *entrance, const tow_routes *routes, tow_slice path, tow_slice *base) {
    for (unsigned attempt = 0; entrance->find(entrance, path, attempt, base); attempt++) {
        const tow_route *route = tow_routes_find(routes, *base);
        if (route != NULL && tow_route_is_websocket(route))
            return route;
    }
    return NULL;
}

const tow_route *tow_entrances_find(
    tow_exchange *exchange, const tow_routes *routes, tow_slice path, tow_slice *base) {
    tow_entrance *entrance =
        atomic_load_explicit(&tow_exchange_server(exchange)->entrances, memory_order_acquire);
    for (; entrance != NULL; entrance = entrance->next) {
        const tow_route *route = find_by(entrance, routes, path, base);
        bool is_alias = entrance->is_alias != NULL && entrance->is_alias(entrance, path);
        exchange->entrance = route != NULL && !is_alias ? entrance : NULL;
        if (route != NULL)
            return route;
    }
    return NULL;
}

/* Subprotocols. */

static tow_slice offers_of(const tow_exchange *exchange) {
    const tow_entrance *entrance = exchange->entrance;
    const char *text = entrance->offers != NULL ? entrance->offers(entrance, exchange->request) : NULL;
    return tow_slice_from(text != NULL ? text : "");
}

/* The next of them, and what is behind it. */
static bool next_offer(tow_slice *rest, tow_slice *offer) {
    if (rest->length == 0)
        return false;
    const char *comma = memchr(rest->data, ',', rest->length);
    size_t length = comma != NULL ? (size_t)(comma - rest->data) : rest->length;
    size_t used = length + (comma != NULL);
    *offer = (tow_slice){rest->data, length};
    *rest = (tow_slice){rest->data + used, rest->length - used};
    return true;
}

bool tow_entrance_offers(const tow_exchange *exchange, const char *name, tow_slice *offered) {
    tow_slice rest = offers_of(exchange);
    while (next_offer(&rest, offered)) {
        if (tow_is_token(*offered) && tow_slice_equals(*offered, name))
            return true;
    }
    return false;
}

/* What is no token is no subprotocol, and the handler is not asked for it. */
static int select_by_handler(tow_exchange *exchange, tow_slice *chosen) {
    tow_slice slices[OFFERS_MAX];
    const char *texts[OFFERS_MAX];
    tow_slice rest = offers_of(exchange);
    size_t count = 0;
    char *copy = strndup(rest.data, rest.length);
    if (copy == NULL)
        return TOW_ERROR_MEMORY;
    const char *begin = rest.data;
    while (count < OFFERS_MAX && next_offer(&rest, &slices[count])) {
        if (!tow_is_token(slices[count]))
            continue;
        size_t at = (size_t)(slices[count].data - begin);
        copy[at + slices[count].length] = '\0';
        texts[count++] = copy + at;
    }
    int index = count == 0 ? -1 : exchange->route->handler.on_select(exchange->request, texts, count);
    if (index >= 0 && (size_t)index < count)
        *chosen = slices[index];
    free(copy);
    return 0;
}

int tow_entrance_select(tow_exchange *exchange, tow_slice *chosen) {
    const tow_handler *handler = &exchange->route->handler;
    *chosen = (tow_slice){0};
    if (exchange->protocol.data != NULL) {
        *chosen = exchange->protocol;
        return 0;
    }
    if (handler->on_select != NULL)
        return select_by_handler(exchange, chosen);
    for (size_t i = 0; handler->protocols != NULL && handler->protocols[i] != NULL; i++) {
        if (tow_entrance_offers(exchange, handler->protocols[i], chosen))
            return 0;
    }
    *chosen = (tow_slice){0};
    return 0;
}

/* For who stands at an entrance. */

tow_entrance *tow_exchange_entrance(const tow_exchange *exchange) {
    return exchange->entrance;
}

tow_slice tow_exchange_route_path(const tow_exchange *exchange) {
    return tow_slice_from(tow_request_path(exchange->request));
}

bool tow_exchange_begins(const tow_exchange *exchange) {
    return exchange->begins;
}

bool tow_exchange_is_opening(const tow_exchange *exchange) {
    return exchange->opens;
}

void tow_exchange_enter(tow_exchange *exchange) {
    exchange->enters = exchange->opens && exchange->in_handler;
}

tow_exchange *tow_websocket_opening(const tow_websocket *socket) {
    tow_worker *worker = tow_websocket_context_owner(socket->context);
    bool opens = worker->opening != NULL && &worker->opens->socket == socket;
    return opens ? worker->opening : NULL;
}
