#include "connection.h"

#include "ending.h"
#include "remembered.h"
#include "http1.h"
#include "post.h"
#include "protocol/close.h"
#include "visitor.h"

#include <towline/error.h>

enum { REFUSING_MAX = 64, STATUS_MAX = 64 };

/* Undoes what was counted for a connection of this kind. */
static void uncount(tow_worker *worker, tow_connection_kind kind) {
    switch (kind) {
    case TOW_CONNECTION_NONE:
        break;
    case TOW_CONNECTION_RETAINED:
        worker->retained--;
        break;
    case TOW_CONNECTION_SERVED:
        atomic_fetch_sub_explicit(&worker->server->connections, 1, memory_order_relaxed);
        tow_descriptors_give(worker->server->descriptors, 1);
        atomic_fetch_sub_explicit(&worker->load, 1, memory_order_relaxed);
        break;
    case TOW_CONNECTION_CARRIED:
        atomic_fetch_sub_explicit(&worker->server->carried, 1, memory_order_relaxed);
        break;
    case TOW_CONNECTION_REFUSED:
        worker->refusing--;
        break;
    case TOW_CONNECTION_STATUS:
        worker->status_count--;
        break;
    }
}

/* Refusals, and whoever asks for the status, are bounded too: beyond that a connection is just closed. */
static bool may_have(tow_worker *worker, tow_connection_kind kind) {
    if (kind == TOW_CONNECTION_REFUSED)
        return worker->refusing < REFUSING_MAX;
    return kind != TOW_CONNECTION_STATUS || worker->status_count < STATUS_MAX;
}

static void count(tow_worker *worker, tow_connection_kind kind) {
    worker->refusing += kind == TOW_CONNECTION_REFUSED;
    worker->status_count += kind == TOW_CONNECTION_STATUS;
}

/* Numbers that tell the connections of one slot apart; 0 is none of them. */
static uint32_t next_generation(tow_worker *worker) {
    const uint32_t end = UINT32_C(1) << TOW_GENERATION_BITS;
    worker->generation = worker->generation + 1 < end ? worker->generation + 1 : 1;
    return worker->generation;
}

tow_connection *tow_connection_take_slot(tow_worker *worker) {
    uint32_t slot;
    tow_connection *connection = tow_slab_take(&worker->slots, &slot);
    if (connection == NULL)
        return NULL;
    if (slot >> TOW_SLOT_BITS != 0) {
        tow_slab_give(&worker->slots, slot);
        return NULL;
    }
    connection->slot = slot & ((UINT32_C(1) << TOW_SLOT_BITS) - 1);
    connection->generation = next_generation(worker) & ((UINT32_C(1) << TOW_GENERATION_BITS) - 1);
    connection->socket.context = worker->context;
    return connection;
}

void tow_connection_give_slot(tow_connection *connection) {
    connection->kind = TOW_CONNECTION_NONE;
    tow_slab_give(&tow_connection_worker(connection)->slots, connection->slot);
}

/* The stream's events, until it is a WebSocket's. */

static tow_http1 *http1_of(tow_stream *stream) {
    return tow_connection_http1(tow_connection_of_stream(stream));
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_http1_receive(http1_of(stream), bytes, length);
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    tow_http1_take_back(http1_of(stream), segment + taken, length - taken);
}

static void on_writable(tow_stream *stream) {
    tow_http1_writable(http1_of(stream));
}

static void on_turn(tow_stream *stream) {
    tow_http1_take_turn(http1_of(stream));
}

static void on_fin(tow_stream *stream) {
    tow_http1_fin(http1_of(stream));
}

static void on_end(tow_stream *stream) {
    tow_http1_end(http1_of(stream));
}

static void on_error(tow_stream *stream, int error) {
    (void)error;
    tow_http1_fail(http1_of(stream));
}

/* The connection is over, whatever becomes of its slot. */
static void leave(tow_connection *connection) {
    tow_worker *worker = tow_connection_worker(connection);
    if (connection->counted)
        tow_address_table_leave(worker->server->addresses, connection->address_key);
    connection->counted = false;
    uncount(worker, (tow_connection_kind)connection->kind);
}

void tow_connection_undo(tow_connection *connection) {
    leave(connection);
    tow_connection_give_slot(connection);
}

/* Its stream is closed and nothing uses it any more. */
static void release(tow_connection *connection) {
    tow_worker *worker = tow_connection_worker(connection);
    leave(connection);
    tow_connection_give_slot(connection);
    worker->on_gone(worker);
}

static void on_closed(tow_stream *stream) {
    tow_connection *connection = tow_connection_of_stream(stream);
    tow_http1_free(tow_connection_http1(connection));
    connection->socket.opening = NULL;
    release(connection);
}

static const tow_stream_events events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_fin = on_fin,
    .on_error = on_error,
    .on_closed = on_closed,
    .on_turn = on_turn,
};

