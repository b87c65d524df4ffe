#include "server/carried.h"

#include "connection.h"
#include "entrances.h"
#include "exchange_state.h"
#include "incoming.h"
#include "post.h"

#include <towline/error.h>

/* Counts it in, for the server and for its address. Errors: LIMIT. */
static int enter(tow_exchange *exchange, tow_connection *connection) {
    tow_server *server = tow_exchange_server(exchange);
    int64_t before = atomic_fetch_add_explicit(&server->carried, 1, memory_order_relaxed);
    uint64_t key = tow_address_key(tow_visitor_address(&exchange->visitor));
    uint64_t *limit = NULL;
    if (before >= server->settings.max_connections)
        limit = &tow_exchange_counters(exchange)->over_connections;
    else if (server->addresses != NULL && key != 0 && tow_address_table_enter(server->addresses, key) != 0)
        limit = &tow_exchange_counters(exchange)->over_address;
    if (limit != NULL) {
        atomic_fetch_sub_explicit(&server->carried, 1, memory_order_relaxed);
        tow_access_log_limit(&exchange->log, limit);
        return TOW_ERROR_LIMIT;
    }
    connection->address_key = key;
    connection->counted = server->addresses != NULL && key != 0;
    connection->local = exchange->visitor.connection->local;
    return 0;
}

/* While on_open runs, that of a WebSocket around it may be under way as well. */
static int start(tow_exchange *exchange, tow_connection *connection, const tow_behaviour *behaviour) {
    tow_worker *worker = tow_exchange_worker(exchange);
    tow_exchange *opening = worker->opening;
    tow_connection *opens = worker->opens;
    tow_slice protocol;
    int error = tow_entrance_select(exchange, &protocol);
    if (error != 0)
        return error;
    worker->opening = exchange;
    worker->opens = connection;
    connection->socket.user = exchange->request->user;
    error = tow_websocket_start(&connection->socket, worker->context, behaviour, protocol, NULL, NULL, 0);
    worker->opening = opening;
    worker->opens = opens;
    return error;
}

int tow_exchange_open_carried(
    tow_exchange *exchange, const tow_carrier *carrier, void *own, tow_websocket **socket) {
    tow_worker *worker = tow_exchange_worker(exchange);
    if (!tow_exchange_may_be_carried(exchange))
        return TOW_ERROR_UNSUPPORTED;
    const tow_behaviour *behaviour =
        tow_route_behaviour(exchange->route, carrier, &tow_connection_owner, tow_connection_socket_opened);
    tow_connection *connection = behaviour != NULL ? tow_connection_take_slot(worker) : NULL;
    if (connection == NULL)
        return TOW_ERROR_MEMORY;
    int error = enter(exchange, connection);
    if (error != 0) {
        tow_connection_give_slot(connection);
        return error;
    }
    connection->kind = TOW_CONNECTION_CARRIED;
    connection->socket.carried = own;
    const tow_route *route = tow_route_retain(exchange->route);
    *socket = &connection->socket; /* which callbacks ask for */
    error = start(exchange, connection, behaviour);
    if (error == 0) {
        exchange->admitted = (tow_exchange_events){0};
        tow_count(&worker->counters.sessions);
        return 0;
    }
    tow_route_release(route);
    tow_connection_undo(connection);
    return error;
}

bool tow_exchange_may_be_carried(const tow_exchange *exchange) {
    return !exchange->route->handler.websocket_only;
}

const tow_limits *tow_exchange_route_limits(const tow_exchange *exchange) {
    return tow_exchange_limits(exchange);
}

tow_websocket *tow_server_carried(tow_server *server, tow_websocket_id id, const tow_carrier *carrier) {
    size_t number = tow_websocket_id_worker(id);
    tow_websocket *socket =
        number < server->worker_count ? tow_worker_socket(&server->workers[number], id) : NULL;
    return socket != NULL && socket->behaviour->carrier == carrier ? socket : NULL;
}

/* From worker to worker. */

size_t tow_server_workers(const tow_server *server) {
    return server->worker_count;
}

size_t tow_exchange_worker_number(const tow_exchange *exchange) {
    const tow_worker *worker = tow_exchange_worker(exchange);
    return (size_t)(worker - worker->server->workers);
}

size_t tow_websocket_id_worker(tow_websocket_id id) {
    return (size_t)(id >> TOW_ID_WORKER_SHIFT);
}

/* There is room for it. */
static bool put(tow_worker *worker, tow_letter *letter, size_t bytes) {
    if (tow_worker_post_from_worker(worker, letter))
        return true;
    tow_worker_opened(worker, bytes);
    return false;
}

bool tow_server_leave_letter(tow_server *server, size_t number, tow_letter *letter, size_t bytes) {
    tow_worker *worker = number < server->worker_count ? &server->workers[number] : NULL;
    return worker != NULL && tow_worker_reserve(worker, bytes) && put(worker, letter, bytes);
}

bool tow_server_owe_letter(tow_server *server, size_t number, tow_letter *letter, size_t bytes) {
    if (number >= server->worker_count)
        return false;
    tow_worker_expect(&server->workers[number], bytes);
    return put(&server->workers[number], letter, bytes);
}

void tow_server_letter_opened(tow_server *server, size_t number, size_t bytes) {
    tow_worker_opened(&server->workers[number], bytes);
}
