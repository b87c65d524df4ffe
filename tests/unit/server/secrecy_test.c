/* What a server with TLS knows of its connections, and what it does with those that are plain. */
#include "../transport/authority.h"
#include "world.h"

#include <pthread.h>
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

static void note(void *user, int level, const char *line) {
    (void)level;
    assert_int_equal(tow_buffer_append_text(user, line), 0);
}

static void lists_of_revoked_clients_need_authorities(void **state) {
    (void)state;
    tow_server *server;
    const tow_server_options options = {.tls_self_signed = true, .tls_client_crl = "/nowhere/list.pem"};
    assert_int_equal(tow_server_new(&server, &options), TOW_ERROR_ARGUMENT);
}

/* Certificates */

static test_authority authority;
static test_identity first, second, client_identity;

static int make_identities(void **state) {
    (void)state;
    authority_make(&authority, "Test Authority");
    authority_issue(&authority, &(test_subject){.name = "first", .names = "DNS:localhost"}, &first);
    authority_issue(&authority, &(test_subject){.name = "second", .names = "DNS:*.second.test"}, &second);
    authority_issue(&authority, &(test_subject){.name = "a client", .names = ""}, &client_identity);
    return 0;
}

static int clear_identities(void **state) {
    (void)state;
    identity_clear(&first);
    identity_clear(&second);
    identity_clear(&client_identity);
    authority_clear(&authority);
    return 0;
}

static char *joined(const char *one, const char *two) {
    size_t size = strlen(one) + strlen(two) + 1;
    char *both = malloc(size);
    snprintf(both, size, "%s%s", one, two);
    return both;
}

static tow_tls_context *client_with(const test_identity *identity) {
    char why[TOW_TLS_TEXT_MAX];
    tow_tls_context *context;
    const tow_tls_settings settings = {.verify = TOW_TLS_VERIFY_NONE,
        .certificate = identity != NULL ? identity->certificate : NULL,
        .key = identity != NULL ? identity->key : NULL};
    assert_int_equal(tow_tls_context_new(&context, &settings, why), 0);
    return context;
}

static void expect_shown(struct world *world, tow_tls_context *client, const char *name, const char *shown) {
    struct peer peer;
    tow_tls_details details;
    peer_connect_secure(&peer, world, client);
    peer.name = name;
    peer_text(&peer, OPENING_OF("localhost", ""));
    peer_expect(&peer, "HTTP/1.1 101 ");
    assert_int_equal(tow_stream_tls_details(&peer.stream, &details), 0);
    assert_string_equal(details.subject, shown);
    peer_close(&peer);
}

static void certificates_may_come_from_memory(void **state) {
    (void)state;
    char *both = joined(second.certificate, second.key);
    const tow_certificate more = {.certificate_pem = both};
    const tow_certificate all[] = {
        {.certificate_pem = first.certificate, .key_pem = first.key}, {.certificate_pem = both}};
    const tow_server_options cases[] = {
        {.tls_certificate_pem = first.certificate,
            .tls_key_pem = first.key,
            .tls_certificates = &more,
            .tls_certificate_count = 1},
        {.tls_certificates = all, .tls_certificate_count = 2, .tls_client_ca_pem = authority.pem},
    };
    tow_tls_context *client = client_with(&client_identity);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        world_make(&world, &(tow_simulation_options){.seed = i}, &cases[i]);
        assert_int_equal(tow_server_route(world.server, "/echo", &(tow_handler){.on_message = echo}), 0);
        world_listen(&world);
        for (int turn = 0; turn < 2; turn++) {
            expect_shown(&world, client, NULL, "first");
            expect_shown(&world, client, "a.second.test", "second");
            expect_shown(&world, client, "second.test", "first");
            assert_int_equal(tow_server_reload(world.server), 0);
        }
        world_end(&world);
    }
    tow_tls_context_release(client);
    free(both);
}

