#include "socket.h"

#include "arguments.h"
#include "asks.h"
#include "away.h"
#include "base/json.h"
#include "identity.h"
#include "inside.h"
#include "past.h"
#include "rooms.h"
#include "scope.h"
#include "sending.h"
#include "server/carried.h"
#include "socketio/parts.h"
#include "transport/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

tow_socketio_socket *tow_socketio_socket_in(
    const tow_socketio_connection *connection, const tow_socketio_scope *scope) {
    tow_socketio_socket *socket = connection->sockets;
    while (socket != NULL && socket->scope != scope)
        socket = socket->next;
    return socket;
}

/* Its end. */

static void take_out(tow_socketio_socket *socket) {
    tow_socketio_socket **at = &socket->connection->sockets;
    while (*at != socket)
        at = &(*at)->next;
    *at = socket->next;
}

static void tell_end(tow_socketio_socket *socket, tow_socketio_stage before, tow_socketio_reason reason) {
    const tow_socketio_handler *handler = &socket->scope->handler;
    if (before == TOW_SOCKETIO_CONNECTED && handler->on_disconnect != NULL)
        handler->on_disconnect(socket, reason);
    if ((before == TOW_SOCKETIO_DEFERRED || before == TOW_SOCKETIO_RETURNING) && socket->on_gone != NULL)
        socket->on_gone(socket);
}

/* Whether it may come back: its connection was lost, and nobody wanted that. */
static bool is_to_be_kept(
    const tow_socketio_socket *socket, tow_socketio_stage before, tow_socketio_reason reason) {
    return socket->past != NULL && before == TOW_SOCKETIO_CONNECTED && reason == TOW_SOCKETIO_TRANSPORT &&
           tow_subscription_is_on(&socket->all.subscription) &&
           tow_subscription_is_on(&socket->own.subscription);
}

static void end_past(tow_socketio_socket *socket) {
    tow_socketio_past_free(socket->past);
    socket->past = NULL;
}

void tow_socketio_forbid_recovery(tow_socketio_socket *socket) {
    assert(socket->stage == TOW_SOCKETIO_GONE);
    end_past(socket);
}

void tow_socketio_socket_end(tow_socketio_socket *socket, tow_socketio_reason reason) {
    tow_socketio_stage before = socket->stage;
    if (before == TOW_SOCKETIO_GONE)
        return;
    bool is_kept = is_to_be_kept(socket, before, reason);
    tow_metric_add(socket->scope->io->metrics.sockets, before == TOW_SOCKETIO_CONNECTED ? -1 : 0);
    socket->stage = TOW_SOCKETIO_GONE;
    take_out(socket);
    tow_socketio_socket_enter(socket);
    tow_socketio_asks_end(socket);
    tell_end(socket, before, reason);
    if (is_kept && socket->past != NULL && tow_socketio_away_keep(socket)) {
        tow_socketio_hold(socket->scope->io);
        socket->stage = TOW_SOCKETIO_AWAY;
        socket->connection = NULL;
        tow_socketio_rooms_ready(socket); /* what waited for the connection is a part of the past */
    } else {
        tow_socketio_rooms_end(socket);
        end_past(socket);
    }
    tow_socketio_socket_leave(socket);
}

void tow_socketio_socket_forget(tow_socketio_socket *socket) {
    tow_socketio *io = socket->scope->io;
    assert(socket->stage == TOW_SOCKETIO_AWAY && socket->connection == NULL);
    tow_socketio_rooms_end(socket);
    end_past(socket);
    free(socket);
    tow_socketio_release(io);
}

/* Being let in. */

int tow_socketio_socket_say_accepted(const tow_socketio_socket *socket) {
    char text[2 * TOW_SOCKETIO_ID_LENGTH + 32];
    int length = socket->past == NULL ? snprintf(text, sizeof(text), "{\"sid\":\"%s\"}", socket->id)
                                      : snprintf(text, sizeof(text), "{\"sid\":\"%s\",\"pid\":\"%s\"}",
                                            socket->id, tow_socketio_past_id(socket->past));
    return tow_socketio_send_text(
        socket->connection, TOW_PACKET_CONNECT, socket->scope->name, (tow_slice){text, (size_t)length});
}

void tow_socketio_socket_connected(tow_socketio_socket *socket) {
    assert(socket->stage != TOW_SOCKETIO_CONNECTED && socket->stage != TOW_SOCKETIO_GONE);
    socket->stage = TOW_SOCKETIO_CONNECTED;
    tow_metric_add(socket->scope->io->metrics.sockets, 1);
    socket->connection->has_connected = true;
    tow_timer_cancel(socket->loop, &socket->connection->timer);
}

int tow_socketio_accept(tow_socketio_socket *socket) {
    if (socket == NULL)
        return TOW_ERROR_ARGUMENT;
    if (socket->stage != TOW_SOCKETIO_ASKING && socket->stage != TOW_SOCKETIO_DEFERRED)
        return TOW_ERROR_STATE;
    int error = tow_socketio_rooms_begin(socket, NULL, NULL);
    if (error == 0 && socket->scope->io->away != NULL)
        socket->past = tow_socketio_past_new(socket->loop); /* without memory it can't be recovered */
    if (error == 0)
        error = tow_socketio_socket_say_accepted(socket);
    if (error != 0) {
        tow_socketio_rooms_end(socket);
        end_past(socket);
        return error;
    }
    tow_socketio_socket_connected(socket);
    return 0;
}

