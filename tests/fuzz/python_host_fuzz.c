/* A handler in Python whose process says anything: to a connection whose handshake is under way, and to an
 * open one. Whatever it was, the client's connection ends, and the next one is served. */
#include "fuzz.h"
#include "python/connection.h"
#include "python/protocol.h"
#include "transport/timer.h"

#include <string.h>
#include <towline/server.h>

static const char opening[] = "GET /p HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: a\r\n"
                              "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
/* A text, a Ping, a Pong, a Close, with a masking key of zeros. */
static const uint8_t frames[] = {0x81, 0x82, 0, 0, 0, 0, 'h', 'i', 0x89, 0x81, 0, 0, 0, 0, 'p', 0x8a, 0x80, 0,
    0, 0, 0, 0x88, 0x82, 0, 0, 0, 0, 0x0f, 0xa1};

static tow_loop *loop;
static tow_server *server;
static tow_python python;
static tow_python_version *version;

static const uint8_t accept_it[] = {0, 0, 0, 3, TOW_PYTHON_ACCEPT, 0, 0, 0};

/* What the host says: at once, or when it has accepted and the connection is open. */
static struct {
    const uint8_t *bytes;
    size_t length;
    bool accepts;
    bool ends;
    int open;
    tow_buffer heard;
} host;

static void host_push(tow_byte_stream *stream) {
    int64_t taken = tow_byte_stream_write(stream, &(tow_bytes){host.bytes, host.length}, 1);
    if (taken <= 0)
        return;
    host.bytes += taken;
    host.length -= (size_t)taken;
    if (host.length == 0 && host.ends)
        tow_byte_stream_shutdown(stream);
}

static void host_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_python_said said;
    CHECK(tow_buffer_append(&host.heard, bytes, length) == 0);
    const uint8_t *at = host.heard.data;
    size_t left = host.heard.length;
    while (tow_python_next(&at, &left, &said) == 1) {
        if (!host.accepts || said.operation != TOW_PYTHON_OPENED)
            continue;
        host.accepts = false;
        host_push(stream);
    }
    tow_buffer_consume(&host.heard, host.heard.length - left);
}

static void host_writable(tow_byte_stream *stream) {
    if (!host.accepts)
        host_push(stream);
}

static void host_end(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void host_error(tow_byte_stream *stream, int error, const char *text) {
    tow_byte_stream_close(stream);
}

static void host_closed(tow_byte_stream *stream) {
    host.open--;
}

static void host_accept(tow_byte_listener *listener, tow_byte_stream *stream) {
    host.open++;
    if (host.accepts)
        CHECK(tow_byte_stream_write(stream, &(tow_bytes){accept_it, sizeof(accept_it)}, 1) ==
              sizeof(accept_it));
    else
        host_push(stream);
}

/* The client. */
static struct {
    tow_byte_stream *stream;
    size_t received;
    uint8_t first[16];
} client;

static void client_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    size_t room = sizeof(client.first) - client.received;
    if (client.received < sizeof(client.first))
        memcpy(client.first + client.received, bytes, length < room ? length : room);
    client.received += length;
}

static void client_closed(tow_byte_stream *stream) {
    client.stream = NULL;
}

static void client_error(tow_byte_stream *stream, int error, const char *text) {
}

static void make_all(void) {
    static char memory[sizeof(tow_python_version) + 10];
    tow_byte_listener *listener;
    tow_address addresses[TOW_ADDRESSES_MAX];
    CHECK(tow_loop_new_simulated(&loop, &(tow_simulation_options){.whole = true, .stream_capacity = 5000}) ==
          0);
    CHECK(tow_server_new(&server, &(tow_server_options){.listen = "127.0.0.1:1", .loop = loop}) == 0);
    version = (tow_python_version *)(void *)memory;
    version->python = &python;
    version->holders = 2; /* never let go */
    static const tow_python_settings settings;
    python.settings = &settings;
    python.place = (tow_handler_place){.server = server, .loop = loop};
    CHECK(tow_address_parse("unix:/python", addresses) == 1);
    python.address = addresses[0];
    pthread_mutex_init(&python.mutex, NULL);
    const tow_handler handler = tow_python_handler(version);
    CHECK(tow_server_route(server, "/p", &handler) == 0);
    CHECK(tow_server_listen(server) == 0);
    CHECK(tow_byte_listener_new(&listener, loop, "unix:/python", host_accept,
              &(tow_byte_stream_options){.on_bytes = host_bytes,
                  .on_writable = host_writable,
                  .on_end = host_end,
                  .on_error = host_error,
                  .on_closed = host_closed}) == 0);
}

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

static void say(const void *bytes, size_t length) {
    if (client.stream != NULL)
        (void)tow_byte_stream_write(client.stream, &(tow_bytes){bytes, length}, 1);
}

static void talk(const uint8_t *bytes, size_t length, uint8_t way) {
    memset(&client, 0, sizeof(client));
    host.bytes = bytes;
    host.length = length;
    host.ends = way & 1;
    host.accepts = way & 64;
    tow_buffer_clear(&host.heard);
    CHECK(tow_byte_stream_connect(&client.stream, loop, "127.0.0.1:1",
              &(tow_byte_stream_options){
                  .on_bytes = client_bytes, .on_error = client_error, .on_closed = client_closed}) == 0);
    run(5);
    say(opening, sizeof(opening) - 1);
    if (way & 2)
        say("and more", 8);
    run(20);
    if (way & 4)
        say(frames, sizeof(frames));
    run(way & 8 ? 2000 : 20);
    if (way & 16)
        tow_byte_stream_shutdown(client.stream);
    run(way & 32 ? 70000 : 20);
    if (client.stream != NULL)
        tow_byte_stream_reset(client.stream);
    for (int i = 0; i < 1000 && (client.stream != NULL || host.open > 0); i++)
        run(100);
    CHECK(client.stream == NULL && host.open == 0);
    CHECK(python.connections == NULL);
}

/* The first byte says what the others do meanwhile. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* ACCEPT, a whole text, END */
    static const uint8_t ordinary[] = {0, 0, 0, 3, 2, 1, 0, 0, 0, 0, 0, 2, 0x26, 'o', 'k', 0, 0, 0, 0, 7};
    if (size < 1)
        return 0;
    if (loop == NULL)
        make_all();
    talk(data + 1, size - 1, data[0]);
    talk(ordinary, sizeof(ordinary), 64);
    CHECK(memcmp(client.first, "HTTP/1.1 101 ", 13) == 0);
    return 0;
}
