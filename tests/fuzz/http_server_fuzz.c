/* A whole server in the simulator, fed by a peer that says anything, in pieces that the seed cuts, and that
 * may end its side or go away. Whatever it was, the connection ends, and the server still serves. */
#include "fuzz.h"
#include "base/buffer.h"
#include "server/exchange.h"
#include "transport/loop.h"
#include "transport/stream.h"
#include "transport/timer.h"

#include <string.h>
#include <towline/server.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static int take_first(const tow_request *request, const char *const *offered, size_t count) {
    CHECK(offered[count] == NULL);
    return 0;
}

static int open_sources;

static int64_t give_x(void *user, void *out, size_t length) {
    memset(out, 'x', length);
    return (int64_t)length;
}

static void source_close(void *user) {
    open_sources--;
}

static void stream(tow_exchange *exchange, const tow_request *request) {
    uint64_t length = strtoull(tow_request_query(request), NULL, 10) % 200000;
    open_sources++;
    tow_exchange_stream(
        exchange, 200, "text/plain", length, &(tow_body_source){.read = give_x, .close = source_close});
}

static void send_back(tow_exchange *exchange, void *user, const void *body, size_t length) {
    CHECK(length <= 1000);
    tow_exchange_respond(exchange, 200, "text/plain", body, length);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    CHECK(strncmp(tow_request_path(request), "/body", 5) == 0);
    CHECK(strlen(tow_request_target(request)) >= 1);
    CHECK(tow_request_peer(request)[0] != '\0');
    for (const tow_header_field *field = tow_request_headers(request); field->name != NULL; field++)
        CHECK(strpbrk(field->value, "\r\n") == NULL && tow_request_header(request, field->name) != NULL);
    const char *host = tow_request_header(request, "host");
    CHECK(host == NULL || strpbrk(host, "\r\n") == NULL);
    tow_exchange_read_body(exchange, 1000, send_back, NULL);
}

static int kept;

static void forget(tow_exchange *exchange, void *user) {
    kept--;
}

/* Nobody listens to what does not end. */
static void stop(tow_exchange *exchange, void *user) {
    kept--;
    CHECK(tow_exchange_end(exchange) == 0);
}

static void send_piece_back(
    tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last) {
    if (!is_last && length % 7 == 3)
        tow_exchange_pause(exchange);
    tow_exchange_resume(exchange);
    if (!is_last)
        return;
    CHECK(tow_exchange_begin(exchange, 200, NULL, TOW_LENGTH_UNKNOWN) == 0);
    CHECK(tow_exchange_write(exchange, "piece", 5) == 0);
    if (tow_request_parameter(tow_exchange_request(exchange), "open") == NULL) {
        CHECK(tow_exchange_end(exchange) == 0);
        return;
    }
    CHECK(tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = forget, .on_end = stop}) == 0);
    kept++;
}

static void want_pieces(tow_exchange *exchange, const tow_request *request) {
    CHECK(tow_request_parameters(request) != NULL && tow_request_cookies(request) != NULL);
    CHECK(tow_exchange_read_pieces(exchange, send_piece_back, NULL) == 0);
}

static tow_loop *loop;
static tow_server *server;

static void make_server(void) {
    const char *const names[] = {"localhost", NULL};
    CHECK(tow_loop_new_simulated(&loop, &(tow_simulation_options){.seed = 1, .stream_capacity = 5000}) == 0);
    CHECK(tow_server_new(&server, &(tow_server_options){.listen = "127.0.0.1:1",
                                      .loop = loop,
                                      .handshake_bytes = 2000,
                                      .max_connections_per_address = 5,
                                      .hosts = names}) == 0);
    tow_server_route(server, "/echo", &(tow_handler){.on_message = echo, .on_select = take_first});
    tow_server_route(server, "/stream", &(tow_handler){.on_request = stream});
    tow_server_route(server, "/body/*", &(tow_handler){.on_request = want_body});
    tow_server_route(server, "/pieces", &(tow_handler){.on_request = want_pieces});
    CHECK(tow_server_listen(server) == 0);
}

static struct {
    tow_stream stream;
    const uint8_t *bytes;
    size_t length;
    size_t received;
    bool connected, failed, used;
} peer;

static void push(void) {
    while (peer.connected && !peer.failed && peer.length > 0 && !tow_stream_is_blocked(&peer.stream)) {
        uint8_t copy[512];
        size_t length = peer.length < sizeof(copy) ? peer.length : sizeof(copy);
        memcpy(copy, peer.bytes, length);
        ssize_t taken =
            tow_stream_write(&peer.stream, &(struct iovec){.iov_base = copy, .iov_len = length}, 1);
        if (taken <= 0)
            return;
        peer.bytes += taken;
        peer.length -= (size_t)taken;
    }
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    if (peer.received < 9) {
        static const char begin[] = "HTTP/1.1 ";
        size_t known = 9 - peer.received < length ? 9 - peer.received : length;
        CHECK(memcmp(begin + peer.received, bytes, known) == 0);
    }
    peer.received += length;
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
}

static void on_writable(tow_stream *stream) {
    peer.connected = true;
    push();
}

static void on_end(tow_stream *stream) {
}

static void on_error(tow_stream *stream, int error) {
    peer.failed = true;
}

static void on_closed(tow_stream *stream) {
    peer.used = false;
}

static const tow_stream_events events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed,
};

static bool rang;

static void ring(tow_timer *timer) {
    rang = true;
}

static void run(int milliseconds) {
    tow_timer timer = {0};
    rang = false;
    tow_timer_set(loop, &timer, tow_loop_now(loop) + milliseconds * TOW_MILLISECOND, ring);
    while (!rang)
        CHECK(tow_loop_step(loop) >= 0);
}

static void talk(const uint8_t *bytes, size_t length) {
    tow_address address[TOW_ADDRESSES_MAX];
    memset(&peer, 0, sizeof(peer));
    peer.bytes = bytes;
    peer.length = length;
    peer.used = true;
    CHECK(tow_address_parse("127.0.0.1:1", address) == 1);
    CHECK(tow_stream_connect(&peer.stream, loop, address, &events) == 0);
    run(10);
    for (int i = 0; i < 50 && peer.length > 0 && !peer.failed; i++)
        run(2);
}

/* The first byte says how the peer ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    if (loop == NULL)
        make_server();
    talk(data + 1, size - 1);
    if (data[0] & 1 && peer.length == 0)
        tow_stream_shutdown(&peer.stream);
    run(data[0] & 2 ? 20 : 1);
    if (data[0] & 4)
        tow_stream_reset(&peer.stream);
    else
        tow_stream_close(&peer.stream);
    while (peer.used)
        CHECK(tow_loop_step(loop) >= 0);
    run(100);
    CHECK(open_sources == 0 && kept == 0);

    static const uint8_t ordinary[] =
        "POST /body/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nok";
    talk(ordinary, sizeof(ordinary) - 1);
    CHECK(peer.received > 2);
    tow_stream_reset(&peer.stream);
    while (peer.used)
        CHECK(tow_loop_step(loop) >= 0);
    return 0;
}
