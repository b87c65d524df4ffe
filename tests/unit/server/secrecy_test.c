/* What a server with TLS knows of its connections, and what it does with those that are plain. */
#include "world.h"

#include <towline/error.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void begin(struct world *world, uint64_t seed, bool redirects) {
    const tow_server_options options = {.tls_self_signed = true, .tls_redirect = redirects};
    world_make(world, &(tow_simulation_options){.seed = seed}, &options);
    assert_int_equal(tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo}), 0);
    world_listen(world);
}

static tow_tls_context *trusting_client(void) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

#define OPENING_OF(host, origin)                                                                             \
    "GET /echo HTTP/1.1\r\nHost: " host "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                  \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" origin "\r\n"

static void the_same_origin_is_that_of_https(void **state) {
    (void)state;
    const struct {
        const char *text;
        const char *answer;
    } cases[] = {
        {OPENING_OF("localhost", ""), "HTTP/1.1 101 "},
        {OPENING_OF("localhost", "Origin: https://localhost\r\n"), "HTTP/1.1 101 "},
        {OPENING_OF("localhost:443", "Origin: https://localhost\r\n"), "HTTP/1.1 101 "},
        {OPENING_OF("localhost", "Origin: https://localhost:443\r\n"), "HTTP/1.1 101 "},
        {OPENING_OF("localhost:9998", "Origin: https://localhost:9998\r\n"), "HTTP/1.1 101 "},
        {OPENING_OF("localhost", "Origin: http://localhost\r\n"), "HTTP/1.1 403 "},
        {OPENING_OF("localhost:80", "Origin: http://localhost\r\n"), "HTTP/1.1 403 "},
        {OPENING_OF("localhost:9998", "Origin: http://localhost:9998\r\n"), "HTTP/1.1 403 "},
        {OPENING_OF("localhost:9998", "Origin: https://localhost\r\n"), "HTTP/1.1 403 "},
        {OPENING_OF("localhost", "Origin: https://127.0.0.1\r\n"), "HTTP/1.1 403 "},
        {OPENING_OF("localhost", "Origin: null\r\n"), "HTTP/1.1 403 "},
    };
    tow_tls_context *client = trusting_client();
    struct world world;
    begin(&world, 1, false);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer peer;
        peer_connect_secure(&peer, &world, client);
        peer_text(&peer, cases[i].text);
        peer_expect(&peer, cases[i].answer);
        peer_close(&peer);
    }
    world_end(&world);
    tow_tls_context_release(client);
}

static void what_is_plain_is_redirected_if_that_is_wanted(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, true);
        peer_connect(&peer, &world);
        peer_text(&peer, OPENING_OF("localhost:9998", ""));
        peer_expect(&peer, "HTTP/1.1 308 ");
        peer_expect(&peer, "Location: https://localhost:9998/echo\r\n");
        peer_expect(&peer, "this port speaks wss");
        peer_close(&peer);
        peer_connect(&peer, &world);
        peer_text(&peer, "GET /a?b HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer_expect(&peer, "Location: https://localhost/a?b\r\n");
        peer_expect(&peer, "this port speaks https");
        peer_close(&peer);
        world_end(&world);
    }
}

/* The loop goes on without the server, and has nothing of it. */
static void a_reload_may_come_at_the_servers_end(void **state) {
    (void)state;
    for (int rounds = 0; rounds < 12; rounds++) {
        struct world world;
        begin(&world, 1, false);
        tow_server_stop(world.server);
        for (int i = 0; i < rounds; i++)
            assert_true(tow_loop_step(world.loop) >= 0);
        assert_int_equal(tow_server_reload(world.server), 0);
        while (!tow_server_is_done(world.server))
            assert_true(tow_loop_step(world.loop) >= 0);
        tow_server_free(world.server);
        assert_int_equal(tow_loop_step(world.loop), 0);
        tow_loop_free(world.loop);
        tow_buffer_clear(&world.log);
    }
}

static void lists_of_revoked_clients_need_authorities(void **state) {
    (void)state;
    tow_server *server;
    const tow_server_options options = {.tls_self_signed = true, .tls_client_crl = "/nowhere/list.pem"};
    assert_int_equal(tow_server_new(&server, &options), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_origin_is_that_of_https),
        cmocka_unit_test(what_is_plain_is_redirected_if_that_is_wanted),
        cmocka_unit_test(a_reload_may_come_at_the_servers_end),
        cmocka_unit_test(lists_of_revoked_clients_need_authorities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
