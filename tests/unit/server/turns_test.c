/* What one connection may have of the server: memory for what it sends, and a share of each round. */
#include "world.h"

#include "server/exchange.h"

enum { SENT = 6 * 1024 * 1024, TAKEN_MAX = 1024 * 1024 };

static void hello(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, "text/plain", "hello", 5);
}

static void send_length_back(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_exchange_respond(exchange, 200, "text/plain", "thanks", 6);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_read_body(exchange, 100, send_length_back, NULL);
}

static int64_t read_zeros(void *user, void *out, size_t length) {
    memset(out, 0, length);
    return (int64_t)length;
}

static void large(tow_exchange *exchange, const tow_request *request) {
    const tow_body_source source = {.read = read_zeros};
    tow_exchange_stream(exchange, 200, NULL, 300000, &source);
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static tow_tls_context *trusting_client(void) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

static void begin(struct world *world, uint64_t seed, bool secure) {
    world_make(world, &(tow_simulation_options){.seed = seed, .stream_capacity = 20000},
        &(tow_server_options){.tls_self_signed = secure, .status = "127.0.0.1:9999"});
    tow_server_route(world->server, "/hello", &(tow_handler){.on_request = hello});
    tow_server_route(world->server, "/body", &(tow_handler){.on_request = want_body});
    tow_server_route(world->server, "/large", &(tow_handler){.on_request = large});
    tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo});
    world_listen(world);
}

static void meet(struct peer *peer, struct world *world, tow_tls_context *tls) {
    if (tls != NULL)
        peer_connect_secure(peer, world, tls);
    else
        peer_connect(peer, world);
}

static void send_again_and_again(struct peer *peer, const char *text, size_t total) {
    size_t length = strlen(text);
    char *bytes = malloc(total + length);
    size_t filled = 0;
    for (; filled < total; filled += length)
        memcpy(bytes + filled, text, length);
    peer_send(peer, bytes, filled);
    free(bytes);
}

/* What a client says that never reads, in each state of a connection. */
static const struct {
    const char *first, *again;
} silent_readers[] = {
    {"", "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"},
    {"", "HEAD /hello HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n"},
    {"", "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n"},
    {"", "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"},
    {"", "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour"},
    {"", "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"},
    {"", "POST /body HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nfour"},
    {"", "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour"},
    {"", OPENING("/nothing")},
    {OPENING("/echo"), "\x82\xfe\x10\x00    "},
    {OPENING("/echo"), "\x89\x84    ping"},
};

static void who_takes_no_answers_is_not_read(void **state) {
    (void)state;
    tow_tls_context *client = trusting_client();
    for (size_t i = 0; i < 2 * sizeof(silent_readers) / sizeof(silent_readers[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, i, i % 2 == 1);
        meet(&peer, &world, i % 2 == 1 ? client : NULL);
        peer_text(&peer, silent_readers[i / 2].first);
        world_run(&world, 20);
        tow_stream_pause(&peer.stream);
        send_again_and_again(&peer, silent_readers[i / 2].again, SENT);
        world_run(&world, 4000);
        bool is_over = world_metric(&world, "connections") == 0; /* refused */
        if (peer.out.length < SENT - TAKEN_MAX && !is_over)
            fail_msg("client %zu: %zu bytes were taken", i, SENT - peer.out.length);
        tow_stream_resume(&peer.stream);
        peer_reset(&peer);
        world_end(&world);
    }
    tow_tls_context_release(client);
}

static size_t count_of(const struct peer *peer, const char *text) {
    size_t count = 0;
    const char *at = (const char *)peer->in.data;
    for (; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

static void all_is_answered_once_the_peer_reads_again(void **state) {
    (void)state;
    static const char request[] = "HEAD /hello HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n";
    tow_tls_context *client = trusting_client();
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, seed % 2 == 1);
        meet(&peer, &world, seed % 2 == 1 ? client : NULL);
        world_run(&world, 20);
        tow_stream_pause(&peer.stream);
        send_again_and_again(&peer, request, 3000 * (sizeof(request) - 1));
        world_run(&world, 1000);
        assert_true(world_metric(&world, "requests_total") < 3000);
        tow_stream_resume(&peer.stream);
        peer_shutdown(&peer);
        peer_expect_end(&peer);
        assert_int_equal(count_of(&peer, "HTTP/1.1 200 OK\r\n"), 3000);
        peer_close(&peer);
        world_end(&world);
    }
    tow_tls_context_release(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_takes_no_answers_is_not_read),
        cmocka_unit_test(all_is_answered_once_the_peer_reads_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
