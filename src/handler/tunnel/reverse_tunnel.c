#include "handler/reverse_tunnel.h"

#include "passage.h"
#include "transport/byte_stream.h"
#include "transport/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/log.h>

struct tow_reverse_tunnel {
    const tow_reverse_tunnel_options *options;
    tow_loop *loop;
    tow_byte_listener *listener; /* NULL: stopped */
    tow_websocket_options socket_options;
    tow_passages passages;
    tow_timer deadline;
    tow_relay none; /* whose options accepted streams begin with */
};

typedef struct reverse_connection {
    tow_passage passage; /* first, and in it the relay */
    tow_reverse_tunnel *tunnel;
    tow_websocket *socket; /* until it is open, or has failed */
} reverse_connection;

static reverse_connection *connection_of(tow_relay *relay) {
    return (reverse_connection *)(void *)relay;
}

/* The end of a connection. */

static void check_drained(tow_reverse_tunnel *tunnel) {
    if (tunnel->listener == NULL && tunnel->passages.first == NULL)
        tow_timer_cancel(tunnel->loop, &tunnel->deadline);
}

static void streams_done(tow_relay *relay) {
    reverse_connection *connection = connection_of(relay);
    tow_reverse_tunnel *tunnel = connection->tunnel;
    tow_passage_say_closed(&connection->passage);
    tow_websocket_free(connection->socket);
    tow_passage_end(&connection->passage);
    free(connection);
    check_drained(tunnel);
}

static void side_failed(tow_relay *relay, tow_relay_side side, int error, const char *text) {
    tow_passage_say_failed(&connection_of(relay)->passage, side, error, text);
}

/* The socket, until it is a stream. */

static void opened(tow_websocket *socket) {
    reverse_connection *connection = tow_websocket_user(socket);
    const tow_reverse_tunnel_options *tunnel = connection->tunnel->options;
    tow_byte_stream_options options = tow_relay_options(&connection->passage.relay, TOW_RELAY_TARGET);
    tow_byte_stream *stream;
    options.text = tunnel->text;
    options.lines = tunnel->lines;
    options.half_close_seconds = tunnel->half_close_seconds;
    int error = tow_byte_stream_from_websocket(&stream, socket, &options);
    if (error != 0) {
        tow_relay_fail(&connection->passage.relay, TOW_RELAY_TARGET, error, tow_strerror(error));
        return;
    }
    connection->socket = NULL; /* the stream's */
    tow_relay_set(&connection->passage.relay, TOW_RELAY_TARGET, stream);
    tow_relay_start(&connection->passage.relay);
}

static void refused(tow_websocket *socket, const tow_error_event *event) {
    reverse_connection *connection = tow_websocket_user(socket);
    tow_relay_fail(&connection->passage.relay, TOW_RELAY_TARGET, event->error, event->text);
}

/* Only of a socket that never became a stream. */
static void closed(tow_websocket *socket, const tow_close_event *event) {
    reverse_connection *connection = tow_websocket_user(socket);
    (void)event;
    connection->socket = NULL;
    tow_websocket_free(socket);
    tow_relay_fail(
        &connection->passage.relay, TOW_RELAY_TARGET, TOW_ERROR_CLOSED, tow_strerror(TOW_ERROR_CLOSED));
}

/* Accepting. */

static int connection_new(reverse_connection **out, tow_reverse_tunnel *tunnel, tow_byte_stream *stream) {
    static const tow_relay_events events = {.on_failed = side_failed, .on_done = streams_done};
    reverse_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return TOW_ERROR_MEMORY;
    tow_relay_init(&connection->passage.relay, &events);
    connection->tunnel = tunnel;
    tow_websocket_options options = tunnel->socket_options;
    options.user = connection;
    int error = tow_websocket_open(&connection->socket, tunnel->loop, tunnel->options->url, &options);
    if (error != 0) {
        free(connection);
        return error;
    }
    if (tow_byte_stream_peer(stream, connection->passage.peer, sizeof(connection->passage.peer)) != 0)
        snprintf(connection->passage.peer, sizeof(connection->passage.peer), "unknown");
    *out = connection;
    return 0;
}

