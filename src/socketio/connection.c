/* connection: what comes on one connection, packet by packet, goes to its sockets; what breaks the protocol
 * ends it.
 *
 * It is an ordinary socket of a route (tow_socketio_handle): messages, whatever carries them. */
#include "arguments.h"
#include "asks.h"
#include "ending.h"
#include "gathering.h"
#include "inside.h"
#include "returning.h"
#include "rooms.h"
#include "scope.h"
#include "sending.h"
#include "socket.h"
#include "socketio/parts.h"
#include "base/json.h"
#include "transport/loop.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

static void fail(tow_socketio_connection *connection, int error) {
    if (error == TOW_ERROR_MEMORY)
        tow_socketio_connection_end(connection, TOW_SOCKETIO_TRANSPORT, 1011, tow_strerror(error));
    else if (error != 0 && error != TOW_ERROR_CLOSED && error != TOW_ERROR_QUEUE_FULL)
        tow_socketio_connection_end(connection, TOW_SOCKETIO_PARSE_ERROR, 1002, "not as Socket.IO has it");
}

/* Connecting. */

static void on_timer(tow_timer *timer) {
    tow_socketio_connection *connection =
        (tow_socketio_connection *)(void *)((char *)timer - offsetof(tow_socketio_connection, timer));
    tow_socketio_connection_end(
        connection, TOW_SOCKETIO_TRANSPORT, 1008, "no namespace was connected to in time");
}

static int refuse_scope(tow_socketio_connection *connection, tow_slice scope) {
    static const char payload[] = "{\"message\":\"Invalid namespace\"}";
    tow_buffer text = {0};
    int error = tow_buffer_append_format(&text, "%u", (unsigned)TOW_PACKET_CONNECT_ERROR);
    if (error == 0 && !tow_slice_equals(scope, "/")) {
        error = tow_buffer_append(&text, scope.data, scope.length);
        if (error == 0)
            error = tow_buffer_append(&text, ",", 1);
    }
    if (error == 0)
        error = tow_buffer_append_text(&text, payload);
    if (error == 0) {
        int64_t sent = tow_websocket_send(connection->websocket, TOW_TEXT, text.data, text.length);
        error = sent < 0 ? (int)sent : 0;
    }
    tow_buffer_clear(&text);
    return error;
}

static int begin_socket(
    tow_socketio_connection *connection, tow_socketio_scope *scope, const tow_socketio_packet *packet) {
    if (scope == NULL)
        return refuse_scope(connection, packet->scope);
    if (tow_socketio_socket_in(connection, scope) != NULL)
        return TOW_ERROR_STATE;
    connection->kicked &= ~scope->bit;
    if (tow_socketio_return_begin(connection, scope, packet))
        return 0;
    tow_socketio_socket *socket = tow_socketio_socket_new(connection, scope);
    tow_socketio_arguments auth = tow_socketio_arguments_of(packet->payload, NULL, 0);
    return socket == NULL ? TOW_ERROR_MEMORY : tow_socketio_socket_ask(socket, &auth);
}

/* Events and acknowledgements. */

static const tow_socketio_listener *listener_for(const tow_socketio_handler *handler, tow_slice name) {
    const tow_socketio_listener *listener = handler->listeners;
    while (listener != NULL && listener->event != NULL && !tow_json_string_is(name, listener->event))
        listener++;
    return listener != NULL && listener->event != NULL ? listener : NULL;
}

/* A string as what it says; a number as it was written. */
static int read_name(tow_buffer *out, tow_slice name) {
    int error = tow_json_type_of(name) == TOW_JSON_STRING ? tow_json_unescape(out, name)
                                                          : tow_buffer_append(out, name.data, name.length);
    if (error == TOW_ERROR_UTF8) /* half of a surrogate pair: nobody has a name for that */
        error = tow_buffer_append(out, name.data, name.length);
    return error != 0 ? error : tow_buffer_append(out, "", 1);
}

static int tell_event(
    tow_socketio_socket *socket, const tow_socketio_packet *packet, const tow_socketio_arguments *arguments) {
    const tow_socketio_handler *handler = &socket->scope->handler;
    const tow_socketio_listener *listener = listener_for(handler, packet->name);
    if (listener == NULL && handler->on_event == NULL)
        return 0;
    tow_buffer name = {0};
    int error = read_name(&name, packet->name);
    if (error == 0) {
        tow_socketio_event event = {.name = (const char *)name.data,
            .name_length = name.length - 1,
            .arguments = *arguments,
            .ack = packet->id};
        tow_socketio_socket_enter(socket);
        (listener != NULL ? listener->on_event : handler->on_event)(socket, &event);
        tow_socketio_socket_leave(socket);
    }
    tow_buffer_clear(&name);
    return error;
}

static int tell(tow_socketio_socket *socket, const tow_socketio_packet *packet,
    const tow_socketio_attachment *attachments) {
    tow_socketio_arguments arguments =
        tow_socketio_arguments_of(packet->arguments, attachments, packet->attachments);
    if (tow_socketio_packet_is_event(packet))
        return tell_event(socket, packet, &arguments);
    tow_socketio_ask_answer(socket, packet->id, &arguments);
    return 0;
}

