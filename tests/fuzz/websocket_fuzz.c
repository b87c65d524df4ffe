/* Whole connections: a server's socket in the simulator whose peer sends arbitrary bytes, cut by a seed, and
 * whose application echoes, whole or in pieces, pauses, and ends the connection by chance. Whatever comes,
 * the socket ends once, and all it says is frames with nothing behind its Close. The input: settings, seed,
 * chance for the callbacks, then the peer's bytes. */
#include "fuzz.h"

#include "protocol/mask.h"
#include "protocol/receiver.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "websocket/websocket.h"

#include <string.h>
#include <towline/error.h>

enum { SETTINGS = 4, STEPS_MAX = 200 * 1000 };

typedef struct connection {
    tow_websocket socket; /* first */
    tow_behaviour behaviour;
    tow_websocket_context *context;
    tow_loop *loop;
    tow_listener listener;
    tow_compression_agreement agreement;
    uint64_t chance; /* of the application */
    bool calm;       /* it only echoes */
    bool in_message; /* in pieces: one that is not the last came last */
    tow_utf8_state utf8;
    int opens, errors, closes, gone;
    /* The peer. */
    tow_stream peer;
    const uint8_t *bytes;
    size_t length, written;
    tow_receiver receiver; /* of what the socket says */
    bool peer_closed, close_seen;
} connection;

static connection *of(tow_websocket *socket) {
    return (connection *)(void *)socket;
}

static unsigned draw(connection *it, unsigned limit) {
    it->chance = it->chance * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(it->chance >> 33) % limit;
}

/* Right or wrong. */
static void send_some_piece(connection *it) {
    static const char text[] = "a\xc3\xa9z";
    size_t length = draw(it, sizeof(text));
    tow_websocket_send_piece(
        &it->socket, &(tow_message_piece){.type = draw(it, 3) == 0 ? TOW_BINARY : TOW_TEXT,
                         .data = text,
                         .length = length,
                         .first = draw(it, 2),
                         .last = draw(it, 2)});
}

/* Does something that an application might. */
static void act(connection *it) {
    static const uint8_t large[100 * 1000];
    tow_websocket *socket = &it->socket;
    switch (it->calm ? 9 : draw(it, 40)) {
    case 0:
        tow_websocket_close(socket, 1000, "enough");
        break;
    case 1:
        tow_websocket_abort(socket, TOW_CAUSE_APPLICATION_RESET, 0);
        break;
    case 2:
        tow_websocket_fail(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        break;
    case 3:
    case 4:
        tow_websocket_pause(socket);
        break;
    case 5:
    case 6:
        tow_websocket_resume(socket);
        break;
    case 7:
        tow_websocket_ping(socket, "ping", 4);
        break;
    case 8:
        tow_websocket_send(socket, TOW_BINARY, large, sizeof(large));
        break;
    case 9:
        if (!it->calm)
            send_some_piece(it);
        break;
    default:
        break;
    }
}

static void on_open(tow_websocket *socket) {
    CHECK(of(socket)->opens++ == 0);
    act(of(socket));
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    CHECK(tow_websocket_ready_state(socket) == TOW_OPEN);
    CHECK(message->type == TOW_TEXT || message->type == TOW_BINARY);
    CHECK(message->type == TOW_BINARY || tow_utf8_valid(message->data, message->length));
    tow_websocket_send(socket, message->type, message->data, message->length);
    act(of(socket));
}

static void on_piece(tow_websocket *socket, const tow_message_piece *piece) {
    connection *it = of(socket);
    CHECK(tow_websocket_ready_state(socket) == TOW_OPEN);
    CHECK(piece->first == !it->in_message);
    CHECK(piece->first || piece->last || piece->length > 0);
    if (piece->type == TOW_TEXT)
        CHECK(tow_utf8_check(&it->utf8, piece->data, piece->length) && (!piece->last || it->utf8 == 0));
    it->in_message = !piece->last;
    if (tow_websocket_send_piece(socket, piece) == TOW_ERROR_STATE)
        CHECK(!it->calm); /* a message that the application has begun is under way */
    act(it);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    CHECK(of(socket)->errors++ == 0 && of(socket)->closes == 0 && event->error < 0);
    act(of(socket));
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    CHECK(of(socket)->closes++ == 0);
    CHECK(tow_utf8_valid(event->reason, event->reason_length));
    CHECK(!event->was_clean || of(socket)->errors == 0);
    act(of(socket));
}

static void on_something(tow_websocket *socket) {
    act(of(socket));
}

static void on_control(tow_websocket *socket, const void *payload, size_t length) {
    CHECK(length <= 125);
    act(of(socket));
}

static void on_gone(tow_websocket *socket) {
    CHECK(of(socket)->closes == 1 && of(socket)->gone++ == 0);
}

static const tow_socket_owner owner = {.gone = on_gone};

/* The peer. */

static connection *peer_of(tow_stream *stream) {
    return (connection *)(void *)((char *)stream - offsetof(connection, peer));
}

static void peer_writable(tow_stream *stream) {
    connection *it = peer_of(stream);
    struct iovec piece = {(void *)(uintptr_t)(it->bytes + it->written), it->length - it->written};
    while (it->written < it->length && !tow_stream_is_blocked(stream)) {
        ssize_t taken = tow_stream_write(stream, &piece, 1);
        if (taken <= 0)
            return;
        it->written += (size_t)taken;
        piece = (struct iovec){(void *)(uintptr_t)(it->bytes + it->written), it->length - it->written};
    }
    if (it->written == it->length)
        tow_stream_shutdown(stream);
}

/* All that the socket says is right, and its Close is the last. */
static void peer_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    connection *it = peer_of(stream);
    tow_receiver_rules rules = {
        .role = TOW_ROLE_CLIENT, .compression = it->agreement.enabled, .max_message = UINT64_MAX};
    tow_received event;
    CHECK(!it->close_seen);
    tow_received_kind kind;
    while (
        (kind = tow_receiver_next(&it->receiver, &rules, &bytes, &length, &event)) > TOW_RECEIVED_NOTHING) {
        it->close_seen = kind == TOW_RECEIVED_CLOSE;
        if (it->close_seen)
            CHECK(length == 0);
    }
    CHECK(kind != TOW_RECEIVED_FAILED);
}