static void authorities_of_clients_may_come_from_memory(void **state) {
    (void)state;
    char *list = authority_revoke(&authority, &client_identity);
    tow_server_options options = {.tls_certificate_pem = first.certificate,
        .tls_key_pem = first.key,
        .tls_client_ca_pem = authority.pem};
    for (int revokes = 0; revokes < 2; revokes++) {
        tow_tls_context *clients[] = {client_with(&client_identity), client_with(NULL)};
        struct world world;
        options.tls_client_crl_pem = revokes ? list : NULL;
        world_make(&world, &(tow_simulation_options){.seed = 3}, &options);
        assert_int_equal(tow_server_route(world.server, "/echo", &(tow_handler){.on_message = echo}), 0);
        world_listen(&world);
        if (!revokes)
            expect_shown(&world, clients[0], "localhost", "first");
        struct peer peer;
        peer_connect_secure(&peer, &world, clients[revokes ? 0 : 1]);
        peer_text(&peer, OPENING_OF("localhost", ""));
        world_run(&world, 1000);
        assert_false(peer_has(&peer, "HTTP/1.1"));
        assert_true(world_logged(&world, revokes ? "was revoked" : "did not return a certificate"));
        peer_close(&peer);
        world_end(&world);
        for (size_t i = 0; i < 2; i++)
            tow_tls_context_release(clients[i]);
    }
    free(list);
}

static void expect_no_server(const tow_server_options *options, const char *said) {
    tow_server *server;
    tow_buffer log = {0};
    tow_server_options noted = *options;
    noted.on_log = note;
    noted.log_user = &log;
    assert_int_equal(tow_server_new(&server, &noted), TOW_ERROR_CERTIFICATE);
    assert_int_equal(tow_buffer_append(&log, "", 1), 0);
    if (strstr((const char *)log.data, said) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", (const char *)log.data, said);
    tow_buffer_clear(&log);
}

static void a_key_of_another_certificate_is_refused(void **state) {
    (void)state;
    const char *const text = "this is not the certificate's key";
    const tow_certificate wrong = {.certificate_pem = second.certificate, .key_pem = first.key};
    const tow_certificate keyless = {.certificate_pem = second.certificate};
    expect_no_server(
        &(tow_server_options){.tls_certificate_pem = first.certificate, .tls_key_pem = second.key}, text);
    expect_no_server(&(tow_server_options){.tls_certificate_pem = first.certificate,
                         .tls_key_pem = first.key,
                         .tls_certificates = &wrong,
                         .tls_certificate_count = 1},
        text);
    expect_no_server(&(tow_server_options){.tls_certificates = &keyless, .tls_certificate_count = 1}, text);
}

/* Others, while it serves */

static void open_peer(struct peer *peer, struct world *world, tow_tls_context *client) {
    peer_connect_secure(peer, world, client);
    peer_text(peer, OPENING_OF("localhost", ""));
    peer_expect(peer, "HTTP/1.1 101 ");
}

static void expect_echo(struct peer *peer) {
    peer_frame(peer, 1, "still", 5);
    peer_expect_frame(peer, 1, "still", 5);
}

static void begin_with(struct world *world, uint64_t seed, const tow_server_options *options) {
    world_make(world, &(tow_simulation_options){.seed = seed}, options);
    assert_int_equal(tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo}), 0);
    world_listen(world);
}

static void certificates_change_and_connections_stay(void **state) {
    (void)state;
    const tow_certificate old = {.certificate_pem = first.certificate, .key_pem = first.key};
    const tow_certificate others[] = {{.certificate_pem = second.certificate, .key_pem = second.key},
        {.certificate_pem = first.certificate, .key_pem = first.key}};
    const tow_server_options cases[] = {{.tls_certificates = &old, .tls_certificate_count = 1},
        {.tls_self_signed = true}, {.tls_certificates = others, .tls_certificate_count = 2}};
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        tow_tls_context *client = client_with(NULL);
        struct world world;
        struct peer peer;
        begin_with(&world, i, &cases[i / 2]);
        open_peer(&peer, &world, client);
        assert_int_equal(tow_server_set_certificates(world.server, others, 1 + i % 2), 0);
        world_run(&world, 10);
        for (int turn = 0; turn < 2; turn++) {
            expect_shown(&world, client, NULL, "second");
            expect_shown(&world, client, "localhost", i % 2 == 0 ? "second" : "first");
            assert_int_equal(tow_server_reload(world.server), 0);
            world_run(&world, 10);
        }
        expect_echo(&peer);
        peer_close(&peer);
        world_end(&world);
        tow_tls_context_release(client);
    }
}