int tow_socketio_socket_let_in(tow_socketio_socket *socket) {
    switch (socket->stage) {
    case TOW_SOCKETIO_ASKING:
        return tow_socketio_accept(socket);
    case TOW_SOCKETIO_RETURNING:
    case TOW_SOCKETIO_DEFERRED:
        return TOW_ERROR_STATE;
    case TOW_SOCKETIO_CONNECTED:
        return 0;
    case TOW_SOCKETIO_AWAY:
    case TOW_SOCKETIO_GONE:
        return TOW_ERROR_CLOSED;
    }
    return TOW_ERROR_STATE;
}

int tow_socketio_defer(tow_socketio_socket *socket, void (*on_gone)(tow_socketio_socket *socket)) {
    if (socket == NULL)
        return TOW_ERROR_ARGUMENT;
    if (socket->stage != TOW_SOCKETIO_ASKING)
        return TOW_ERROR_STATE;
    socket->stage = TOW_SOCKETIO_DEFERRED;
    socket->on_gone = on_gone;
    return 0;
}

static int append_data(tow_buffer *out, const tow_socketio_arguments *data) {
    const char *json;
    size_t length;
    if (data == NULL)
        return 0;
    tow_buffer array = {0};
    int error = data->attachment_count > 0
                    ? TOW_ERROR_ARGUMENT
                    : tow_socketio_arguments_append(&array, (tow_slice){0}, data, (tow_slice){0});
    if (error == 0) {
        tow_socketio_arguments checked = {.json = (const char *)array.data + 1, .length = array.length - 2};
        if (checked.length > 0 && tow_socketio_argument(&checked, 0, &json, &length)) {
            error = tow_buffer_append_text(out, ",\"data\":");
            if (error == 0)
                error = tow_buffer_append(out, json, length);
        }
    }
    tow_buffer_clear(&array);
    return error;
}

int tow_socketio_refuse(
    tow_socketio_socket *socket, const char *message, const tow_socketio_arguments *data) {
    tow_buffer text = {0};
    if (socket == NULL || message == NULL)
        return TOW_ERROR_ARGUMENT;
    if (socket->stage != TOW_SOCKETIO_ASKING && socket->stage != TOW_SOCKETIO_DEFERRED)
        return TOW_ERROR_STATE;
    int error = tow_buffer_append_text(&text, "{\"message\":");
    if (error == 0)
        error = tow_json_append_string(&text, tow_slice_from(message));
    if (error == 0)
        error = append_data(&text, data);
    if (error == 0)
        error = tow_buffer_append(&text, "}", 1);
    if (error == 0)
        error = tow_socketio_send_text(socket->connection, TOW_PACKET_CONNECT_ERROR, socket->scope->name,
            (tow_slice){(const char *)text.data, text.length});
    tow_buffer_clear(&text);
    if (error == 0) {
        socket->on_gone = NULL;
        tow_socketio_socket_end(socket, TOW_SOCKETIO_SERVER);
    }
    return error;
}

void tow_socketio_socket_name(tow_socketio_socket *socket) {
    tow_socketio_id_make(socket->id, socket->loop);
    socket->number = tow_socketio_id_number(socket->id);
}

tow_socketio_socket *tow_socketio_socket_new(tow_socketio_connection *connection, tow_socketio_scope *scope) {
    tow_socketio_socket *socket = calloc(1, sizeof(*socket));
    if (socket == NULL)
        return NULL;
    *socket = (tow_socketio_socket){.scope = scope,
        .connection = connection,
        .loop = tow_websocket_loop(connection->websocket),
        .worker = tow_websocket_id_worker(tow_websocket_identify(connection->websocket)),
        .user = scope->handler.user,
        .next = connection->sockets};
    connection->sockets = socket;
    tow_socketio_socket_name(socket);
    return socket;
}

int tow_socketio_socket_ask(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    int error = 0;
    socket->stage = TOW_SOCKETIO_ASKING;
    tow_socketio_socket_enter(socket);
    if (socket->scope->handler.on_connect != NULL)
        socket->scope->handler.on_connect(socket, auth);
    if (socket->stage == TOW_SOCKETIO_ASKING)
        error = tow_socketio_accept(socket);
    if (error != 0)
        tow_socketio_socket_end(socket, TOW_SOCKETIO_TRANSPORT);
    /* It is in a callback, so it is there. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    tow_socketio_socket_leave(socket);
    return error;
}

/* What is asked of it. */

const char *tow_socketio_id(const tow_socketio_socket *socket) {
    return socket == NULL ? "" : socket->id;
}

const char *tow_socketio_scope_name(const tow_socketio_socket *socket) {
    return socket == NULL ? "" : socket->scope->name;
}

bool tow_socketio_was_recovered(const tow_socketio_socket *socket) {
    return socket != NULL && socket->was_recovered;
}

void *tow_socketio_user(const tow_socketio_socket *socket) {
    return socket == NULL ? NULL : socket->user;
}

void tow_socketio_set_user(tow_socketio_socket *socket, void *user) {
    if (socket != NULL)
        socket->user = user;
}

tow_websocket *tow_socketio_websocket(const tow_socketio_socket *socket) {
    return socket == NULL ? NULL : socket->connection->websocket;
}