static void peer_end(tow_stream *stream) {
    tow_stream_close(stream);
}

static void peer_error(tow_stream *stream, int error) {
    tow_stream_close(stream);
}

static void peer_closed(tow_stream *stream) {
    peer_of(stream)->peer_closed = true;
}

static const tow_stream_events peer_events = {.on_bytes = peer_bytes,
    .on_writable = peer_writable,
    .on_end = peer_end,
    .on_error = peer_error,
    .on_closed = peer_closed};

static void accepted(tow_listener *listener, int fd) {
    connection *it = listener->user;
    CHECK(tow_stream_adopt(&it->socket.stream, it->loop, fd, &peer_events) == 0);
    CHECK(tow_websocket_start(
              &it->socket, it->context, &it->behaviour, (tow_slice){0}, &it->agreement, NULL, 0) == 0);
}

/* A connection. */

static void set(connection *it, uint8_t settings) {
    it->behaviour = (tow_behaviour){.role = TOW_ROLE_SERVER,
        .on_open = on_open,
        .on_error = on_error,
        .on_close = on_close,
        .on_drain = on_something,
        .on_ping = on_control,
        .on_pong = on_control,
        .owner = &owner,
        .limits = {.max_message = settings & 1 ? 1000 : 1000 * 1000,
            .compression_min = 10,
            .high_mark = settings & 128 ? 1000 : 0}};
    tow_behaviour_receive_by(&it->behaviour, on_message, settings & 64 ? on_piece : NULL);
    tow_limits_resolve(&it->behaviour.limits, TOW_ROLE_SERVER, NULL);
    it->calm = settings & 2;
    it->agreement = (tow_compression_agreement){.enabled = settings & 4,
        .server_no_context_takeover = settings & 8,
        .client_no_context_takeover = settings & 16,
        .server_max_window_bits = 15,
        .client_max_window_bits = settings & 32 ? 9 : 15};
}

static void start(connection *it) {
    tow_address address;
    tow_address bound;
    CHECK(tow_address_parse("127.0.0.1:1", &address) == 1);
    int fd = tow_listen_socket(it->loop, &address, &(tow_listen_options){0}, &bound);
    it->listener.user = it;
    CHECK(fd >= 0 && tow_listener_start(&it->listener, it->loop, fd, accepted) == 0);
    CHECK(tow_stream_connect(&it->peer, it->loop, &bound, &peer_events) == 0);
}

/* What pauses for ever is resumed now and then. */
static void run(connection *it) {
    for (int steps = 0; !it->peer_closed || it->gone == 0; steps++) {
        CHECK(steps < STEPS_MAX);
        CHECK(tow_loop_step(it->loop) >= 0);
        if (steps % 50 == 49 && it->opens > 0 && it->gone == 0)
            tow_websocket_resume(&it->socket);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < SETTINGS)
        return 0;
    connection it = {.chance = data[2], .bytes = data + SETTINGS, .length = size - SETTINGS};
    set(&it, data[0]);
    CHECK(tow_loop_new_simulated(&it.loop,
              &(tow_simulation_options){
                  .seed = data[1], .whole = data[3] & 1, .stream_capacity = data[3] & 2 ? 500 : 0}) == 0);
    CHECK(tow_websocket_context_new(&it.context, it.loop, NULL) == 0);
    start(&it);
    run(&it);
    tow_websocket_clear(&it.socket);
    tow_receiver_clear(&it.receiver);
    tow_websocket_context_free(it.context);
    tow_listener_stop(&it.listener);
    tow_loop_free(it.loop);
    return 0;
}