/* Where a connection's bytes come from. */
typedef struct source {
    int fd;
    const tow_carriage *carriage; /* NULL: from the descriptor */
    tow_byte_stream *handle;      /* of what is carried */
} source;

static int stream_begin(tow_stream *stream, tow_loop *loop, source *from) {
    if (from->carriage != NULL)
        return tow_stream_carry(stream, loop, from->carriage, &events, &from->handle);
    return tow_stream_adopt(stream, loop, from->fd, &events);
}

/* Makes a slot with HTTP on the stream. Errors: MEMORY, SYSTEM, ARGUMENT; nothing is left then. */
static int connection_new(
    tow_connection **out, tow_worker *worker, source *from, tow_connection_kind kind, bool local) {
    tow_connection *connection = tow_connection_take_slot(worker);
    if (connection == NULL)
        return TOW_ERROR_MEMORY;
    connection->local = local;
    tow_http1 *http1 = NULL;
    int error = tow_http1_new(&http1, connection);
    connection->socket.opening = http1;
    if (error == 0)
        error = stream_begin(tow_connection_stream(connection), worker->loop, from);
    if (error != 0) {
        tow_http1_free(http1);
        tow_connection_give_slot(connection);
        return error;
    }
    connection->kind = kind & 7U;
    *out = connection;
    return 0;
}

/* A PROXY header comes before TLS. */
static int start_tls(tow_connection *connection) {
    tow_stream *stream = tow_connection_stream(connection);
    if (!tow_connection_wants_tls(connection))
        return 0;
    tow_worker *worker = tow_connection_worker(connection);
    return worker->server->settings.proxy_protocol ? tow_stream_prepare_tls(stream)
                                                   : tow_stream_start_tls(stream, worker->tls, NULL);
}

/* Counts the connection by its address; one too many is refused. */
static bool enter_address(tow_connection *connection) {
    tow_address_table *table = tow_connection_worker(connection)->server->addresses;
    tow_address address;
    if (table == NULL || connection->kind != TOW_CONNECTION_SERVED ||
        tow_stream_peer(tow_connection_stream(connection), &address) != 0)
        return true;
    if (tow_visitor_is_proxy(&tow_connection_worker(connection)->server->settings, &address))
        return true; /* its clients are counted as they send requests */
    uint64_t key = tow_address_key(&address);
    if (tow_address_table_enter(table, key) != 0)
        return false;
    connection->address_key = key;
    connection->counted = true;
    return true;
}

static void refuse(tow_connection *connection) {
    tow_worker *worker = tow_connection_worker(connection);
    if (may_have(worker, TOW_CONNECTION_REFUSED))
        tow_http1_refuse_all(tow_connection_http1(connection), "max-connections-per-address");
    else
        tow_http1_reset(tow_connection_http1(connection));
}

void tow_connection_open(tow_worker *worker, int fd, tow_connection_kind kind, bool local) {
    tow_connection *connection;
    if (!may_have(worker, kind)) {
        tow_loop_discard(worker->loop, fd);
        return;
    }
    count(worker, kind);
    if (connection_new(&connection, worker, &(source){.fd = fd}, kind, local) != 0) {
        tow_count(&worker->counters.memory_failures);
        tow_loop_discard(worker->loop, fd);
        uncount(worker, kind);
        return;
    }
    if (start_tls(connection) != 0) {
        tow_http1_out_of_memory(tow_connection_http1(connection));
    } else if (kind == TOW_CONNECTION_REFUSED) {
        tow_http1_refuse_all(tow_connection_http1(connection), "max-connections");
    } else if (!enter_address(connection)) {
        tow_count(&worker->counters.over_address);
        uncount(worker, kind);
        connection->kind = TOW_CONNECTION_REFUSED;
        refuse(connection);
        count(worker, TOW_CONNECTION_REFUSED);
    }
}

/* Who the client is, its host knows. */
static void introduce(tow_connection *connection, const tow_hosted *hosted) {
    tow_visitor *visitor = &tow_connection_http1(connection)->exchange.visitor;
    visitor->introduced = true;
    visitor->hop = visitor->address = hosted->client;
    visitor->hop_scheme = visitor->scheme = hosted->is_secure ? "https" : "http";
}

int tow_connection_host(tow_worker *worker, const tow_hosted *hosted, tow_byte_stream **handle) {
    tow_connection *connection;
    source from = {.carriage = &hosted->carriage};
    int error = connection_new(&connection, worker, &from, TOW_CONNECTION_SERVED, false);
    if (error != 0)
        return error;
    tow_count(&worker->counters.accepted);
    atomic_fetch_add_explicit(&worker->server->connections, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&worker->load, 1, memory_order_relaxed);
    introduce(connection, hosted);
    *handle = from.handle;
    return 0;
}

