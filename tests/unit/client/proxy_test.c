/* A client that reaches its server through a proxy, of which the test decides every byte. */
#include "proxy_stage.h"

static const test_turn *script; /* ends with a NULL; then comes the opening handshake */

/* As far as the script goes, what came is the proxy's. */
static bool proxy_hears(test_stage *stage) {
    while (stage_turn(stage, &script)) {
    }
    return script->heard != NULL || stage->request_length == 0;
}

static char proxy_url[64];

static void open_with(test_stage *stage, const char *scheme, const test_turn *turns) {
    script = turns;
    stage->then_bytes = proxy_hears;
    stage_open(stage);
    snprintf(proxy_url, sizeof(proxy_url), "%s127.0.0.1:%d", scheme, stage->port);
    stage->options.proxy = proxy_url;
    snprintf(stage->url, sizeof(stage->url), "ws://far.example:8080/path");
    assert_int_equal(tow_websocket_open(&stage->socket, stage->loop, stage->url, &stage->options), 0);
}

#define CONNECT "CONNECT far.example:8080 HTTP/1.1\r\nHost: far.example:8080\r\n"

static void through_an_http_proxy(void **state) {
    static const test_turn turns[] = {TURN(CONNECT "\r\n", "HTTP/1.1 200 OK\r\n\r\n"), {0}};
    for (uint64_t seed = 0; seed < 30; seed++) {
        test_stage stage = {.simulation.seed = seed, .real = seed == 29};
        open_with(&stage, "http://", turns);
        stage_until(&stage, stage.opens == 1);
        assert_non_null(strstr(stage.request, "GET /path HTTP/1.1\r\nHost: far.example:8080\r\n"));
        stage_close(&stage);
    }
}

static void through_a_socks_proxy_with_password(void **state) {
    static const test_turn turns[] = {TURN("\5\2\0\2", "\5\2"), TURN("\1\2me\4pass", "\1\0"),
        TURN("\5\1\0\3\13far.example\x1f\x90", "\5\0\0\1\0\0\0\0\0\0"), {0}};
    for (uint64_t seed = 0; seed < 30; seed++) {
        test_stage stage = {.simulation.seed = seed, .real = seed == 29};
        open_with(&stage, "socks5h://me:pass@", turns);
        stage_until(&stage, stage.opens == 1);
        stage_close(&stage);
    }
}

