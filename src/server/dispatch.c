#include "dispatch.h"

#include "admission.h"
#include "entrances.h"
#include "protocol/opening.h"
#include "upgrade.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static void refuse_path(tow_exchange *exchange) {
    tow_count(&tow_exchange_counters(exchange)->not_found);
    tow_exchange_refuse(exchange, 404, "nothing is served at this path", NULL);
}

/* A request that is no opening handshake, on a route that knows nothing else. */
static void refuse_plain(tow_exchange *exchange, const tow_http_head *head) {
    if (exchange->is_head || tow_slice_equals(head->method, "GET")) {
        tow_exchange_refuse(exchange, 426, "this path speaks WebSocket only", NULL);
    } else {
        tow_exchange_refuse_with(
            exchange, 405, "this path speaks WebSocket only, and that begins with GET", "Allow", "GET");
    }
}

/* A handler that neither answered nor goes on has left the peer without an answer. */
static void after_handler(tow_exchange *exchange) {
    bool goes_on = exchange->wants_body || exchange->kept || exchange->work.step != NULL;
    exchange->in_handler = false;
    if (!exchange->answered && !goes_on && !exchange->over)
        tow_exchange_refuse(exchange, 500, "the handler gave no answer", NULL);
}

void tow_dispatch_work(tow_exchange *exchange) {
    exchange->in_handler = true;
    if (!exchange->work.step(exchange, exchange->work.user))
        exchange->work.step = NULL;
    after_handler(exchange);
}

static void call_handler(tow_exchange *exchange, const tow_request *request) {
    const tow_entrance *entrance = exchange->entrance;
    if (entrance != NULL && exchange->kept)
        exchange->admitted = exchange->events; /* on_gone comes, unless on_open does */
    exchange->kept = false;                    /* by on_admit, whose events end with it */
    exchange->events = (tow_exchange_events){0};
    exchange->in_handler = true;
    (entrance != NULL ? entrance->on_request : exchange->route->handler.on_request)(exchange, request);
    if (exchange->enters && !exchange->answered && !exchange->over) {
        exchange->in_handler = false;
        tow_upgrade_enter(exchange);
        return;
    }
    after_handler(exchange);
    if (exchange->wants_body && !exchange->over && request->head->body_length > exchange->body_limit)
        tow_exchange_refuse_body(exchange);
    bool goes_on = exchange->wants_body || exchange->kept;
    if (goes_on && !exchange->over && tow_exchange_copy_request(exchange) != 0) {
        exchange->wants_body = false;
        tow_exchange_refuse_for_memory(exchange);
    }
}

void tow_dispatch_piece(tow_exchange *exchange, tow_slice piece) {
    exchange->in_handler = true;
    exchange->on_piece(exchange, exchange->body_user, piece.data, piece.length, false);
    after_handler(exchange);
}

static void end_pieces(tow_exchange *exchange) {
    exchange->on_piece(exchange, exchange->body_user, "", 0, true);
    after_handler(exchange);
}

void tow_dispatch_body(tow_exchange *exchange) {
    exchange->wants_body = false;
    exchange->has_body = false;
    exchange->in_handler = true;
    if (exchange->on_piece != NULL) {
        end_pieces(exchange);
        return;
    }
    const void *body = exchange->body.length > 0 ? (const void *)exchange->body.data : "";
    exchange->on_body(exchange, exchange->body_user, body, exchange->body.length);
    after_handler(exchange);
    tow_exchange_drop_body(exchange);
}

/* Of requests in a row for the same path the first holds its route for all. */
static void take_route(tow_exchange *exchange, const tow_route *route) {
    const tow_route *before = exchange->route;
    if (route == before)
        return;
    exchange->route = tow_route_retain(route);
    tow_route_release(before);
}

/* `base` (data is NULL: the path) is how the path reads without what an entrance has put behind it. */
static const tow_route *find_route(tow_exchange *exchange, const tow_http_head *head, tow_slice *base) {
    *base = (tow_slice){0};
    tow_worker *worker = tow_exchange_worker(exchange);
    tow_server *server = worker->server;
    if (exchange->visitor.connection->kind == TOW_CONNECTION_STATUS)
        return tow_routes_find(&server->status_routes, head->path);
    const tow_routes *routes = tow_routing_look(&server->routing, &worker->routes);
    const tow_route *route = tow_routes_find(routes, head->path);
    if (route != NULL && !route->is_prefix)
        return route;
    const tow_route *other = tow_entrances_find(exchange, routes, head->path, base);
    if (other != NULL)
        return other;
    *base = (tow_slice){0};
    return route;
}

static void serve_entrance(tow_exchange *exchange, const tow_request *request) {
    tow_entrance *entrance = exchange->entrance;
    const tow_http_head *head = request->head;
    exchange->opens = tow_opening_is_requested(head->fields, head->field_count);
    exchange->begins = entrance->begins(entrance, request);
    if (!tow_admission_refuses_entrance(exchange, exchange->begins))
        call_handler(exchange, request);
}

static void serve_request(tow_exchange *exchange, const tow_request *request) {
    if (!tow_admission_refuses_request(exchange))
        call_handler(exchange, request);
}

/* The route's handler sees the path that is its own. Errors: MEMORY. */
static int take_base(tow_request *request, const tow_route *route, tow_slice base) {
    char *path = route != NULL && base.data != NULL ? strndup(base.data, base.length) : NULL;
    if (path == NULL)
        return route != NULL && base.data != NULL ? TOW_ERROR_MEMORY : 0;
    free(request->path);
    request->path = path;
    return 0;
}

static void serve(tow_exchange *exchange, tow_request *request) {
    const tow_http_head *head = request->head;
    tow_slice base;
    const tow_route *route = find_route(exchange, head, &base);
    take_route(exchange, route);
    request->route = route;
    request->user = route != NULL ? route->handler.user : NULL;
    if (base.data != NULL) /* behind it a session may be named, which is all that its requests need */
        tow_access_log_path(&exchange->log, base);
    if (tow_exchange_begin_fields(exchange) != 0 || take_base(request, route, base) != 0) {
        tow_exchange_refuse_for_memory(exchange);
        return;
    }
    if (tow_admission_refuses(exchange))
        return;
    if (exchange->entrance != NULL) {
        serve_entrance(exchange, request);
        return;
    }
    bool websocket = route != NULL && tow_route_is_websocket(route);
    if (websocket && tow_opening_is_requested(head->fields, head->field_count))
        tow_upgrade_answer(exchange);
    else if (route != NULL && route->handler.on_request != NULL)
        serve_request(exchange, request);
    else if (websocket)
        refuse_plain(exchange, head);
    else
        refuse_path(exchange);
}

void tow_dispatch(tow_exchange *exchange, const tow_http_head *head, uint8_t *bytes, size_t length) {
    tow_request request;
    if (tow_request_init(&request, &exchange->visitor, head, bytes, length) != 0) {
        tow_exchange_refuse_for_memory(exchange);
        return;
    }
    exchange->request = &request;
    serve(exchange, &request);
    exchange->request = exchange->copy;
    tow_request_clear(&request);
}

void tow_dispatch_admitted(tow_exchange *exchange) {
    if (!tow_admission_goes_on(exchange))
        return;
    if (exchange->opens && exchange->entrance == NULL)
        tow_upgrade_go_on(exchange);
    else
        call_handler(exchange, exchange->request);
}
