/* wss and proxies: TLS through a proxy, to a proxy, and both, one inside of the other. */
#include "proxy_stage.h"

#include <unistd.h>

enum { SEEDS = 16 };

static proxy_identities ends;
static char roots[32];

static int make_files(void **state) {
    (void)state;
    proxy_identities_make(&ends);
    snprintf(roots, sizeof(roots), "/tmp/towline-test-XXXXXX");
    int fd = mkstemp(roots);
    assert_int_equal(write(fd, ends.authority.pem, strlen(ends.authority.pem)), strlen(ends.authority.pem));
    close(fd);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(roots);
    proxy_identities_clear(&ends);
    return 0;
}

static const test_turn *script; /* behind its last turn the stream is the server's */
static SSL_CTX *server_secret;  /* NULL: the server speaks none */
static bool is_silent;          /* the server, once the proxy has let the client through */

static bool proxy_hears(test_stage *stage) {
    while (stage_turn(stage, &script))
        if (script->heard == NULL && server_secret != NULL)
            stage_secure(stage, server_secret);
    return script->heard != NULL || stage->request_length == 0 || is_silent;
}

static char proxy_url[64];

static void open_through(test_stage *stage, const char *scheme, const test_turn *turns, const char *url) {
    script = turns;
    is_silent = false;
    server_secret = strncmp(url, "wss", 3) == 0 ? ends.far_secret : NULL;
    stage->then_bytes = proxy_hears;
    stage->secret = strncmp(scheme, "https", 5) == 0 ? ends.proxy_secret : NULL;
    stage->options.tls_roots = roots;
    stage_open(stage);
    snprintf(proxy_url, sizeof(proxy_url), "%s127.0.0.1:%d", scheme, stage->port);
    stage->options.proxy = proxy_url;
    assert_int_equal(tow_websocket_open(&stage->socket, stage->loop, url, &stage->options), 0);
}

#define CONNECT_SECURE "CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n"
#define CONNECT_PLAIN "CONNECT far.example:80 HTTP/1.1\r\nHost: far.example:80\r\n"
#define OK "HTTP/1.1 200 OK\r\n\r\n"

static const test_turn connect_secure[] = {TURN(CONNECT_SECURE "\r\n", OK), {0}};
static const test_turn connect_plain[] = {TURN(CONNECT_PLAIN "\r\n", OK), {0}};
static const test_turn socks[] = {
    TURN("\5\1\0", "\5\0"), TURN("\5\1\0\3\13far.example\1\xbb", "\5\0\0\1\0\0\0\0\0\0"), {0}};

static const struct {
    const char *scheme;
    const test_turn *turns;
    const char *url;
    size_t layers;
} ways[] = {
    {"http://", connect_secure, "wss://far.example/path", 1},
    {"socks5h://", socks, "wss://far.example/path", 1},
    {"https://", connect_plain, "ws://far.example/path", 1},
    {"https://", connect_secure, "wss://far.example/path", 2},
};

static void each_way_leads_to_the_server(void **state) {
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_stage stage = {.simulation.seed = seed, .real = seed % 8 == 7};
            open_through(&stage, ways[way].scheme, ways[way].turns, ways[way].url);
            stage_until(&stage, stage.opens == 1);
            assert_int_equal(stage.layer_count, ways[way].layers);
            assert_non_null(strstr(stage.request, "GET /path HTTP/1.1\r\nHost: far.example\r\n"));
            assert_true(tow_websocket_send(stage.socket, TOW_TEXT, "hello", 5) >= 0);
            stage_until(&stage, stage.request_length == stage.head_length + 11);
            stage_say(&stage, "\x81\x05world", 7);
            stage_until(&stage, stage.messages == 1);
            assert_string_equal(stage.last_message, "world");
            stage_close(&stage);
        }
}

/* The proxy has the network in its hands, and no more. */
static void a_proxy_can_not_be_the_server(void **state) {
    static const struct {
        const char *scheme;
        const test_turn *turns;
    } cases[] = {{"http://", connect_secure}, {"socks5://", socks}, {"https://", connect_secure}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_stage stage = {.simulation.seed = i};
        open_through(&stage, cases[i].scheme, cases[i].turns, "wss://far.example/");
        server_secret = ends.proxy_secret;
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_CERTIFICATE);
        assert_string_equal(
            stage.error_text, "the certificate of far.example is for another host: 127.0.0.1");
        assert_int_equal(stage.request_length, 0);
        stage_close(&stage);
    }
}

static void a_proxys_certificate_is_told_as_the_proxys(void **state) {
    char text[200];
    for (size_t i = 0; i < 2; i++) {
        test_stage stage = {.simulation.seed = i};
        open_through(&stage, "https://", connect_secure, i == 0 ? "ws://far.example/" : "wss://far.example/");
        stage.secret = ends.far_secret;
        stage_until(&stage, stage.closes == 1);
        snprintf(text, sizeof(text),
            "the proxy 127.0.0.1 port %d: the certificate of 127.0.0.1 is for another host: far.example",
            stage.port);
        assert_string_equal(stage.error_text, text);
        assert_int_equal(stage.error.error, TOW_ERROR_CERTIFICATE);
        stage_close(&stage);
    }
}

