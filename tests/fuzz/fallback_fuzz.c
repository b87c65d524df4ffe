/* A client that goes by polling, and a server that answers anything. The first byte says how both begin; what
 * follows are the bodies of answers to GET, with 0xFF between them, the first of which may open the session.
 * Whatever they are, messages are within the limits and the client ends. */
#include "fuzz.h"

#include "../../src/client/fallback/known_ways.h"
#include "base/buffer.h"
#include "protocol/mask.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/stream.h"

#include <stdint.h>
#include <string.h>
#include <towline/error.h>
#include <towline/websocket.h>

enum { EXTENDED = 1, OPENS = 2, PAUSES = 4, ECHOES = 8, CONNECTIONS = 16, MAX_MESSAGE = 500 };

static tow_loop *loop;
static const uint8_t *rest;
static size_t rest_length;
static uint8_t flags;
static bool is_opened;
static size_t closes, steps;

/* The server: one request after the other. */

static struct connection {
    tow_stream stream; /* first */
    tow_buffer in, out;
    bool used;
} connections[CONNECTIONS];

static void push(struct connection *connection) {
    while (connection->out.length > 0 && !tow_stream_is_blocked(&connection->stream)) {
        struct iovec piece = {.iov_base = connection->out.data, .iov_len = connection->out.length};
        ssize_t taken = tow_stream_write(&connection->stream, &piece, 1);
        if (taken <= 0)
            return;
        tow_buffer_consume(&connection->out, (size_t)taken);
    }
}

static void answer(struct connection *connection, int status, const void *body, size_t length) {
    CHECK(tow_buffer_append_format(
              &connection->out, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n", status, length) == 0);
    CHECK(length == 0 || tow_buffer_append(&connection->out, body, length) == 0);
    push(connection);
}

static void answer_next(struct connection *connection) {
    if (rest_length == 0) {
        answer(connection, 400, NULL, 0);
        return;
    }
    const uint8_t *end = memchr(rest, 0xff, rest_length);
    size_t length = end != NULL ? (size_t)(end - rest) : rest_length;
    answer(connection, 200, rest, length);
    rest += length + (end != NULL);
    rest_length -= length + (end != NULL);
}

static void answer_get(struct connection *connection) {
    static const char plain[] =
        "0{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}";
    static const char extended[] =
        "0{\"sid\":\"a\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":100,"
        "\"towline\":1,\"protocol\":\"\",\"linger\":2000}";
    bool is_first = !is_opened;
    is_opened = true;
    if (is_first && (flags & OPENS) == 0)
        answer(connection, 200, flags & EXTENDED ? extended : plain,
            strlen(flags & EXTENDED ? extended : plain));
    else
        answer_next(connection);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    struct connection *connection = (struct connection *)(void *)stream;
    CHECK(tow_buffer_append(&connection->in, bytes, length) == 0);
    CHECK(tow_buffer_append(&connection->in, "", 1) == 0);
    connection->in.length--;
    const char *head = (const char *)connection->in.data;
    const char *end = memmem(head, connection->in.length, "\r\n\r\n", 4);
    const char *size = end != NULL ? memmem(head, (size_t)(end - head), "Content-Length: ", 16) : NULL;
    size_t body = size != NULL ? strtoul(size + 16, NULL, 10) : 0;
    if (end == NULL || connection->in.length < (size_t)(end - head) + 4 + body)
        return;
    bool is_post = memcmp(head, "POST", 4) == 0;
    tow_buffer_clear(&connection->in);
    if (is_post)
        answer(connection, 200, "ok", 2);
    else
        answer_get(connection);
}

static void on_writable(tow_stream *stream) {
    push((struct connection *)(void *)stream);
}

static void on_end(tow_stream *stream) {
    tow_stream_close(stream);
}

static void on_error(tow_stream *stream, int error) {
    tow_stream_close(stream);
}

static void on_closed(tow_stream *stream) {
    struct connection *connection = (struct connection *)(void *)stream;
    tow_buffer_clear(&connection->in);
    tow_buffer_clear(&connection->out);
    connection->used = false;
}

static const tow_stream_events events = {.on_bytes = on_bytes,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed};

static void accepted(tow_listener *listener, int fd) {
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (connections[i].used)
            continue;
        connections[i] = (struct connection){.used = true};
        CHECK(tow_stream_adopt(&connections[i].stream, loop, fd, &events) == 0);
        return;
    }
    tow_loop_discard(loop, fd);
}

/* The client. */

static void on_message(tow_websocket *socket, const tow_message *message) {
    CHECK(message->length <= MAX_MESSAGE);
    CHECK(message->type != TOW_TEXT || tow_utf8_valid(message->data, message->length));
    if (flags & ECHOES)
        tow_websocket_send(socket, message->type, message->data, message->length);
    if (flags & PAUSES)
        tow_websocket_pause(socket);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    CHECK(tow_websocket_ready_state(socket) == TOW_CLOSED);
    CHECK(tow_utf8_valid((const uint8_t *)event->reason, event->reason_length));
    closes++;
}

static void run(tow_websocket *client) {
    for (steps = 0; closes == 0 && steps < 100000; steps++) {
        CHECK(tow_loop_step(loop) >= 0);
        tow_websocket_resume(client);
    }
    CHECK(closes == 1);
}

static bool is_quiet(void) {
    for (size_t i = 0; i < CONNECTIONS; i++)
        if (connections[i].used)
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static tow_listener listener;
    tow_address addresses[TOW_ADDRESSES_MAX], bound;
    tow_websocket *client;
    if (size == 0)
        return 0;
    flags = data[0];
    rest = data + 1;
    rest_length = size - 1;
    is_opened = false;
    closes = 0;
    CHECK(tow_loop_new_simulated(&loop, &(tow_simulation_options){.seed = data[0]}) == 0);
    CHECK(tow_address_parse("127.0.0.1:1", addresses) == 1);
    int fd = tow_listen_socket(loop, &addresses[0], &(tow_listen_options){0}, &bound);
    CHECK(fd >= 0 && tow_listener_start(&listener, loop, fd, accepted) == 0);
    tow_known_ways_note(loop, "ws://127.0.0.1:1 ", TOW_WAY_POLLING);
    const tow_websocket_options options = {.fallback = true,
        .limits = {.max_message = MAX_MESSAGE},
        .on_message = on_message,
        .on_close = on_close};
    CHECK(tow_websocket_open(&client, loop, "ws://127.0.0.1:1/", &options) == 0);
    run(client);
    tow_websocket_free(client);
    tow_listener_stop(&listener);
    while (!is_quiet())
        CHECK(tow_loop_step(loop) >= 0);
    tow_loop_free(loop);
    return 0;
}