static void a_proxys_refusal_is_the_error(void **state) {
    static const test_turn turns[] = {
        TURN(CONNECT "\r\n", "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), {0}};
    for (uint64_t seed = 0; seed < 10; seed++) {
        test_stage stage = {.simulation.seed = seed};
        char text[128];
        open_with(&stage, "http://", turns);
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_PROXY);
        assert_int_equal(stage.error.http_status, 407);
        snprintf(text, sizeof(text),
            "the proxy 127.0.0.1 port %d wants a user and a password: 407 Proxy Authentication Required",
            stage.port);
        assert_string_equal(stage.error_text, text);
        stage_close(&stage);
    }
}

static void expect_refusal(const test_turn *turns, int status, const char *said) {
    for (uint64_t seed = 0; seed < 30; seed++) {
        test_stage stage = {.simulation.seed = seed, .real = seed == 29};
        char text[128];
        open_with(&stage, "http://", turns);
        stage_until(&stage, stage.closes == 1);
        assert_int_equal(stage.error.error, TOW_ERROR_PROXY);
        assert_int_equal(stage.error.http_status, status);
        snprintf(text, sizeof(text), "the proxy 127.0.0.1 port %d answered %s", stage.port, said);
        assert_string_equal(stage.error_text, text);
        stage_close(&stage);
    }
}

static void what_a_proxys_refusal_says_is_told(void **state) {
    static const test_turn forbidden[] = {
        TURN(CONNECT "\r\n", "HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\n<p>not\nyou</p>"), {0}};
    static const test_turn found[] = {
        TURN(CONNECT "\r\n", "HTTP/1.1 302 Found\r\nLocation: http://p/\r\nContent-Length: 4\r\n\r\nmove"),
        {0}};
    expect_refusal(forbidden, 403, "403 Forbidden: <p>not you</p>");
    expect_refusal(found, 302, "302 Found: http://p/");
}

static void a_proxy_that_is_not_there_is_named(void **state) {
    static const test_turn turns[] = {{0}};
    test_stage stage = {.simulation.whole = true};
    char text[128];
    stage_open(&stage);
    stage.options.proxy = "socks5://127.0.0.1:9";
    script = turns;
    stage_connect(&stage, "/");
    stage_until(&stage, stage.closes == 1);
    snprintf(text, sizeof(text), "the proxy 127.0.0.1 port 9: connection refused");
    assert_string_equal(stage.error_text, text);
    stage_close(&stage);
}

static void a_proxy_may_vanish_at_any_time(void **state) {
    static const test_turn turns[] = {TURN("\5\1\0", "\5"), {0}};
    for (uint64_t seed = 0; seed < 10; seed++) {
        test_stage stage = {.simulation.seed = seed};
        open_with(&stage, "socks5://", turns);
        stage_until(&stage, script->heard == NULL);
        tow_stream_close(&stage.stream);
        stage_until(&stage, stage.closes == 1);
        assert_non_null(strstr(stage.error_text, "the proxy 127.0.0.1 port"));
        assert_int_equal(stage.error.error, TOW_ERROR_ENDED);
        stage_close(&stage);
    }
}

static void a_silent_proxy_is_given_up(void **state) {
    static const test_turn turns[] = {TURN("\5\1\0", "\5"), {0}};
    test_stage stage = {.simulation.whole = true, .options.connect_seconds = 3};
    open_with(&stage, "socks5://", turns);
    stage_until(&stage, stage.closes == 1);
    assert_int_equal(stage.error.error, TOW_ERROR_TIMED_OUT);
    assert_string_equal(stage.error_text, "the proxy 127.0.0.1 did not reach the server within 3 seconds");
    stage_close(&stage);
}

/* Polls would need the same tunnel. */
static void where_polls_need_it_too_a_slow_proxy_has_its_time(void **state) {
    static const test_turn turns[] = {TURN("\5\1\0", "\5"), {0}};
    test_stage stage = {.simulation.whole = true, .options = {.connect_seconds = 20, .fallback = true}};
    open_with(&stage, "socks5://", turns);
    stage_until(&stage, stage.closes == 1);
    assert_int_equal(stage.error.error, TOW_ERROR_TIMED_OUT);
    assert_string_equal(stage.error_text, "the proxy 127.0.0.1 did not reach the server within 20 seconds");
    stage_close(&stage);
}

static void a_socket_may_be_freed_while_the_proxy_is_asked(void **state) {
    static const test_turn turns[] = {
        TURN("\5\1\0", "\5\0"), TURN("\5\1\0\3\13far.example\x1f\x90", "\5\0\0\1\0\0\0\0\0\0"), {0}};
    for (uint64_t seed = 0; seed < 40; seed++) {
        test_stage stage = {.simulation.seed = seed};
        open_with(&stage, "socks5://", turns);
        for (uint64_t i = 0; i < seed; i++)
            stage_step(&stage);
        size_t heard = stage.opens;
        tow_websocket_free(stage.socket);
        stage.socket = NULL;
        stage_run(&stage, TOW_SECOND);
        assert_int_equal(stage.opens + stage.errors + stage.closes, heard);
        stage_close(&stage);
    }
}

static void what_is_no_proxy_is_refused_at_once(void **state) {
    static const struct {
        const char *proxy, *path;
        int error;
    } cases[] = {{"socks4://p", NULL, TOW_ERROR_UNSUPPORTED}, {"http://p:x", NULL, TOW_ERROR_ARGUMENT},
        {"http://p", "/socket", TOW_ERROR_ARGUMENT}};
    for (size_t i = 0; i < 3; i++) {
        test_stage stage = {.simulation.whole = true};
        stage_open(&stage);
        stage.options.proxy = cases[i].proxy;
        stage.options.unix_path = cases[i].path;
        assert_int_equal(
            tow_websocket_open(&stage.socket, stage.loop, "ws://localhost/", &stage.options), cases[i].error);
        stage_close(&stage);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(through_an_http_proxy),
        cmocka_unit_test(through_a_socks_proxy_with_password),
        cmocka_unit_test(a_proxys_refusal_is_the_error),
        cmocka_unit_test(what_a_proxys_refusal_says_is_told),
        cmocka_unit_test(a_proxy_that_is_not_there_is_named),
        cmocka_unit_test(a_proxy_may_vanish_at_any_time),
        cmocka_unit_test(a_silent_proxy_is_given_up),
        cmocka_unit_test(where_polls_need_it_too_a_slow_proxy_has_its_time),
        cmocka_unit_test(a_socket_may_be_freed_while_the_proxy_is_asked),
        cmocka_unit_test(what_is_no_proxy_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