static void a_proxy_without_tls_is_told(void **state) {
    test_stage stage = {.simulation.seed = 3};
    static const test_turn turns[] = {TURN("\x16\x03", "HTTP/1.1 400 Bad Request\r\n\r\n"), {0}};
    char text[200];
    open_through(&stage, "https://", turns, "ws://far.example/");
    stage.secret = NULL;
    is_silent = true;
    stage_until(&stage, stage.closes == 1);
    snprintf(text, sizeof(text), "the proxy 127.0.0.1 port %d: TLS: the peer does not speak TLS", stage.port);
    assert_string_equal(stage.error_text, text);
    assert_int_equal(stage.error.error, TOW_ERROR_TLS);
    stage_close(&stage);
}

static void a_refusal_comes_through_tls(void **state) {
    static const test_turn turns[] = {TURN(CONNECT_SECURE "\r\n", "HTTP/1.1 403 Forbidden\r\n\r\n"), {0}};
    test_stage stage = {.simulation.seed = 5};
    char text[100];
    open_through(&stage, "https://", turns, "wss://far.example/");
    server_secret = NULL;
    stage_until(&stage, stage.closes == 1);
    snprintf(text, sizeof(text), "the proxy 127.0.0.1 port %d answered 403 Forbidden", stage.port);
    assert_string_equal(stage.error_text, text);
    assert_int_equal(stage.error.error, TOW_ERROR_PROXY);
    assert_int_equal(stage.error.http_status, 403);
    stage_close(&stage);
}

/* Time. */

static void expect_delay(test_stage *stage, const char *text) {
    stage_until(stage, stage->closes == 1);
    assert_string_equal(stage->error_text, text);
    assert_int_equal(stage->error.error, TOW_ERROR_TIMED_OUT);
    stage_close(stage);
}

static void what_was_not_done_in_time_is_told(void **state) {
    static const test_turn none[] = {{0}};
    test_stage first = {.simulation.whole = true, .options.connect_seconds = 2};
    open_through(&first, "https://", none, "wss://far.example/");
    first.secret = NULL;
    is_silent = true;
    expect_delay(&first, "the TLS handshake with the proxy 127.0.0.1 was not finished within 2 seconds");
    test_stage second = {.simulation.whole = true, .options.connect_seconds = 2};
    open_through(&second, "https://", none, "wss://far.example/");
    is_silent = true;
    expect_delay(&second, "the proxy 127.0.0.1 did not reach the server within 2 seconds");
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        test_stage third = {.simulation.whole = true, .options.connect_seconds = 2};
        open_through(&third, ways[way].scheme, ways[way].turns, ways[way].url);
        bool secure = server_secret != NULL;
        server_secret = NULL;
        is_silent = true;
        expect_delay(&third, secure ? "the TLS handshake with far.example was not finished within 2 seconds"
                                    : "no answer to the opening handshake within 2 seconds");
    }
}

/* Ends. */

static void a_peer_may_vanish_at_each_step(void **state) {
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
        for (uint64_t steps = 1; steps < 60; steps++) {
            test_stage stage = {.simulation.seed = steps / 4};
            open_through(&stage, ways[way].scheme, ways[way].turns, ways[way].url);
            for (uint64_t i = 0; i < steps || !stage.adopted; i++)
                stage_step(&stage);
            if (steps % 2 == 0)
                tow_stream_reset(&stage.stream);
            else
                tow_stream_close(&stage.stream);
            stage_until(&stage, stage.closes == 1);
            assert_int_equal(stage.errors, 1);
            stage_close(&stage);
        }
}

static void a_socket_may_be_freed_at_each_step(void **state) {
    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++)
        for (uint64_t steps = 0; steps < 60; steps++) {
            test_stage stage = {.simulation.seed = steps / 4};
            open_through(&stage, ways[way].scheme, ways[way].turns, ways[way].url);
            for (uint64_t i = 0; i < steps; i++)
                stage_step(&stage);
            size_t heard = stage.opens;
            tow_websocket_free(stage.socket);
            stage.socket = NULL;
            stage_run(&stage, 3 * TOW_SECOND);
            assert_int_equal(stage.opens + stage.errors + stage.closes, heard);
            stage_close(&stage);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_way_leads_to_the_server),
        cmocka_unit_test(a_proxy_can_not_be_the_server),
        cmocka_unit_test(a_proxys_certificate_is_told_as_the_proxys),
        cmocka_unit_test(a_proxy_without_tls_is_told),
        cmocka_unit_test(a_refusal_comes_through_tls),
        cmocka_unit_test(what_was_not_done_in_time_is_told),
        cmocka_unit_test(a_peer_may_vanish_at_each_step),
        cmocka_unit_test(a_socket_may_be_freed_at_each_step),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