void tow_connection_abandon(tow_worker *worker, int fd) {
    tow_loop_discard(worker->loop, fd);
    uncount(worker, TOW_CONNECTION_SERVED);
}

static uint16_t drain_code_of(const tow_websocket *socket) {
    const uint16_t code = tow_route_of(socket)->handler.drain_code;
    return code != 0 ? code : TOW_CLOSE_GOING_AWAY;
}

void tow_connection_drain(tow_connection *connection) {
    tow_http1 *http1 = tow_connection_http1(connection);
    if (http1 != NULL)
        tow_http1_drain(http1);
    else if (!connection->socket.behaviour->carries)
        tow_websocket_close_because(
            &connection->socket, TOW_CAUSE_DRAIN, drain_code_of(&connection->socket), NULL);
}

void tow_connection_end_late(tow_connection *connection) {
    tow_http1 *http1 = tow_connection_http1(connection);
    if (http1 != NULL)
        tow_http1_end_late(http1);
    else
        tow_connection_reset(connection); /* a WebSocket has it as its cause */
}

void tow_connection_reset(tow_connection *connection) {
    tow_http1 *http1 = tow_connection_http1(connection);
    if (http1 != NULL)
        tow_http1_reset(http1);
    else
        tow_websocket_abort(&connection->socket, TOW_CAUSE_DRAIN_SECONDS, 0);
}

void tow_connection_tell_end(tow_connection *connection) {
    tow_http1 *http1 = tow_connection_http1(connection);
    if (http1 != NULL)
        tow_http1_tell_gone(http1);
    else
        tow_websocket_end_now(&connection->socket);
}

/* The route that it holds; NULL: none yet. */
static const tow_route *route_of(const tow_connection *connection) {
    const tow_http1 *http1 = tow_connection_http1(connection);
    return http1 != NULL ? http1->exchange.route : tow_route_of(&connection->socket);
}

void tow_connection_end_route(const tow_connection *connection) {
    if (connection->kind != TOW_CONNECTION_NONE)
        tow_route_end(route_of(connection));
}

void tow_connection_socket_opened(tow_websocket *socket) {
    tow_connection *connection = tow_connection_of(socket);
    const tow_route *route = tow_route_of(socket);
    tow_remember_opening(connection);
    if (route->handler.on_open != NULL)
        route->handler.on_open(socket);
    tow_connection_worker(connection)->opening = NULL; /* what came behind the handshake has no request */
}

static void clear_socket(tow_connection *connection) {
    const tow_route *route = tow_route_of(&connection->socket);
    tow_websocket_clear(&connection->socket);
    tow_route_release(route);
}

static void gone(tow_websocket *socket) {
    tow_connection *connection = tow_connection_of(socket);
    tow_ending_report(connection);
    tow_forget_request(connection);
    if (!tow_websocket_is_retained(socket)) {
        clear_socket(connection);
        release(connection);
        return;
    }
    tow_worker *worker = tow_connection_worker(connection);
    leave(connection);
    connection->kind = TOW_CONNECTION_RETAINED;
    worker->retained++;
    worker->on_gone(worker);
}

/* Nothing waits for these, so nobody is told. */
static void released(tow_websocket *socket) {
    tow_connection *connection = tow_connection_of(socket);
    clear_socket(connection);
    uncount(tow_connection_worker(connection), TOW_CONNECTION_RETAINED);
    tow_connection_give_slot(connection);
}

static tow_websocket_id identify(const tow_websocket *socket) {
    const tow_connection *connection = tow_connection_of(socket);
    const tow_worker *worker = tow_connection_worker(connection);
    return tow_id_make((size_t)(worker - worker->server->workers), connection->slot, connection->generation);
}

/* While on_open runs it is there anyway. */
static const tow_request *request(const tow_websocket *socket) {
    const tow_connection *connection = tow_connection_of(socket);
    const tow_worker *worker = tow_connection_worker(connection);
    bool opens = worker->opening != NULL && worker->opens == connection;
    return opens ? worker->opening->request : tow_remembered_request(connection);
}

static int peer(const tow_websocket *socket, char *text, size_t size) {
    char room[TOW_ADDRESS_TEXT_MAX];
    const char *peer = tow_remembered_peer(tow_connection_of(socket), room);
    size_t length = strlen(peer);
    if (length >= size)
        return TOW_ERROR_ARGUMENT;
    memcpy(text, peer, length + 1);
    return 0;
}

static uint64_t address(const tow_websocket *socket) {
    return tow_connection_of(socket)->address_key;
}

const tow_socket_owner tow_connection_owner = {
    .identify = identify,
    .request = request,
    .peer = peer,
    .address = address,
    .gone = gone,
    .released = released,
};

void tow_connection_forget(tow_connection *connection) {
    if (connection->kind == TOW_CONNECTION_RETAINED)
        clear_socket(connection);
}