static void those_that_are_no_good_change_nothing(void **state) {
    (void)state;
    const tow_certificate bad[][2] = {
        {{.certificate_pem = second.certificate, .key_pem = first.key}},
        {{.certificate_pem = second.certificate, .key_pem = second.key}, {.certificate_pem = "no PEM"}},
        {{.certificate = "/nowhere/certificate.pem"}},
    };
    static const int errors[] = {TOW_ERROR_CERTIFICATE, TOW_ERROR_CERTIFICATE, TOW_ERROR_NO_FILE};
    const tow_certificate nothing = {.key_pem = second.key};
    tow_tls_context *client = client_with(NULL);
    struct world world;
    struct peer peer;
    begin_with(
        &world, 1, &(tow_server_options){.tls_certificate_pem = first.certificate, .tls_key_pem = first.key});
    open_peer(&peer, &world, client);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(tow_server_set_certificates(world.server, bad[i], i == 1 ? 2 : 1), errors[i]);
        expect_shown(&world, client, "a.second.test", "first");
    }
    assert_int_equal(tow_server_set_certificates(world.server, &nothing, 1), TOW_ERROR_ARGUMENT);
    assert_true(world_logged(&world, "certificate or certificate_pem"));
    assert_int_equal(tow_server_set_certificates(world.server, &nothing, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_server_set_certificates(world.server, NULL, 1), TOW_ERROR_ARGUMENT);
    expect_echo(&peer);
    peer_close(&peer);
    world_end(&world);
    tow_tls_context_release(client);
}

static void a_server_without_tls_gets_none(void **state) {
    (void)state;
    struct world world;
    const tow_certificate one = {.certificate_pem = first.certificate, .key_pem = first.key};
    begin_with(&world, 1, &(tow_server_options){0});
    assert_int_equal(tow_server_set_certificates(world.server, &one, 1), TOW_ERROR_STATE);
    world_end(&world);
}

static void *change_and_reload(void *server) {
    const tow_certificate both[] = {{.certificate_pem = first.certificate, .key_pem = first.key},
        {.certificate_pem = second.certificate, .key_pem = second.key}};
    for (int i = 0; i < 20; i++) {
        if (i % 3 == 0 && tow_server_reload(server) != 0)
            return server;
        if (tow_server_set_certificates(server, &both[i % 2], 1 + (i % 2 == 0)) != 0)
            return server;
    }
    return NULL;
}

static void any_thread_may_change_them(void **state) {
    (void)state;
    pthread_t threads[3];
    struct world world;
    tow_tls_context *client = client_with(NULL);
    begin_with(&world, 1, &(tow_server_options){.tls_self_signed = true, .log_level = TOW_LOG_ERROR});
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, change_and_reload, world.server), 0);
    for (int i = 0; i < 10; i++) {
        struct peer peer;
        open_peer(&peer, &world, client);
        expect_echo(&peer);
        peer_close(&peer);
    }
    for (int i = 0; i < 3; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    world_end(&world);
    tow_tls_context_release(client);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_origin_is_that_of_https),
        cmocka_unit_test(what_is_plain_is_redirected_if_that_is_wanted),
        cmocka_unit_test(a_reload_may_come_at_the_servers_end),
        cmocka_unit_test(lists_of_revoked_clients_need_authorities),
        cmocka_unit_test(certificates_may_come_from_memory),
        cmocka_unit_test(authorities_of_clients_may_come_from_memory),
        cmocka_unit_test(a_key_of_another_certificate_is_refused),
        cmocka_unit_test(certificates_change_and_connections_stay),
        cmocka_unit_test(those_that_are_no_good_change_nothing),
        cmocka_unit_test(a_server_without_tls_gets_none),
        cmocka_unit_test(any_thread_may_change_them),
    };
    return cmocka_run_group_tests(tests, make_identities, clear_identities);
}