/* A packet for a namespace that it is in; of one that we made it leave it may not have heard yet. */
static int take(tow_socketio_connection *connection, const tow_socketio_packet *packet,
    const tow_socketio_attachment *attachments) {
    tow_socketio_scope *scope = tow_socketio_find_scope(connection->io, packet->scope);
    if (packet->type == TOW_PACKET_CONNECT)
        return begin_socket(connection, scope, packet);
    if (scope == NULL || packet->type == TOW_PACKET_CONNECT_ERROR)
        return TOW_ERROR_STATE;
    if ((connection->kicked & scope->bit) != 0)
        return 0;
    tow_socketio_socket *socket = tow_socketio_socket_in(connection, scope);
    if (socket == NULL || socket->stage != TOW_SOCKETIO_CONNECTED)
        return TOW_ERROR_STATE;
    if (packet->type != TOW_PACKET_DISCONNECT)
        return tell(socket, packet, attachments);
    tow_socketio_socket_end(socket, TOW_SOCKETIO_CLIENT);
    return 0;
}

/* Messages. */

/* One of the server's limits is passed: the connection ends as if the message were one that has not ended. */
static int pass_limit(tow_socketio_connection *connection, int error, tow_cause cause) {
    if (error != TOW_ERROR_LIMIT)
        return error;
    if (cause == TOW_CAUSE_COUNT)
        tow_socketio_connection_end(
            connection, TOW_SOCKETIO_TRANSPORT, 1009, "an event is larger than max-message");
    else
        tow_socketio_connection_end(
            connection, TOW_SOCKETIO_TRANSPORT, tow_cause_code(cause, error), tow_cause_reason(cause, error));
    return 0;
}

static int on_text(tow_socketio_connection *connection, tow_slice text) {
    tow_socketio_packet packet;
    tow_cause cause;
    if (tow_socketio_is_gathering(connection))
        return TOW_ERROR_STATE;
    int error = tow_socketio_packet_read(&packet, text);
    if (error != 0)
        return TOW_ERROR_ARGUMENT;
    if (packet.attachments == 0)
        return take(connection, &packet, NULL);
    error = tow_socketio_gathering_begin(connection, text, &cause);
    return pass_limit(connection, error, cause);
}

static int on_binary(tow_socketio_connection *connection, const tow_message *message) {
    tow_socketio_attachment attachments[TOW_SOCKETIO_ATTACHMENTS_MAX];
    tow_cause cause;
    if (!tow_socketio_is_gathering(connection))
        return TOW_ERROR_STATE;
    int result = tow_socketio_gathering_add(connection, message->data, message->length, &cause);
    if (result <= 0)
        return pass_limit(connection, result, cause);
    tow_socketio_gathering *whole = tow_socketio_gathering_take(connection);
    tow_socketio_gathering_list(whole, attachments);
    result = take(connection, &whole->packet, attachments);
    tow_socketio_gathering_free(connection, whole);
    return result;
}

static void on_message(tow_websocket *websocket, const tow_message *message) {
    tow_socketio_connection *connection = tow_websocket_user(websocket);
    if (connection == NULL || connection->is_over)
        return;
    int error = message->type == TOW_TEXT ? on_text(connection, (tow_slice){message->data, message->length})
                                          : on_binary(connection, message);
    fail(connection, error);
}

/* Its life. */

static void on_open(tow_websocket *websocket) {
    tow_socketio *io = tow_websocket_user(websocket);
    tow_socketio_connection *connection = calloc(1, sizeof(*connection));
    tow_loop *loop = tow_websocket_loop(websocket);
    tow_websocket_set_user(websocket, connection);
    if (connection == NULL) {
        tow_websocket_close(websocket, 1011, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    connection->io = io;
    tow_metric_add(io->metrics.connections, 1);
    connection->websocket = websocket;
    if (io->options.connect_timeout_milliseconds != TOW_OFF)
        tow_timer_set(loop, &connection->timer,
            tow_loop_now(loop) + io->options.connect_timeout_milliseconds * TOW_MILLISECOND, on_timer);
}

static void on_drain(tow_websocket *websocket) {
    tow_socketio_connection *connection = tow_websocket_user(websocket);
    if (connection == NULL)
        return;
    for (tow_socketio_socket *socket = connection->sockets; socket != NULL; socket = socket->next)
        tow_socketio_rooms_ready(socket);
}

static void on_close(tow_websocket *websocket, const tow_close_event *event) {
    tow_socketio_connection *connection = tow_websocket_user(websocket);
    if (connection == NULL)
        return;
    (void)event;
    tow_metric_add(connection->io->metrics.connections, -1);
    connection->is_over = true;
    tow_socketio_connection_end_sockets(connection, TOW_SOCKETIO_TRANSPORT);
    tow_timer_cancel(tow_websocket_loop(websocket), &connection->timer);
    tow_socketio_gathering_free(connection, tow_socketio_gathering_take(connection));
    tow_websocket_set_user(websocket, NULL);
    free(connection);
}

tow_handler tow_socketio_handle(tow_socketio *io) {
    return (tow_handler){.user = io,
        .on_open = on_open,
        .on_message = on_message,
        .on_drain = on_drain,
        .on_close = on_close,
        .any_origin = io->options.any_origin,
        .allow_origins = io->options.allow_origins,
        .limits = {.max_message = io->options.max_message, .overflow = TOW_OVERFLOW_CLOSE}};
}