static bool is_full(const tow_reverse_tunnel *tunnel) {
    int64_t max = tunnel->options->max_connections;
    return max > 0 && tunnel->passages.count >= max;
}

/* A stream without a relay hears of nothing but its close. */
static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    tow_reverse_tunnel *tunnel = tow_byte_stream_user(stream);
    reverse_connection *connection;
    (void)listener;
    int error = is_full(tunnel) ? TOW_ERROR_LIMIT : connection_new(&connection, tunnel, stream);
    if (error != 0) {
        tow_passages_say(&tunnel->passages, TOW_LOG_WARNING, "a connection was refused: %s",
            error == TOW_ERROR_LIMIT ? "there are --max-connections already" : tow_strerror(error));
        tow_byte_stream_set_user(stream, NULL);
        tow_byte_stream_reset(stream);
        return;
    }
    tow_byte_stream_set_user(stream, &connection->passage.relay.ends[TOW_RELAY_CLIENT]);
    tow_relay_set(&connection->passage.relay, TOW_RELAY_CLIENT, stream);
    tow_passage_begin(&connection->passage, &tunnel->passages, tunnel->loop);
}

/* Beginning and end. */

int tow_reverse_tunnel_new(
    tow_reverse_tunnel **tunnel, tow_loop *loop, const tow_reverse_tunnel_options *options) {
    tow_reverse_tunnel *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->options = options;
    made->loop = loop;
    tow_passages_init(&made->passages, (tow_handler_log){options->on_log, options->log_user});
    made->socket_options = *options->socket;
    made->socket_options.on_open = opened;
    made->socket_options.on_error = refused;
    made->socket_options.on_close = closed;
    tow_byte_stream_options streams = tow_relay_options(&made->none, TOW_RELAY_CLIENT);
    streams.user = made; /* until it is accepted */
    int error = tow_byte_listener_new(&made->listener, loop, options->listen, accepted, &streams);
    if (error != 0)
        tow_reverse_tunnel_free(made);
    else
        *tunnel = made;
    return error;
}

bool tow_reverse_tunnel_address(const tow_reverse_tunnel *tunnel, int place, char out[TOW_ADDRESS_TEXT_MAX]) {
    return tunnel->listener != NULL && tow_byte_listener_text(tunnel->listener, place, out);
}

int tow_reverse_tunnel_port(const tow_reverse_tunnel *tunnel) {
    return tunnel->listener == NULL ? 0 : tow_byte_listener_port(tunnel->listener);
}

static void reset_all(tow_timer *timer) {
    const tow_reverse_tunnel *tunnel =
        (tow_reverse_tunnel *)(void *)((char *)timer - offsetof(tow_reverse_tunnel, deadline));
    for (tow_passage *passage = tunnel->passages.first, *next; passage != NULL; passage = next) {
        next = passage->next;
        tow_relay_fail(&passage->relay, TOW_RELAY_CLIENT, TOW_ERROR_CLOSED, "drain-seconds are over");
    }
}

void tow_reverse_tunnel_stop(tow_reverse_tunnel *tunnel, int seconds) {
    if (tunnel->listener == NULL)
        return;
    tow_byte_listener_free(tunnel->listener);
    tunnel->listener = NULL;
    if (tunnel->passages.first != NULL && seconds != TOW_OFF)
        tow_timer_set(
            tunnel->loop, &tunnel->deadline, tow_loop_now(tunnel->loop) + seconds * TOW_SECOND, reset_all);
}

void tow_reverse_tunnel_free(tow_reverse_tunnel *tunnel) {
    if (tunnel == NULL)
        return;
    tow_passages_clear(&tunnel->passages);
    free(tunnel);
}
