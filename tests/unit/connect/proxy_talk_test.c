#include "../unit.h"
#include "turn.h"

#include "connect/proxy_talk.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct talk_case {
    const char *url, *host;
    uint16_t port;
    test_turn turns[4];
    int result;
    int status;
    const char *text;
} talk_case;

static void begin(tow_proxy_talk *talk, tow_proxy *proxy, const talk_case *one) {
    assert_int_equal(tow_proxy_read(proxy, one->url, NULL), 0);
    assert_int_equal(tow_proxy_talk_begin(talk, proxy, one->host, one->port), 0);
}

static void hear(tow_proxy_talk *talk, const test_turn *turn) {
    assert_int_equal(talk->output.length, turn->heard_length);
    assert_memory_equal(talk->output.data, turn->heard, turn->heard_length);
    tow_buffer_consume(&talk->output, talk->output.length);
}

/* In pieces of `step` bytes; what follows the last turn belongs to the target. */
static void run(const talk_case *one, size_t step, const char *rest) {
    tow_proxy proxy;
    tow_proxy_talk talk;
    begin(&talk, &proxy, one);
    int result = 0;
    for (const test_turn *turn = one->turns; turn->heard != NULL; turn++) {
        hear(&talk, turn);
        bool is_last = turn[1].heard == NULL;
        char bytes[1024];
        size_t length = turn->says_length;
        memcpy(bytes, turn->says, length);
        if (is_last)
            length += (size_t)snprintf(bytes + length, sizeof(bytes) - length, "%s", rest);
        for (size_t at = 0; at < length && result == 0; at += step) {
            size_t part = step < length - at ? step : length - at;
            uint8_t *copy = malloc(part); /* reading beyond is seen */
            memcpy(copy, bytes + at, part);
            size_t used = 77;
            result = tow_proxy_talk_read(&talk, copy, part, &used);
            if (result == 1)
                assert_int_equal(at + used, turn->says_length);
            free(copy);
        }
        assert_true(result == 0 || is_last);
    }
    assert_int_equal(result, one->result);
    if (result < 0) {
        assert_string_equal(talk.text, one->text);
        assert_int_equal(talk.status, one->status);
    }
    tow_proxy_talk_clear(&talk);
    tow_proxy_clear(&proxy);
}

static void run_all(const talk_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t step = 1; step < 300; step += step < 70 ? 1 : 40) {
            run(&cases[i], step, "");
            if (cases[i].result == 1)
                run(&cases[i], step, "what the target says");
        }
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void connect_opens_a_tunnel(void **state) {
    static const talk_case cases[] = {
        {"http://p:1", "example.com", 80,
            {TURN("CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n",
                "HTTP/1.1 200 OK\r\n\r\n")},
            1, 0, NULL},
        {"http://p:1", "[::1]", 9998,
            {TURN("CONNECT [::1]:9998 HTTP/1.1\r\nHost: [::1]:9998\r\n\r\n",
                "HTTP/1.0 200 Connection established\r\nProxy-Agent: tiny\r\n\r\n")},
            1, 0, NULL},
        {"http://p:1", "h", 1,
            {TURN("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 299 Fine\r\nContent-Length: 4\r\n\r\n")},
            1, 0, NULL},
        {"http://Aladdin:open sesame@p:1", "h", 1,
            {TURN("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic "
                  "QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
                "HTTP/1.1 200 OK\r\n\r\n")},
            1, 0, NULL},
    };
    run_all(cases, COUNT(cases));
}

static void connect_is_refused_with_the_proxys_status(void **state) {
    static const test_turn asked = TURN("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", "");
    talk_case cases[] = {
        {"http://p:8", "h", 1, {TURN("", "HTTP/1.1 403 Filtered\r\nContent-Length: 3\r\n\r\nabc")},
            TOW_ERROR_PROXY, 403, "the proxy p port 8 answered 403 Filtered"},
        {"http://p:8", "h", 1,
            {TURN("", "HTTP/1.1 302 Go\r\nLocation: http://portal/\r\nContent-Length: 3\r\n\r\nabc")},
            TOW_ERROR_PROXY, 302, "the proxy p port 8 answered 302 Go: http://portal/"},
        {"http://p:8", "h", 1, {TURN("", "HTTP/1.1 502 \r\n\r\n")}, TOW_ERROR_PROXY, 502,
            "the proxy p port 8 answered 502"},
        {"http://p:8", "h", 1,
            {TURN("", "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n")}, TOW_ERROR_PROXY,
            407, "the proxy p port 8 wants a user and a password: 407 Auth"},
        {"http://p:8", "h", 1, {TURN("", "SSH-2.0-x\r\n")}, TOW_ERROR_HTTP_SYNTAX, 0,
            "the proxy p port 8 answered with something else than HTTP"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        cases[i].turns[0].heard = asked.heard;
        cases[i].turns[0].heard_length = asked.heard_length;
    }
    run_all(cases, COUNT(cases));
    static const talk_case wrong[] = {{"http://u:p@p:8", "h", 1,
        {TURN("CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic dTpw\r\n\r\n",
            "HTTP/1.1 407 No\r\n\r\n")},
        TOW_ERROR_PROXY, 407, "the proxy p port 8 does not accept the user and password: 407 No"}};
    run_all(wrong, 1);
}

static void a_head_without_end_is_refused(void **state) {
    tow_proxy proxy;
    tow_proxy_talk talk;
    static const talk_case one = {.url = "http://p", .host = "h", .port = 1};
    begin(&talk, &proxy, &one);
    size_t used, sent = 0;
    int result = tow_proxy_talk_read(&talk, (const uint8_t *)"HTTP/1.1 200 OK\r\nX: ", 20, &used);
    for (; result == 0 && sent < 100000; sent++)
        result = tow_proxy_talk_read(&talk, (const uint8_t *)"x", 1, &used);
    assert_int_equal(result, TOW_ERROR_HTTP_TOO_LARGE);
    assert_true(sent > 16000 && sent < 17000);
    tow_proxy_talk_clear(&talk);
    tow_proxy_clear(&proxy);
}

static void socks_names_the_target(void **state) {
    static const talk_case cases[] = {
        {"socks5://p", "example.com", 0x1234,
            {TURN("\5\1\0", "\5\0"), TURN("\5\1\0\3\13example.com\x12\x34", "\5\0\0\1\x7f\0\0\1\0\x50")}, 1,
            0, NULL},
        {"socks5h://p", "192.0.2.1", 80,
            {TURN("\5\1\0", "\5\0"), TURN("\5\1\0\1\xc0\0\2\1\0\x50", "\5\0\0\4----------------pp")}, 1, 0,
            NULL},
        {"socks5h://p", "[::1]", 80,
            {TURN("\5\1\0", "\5\0"),
                TURN("\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50", "\5\0\0\3\4namepp")},
            1, 0, NULL},
        {"socks5h://p", "localhost", 80,
            {TURN("\5\1\0", "\5\0"), TURN("\5\1\0\3\11localhost\0\x50", "\5\0\0\3\0pp")}, 1, 0, NULL},
    };
    run_all(cases, COUNT(cases));
}

static void socks_tells_user_and_password_when_asked(void **state) {
    static const talk_case cases[] = {
        {"socks5://me:pass@p", "h", 80,
            {TURN("\5\2\0\2", "\5\2"), TURN("\1\2me\4pass", "\1\0"),
                TURN("\5\1\0\3\1h\0\x50", "\5\0\0\1\0\0\0\0\0\0")},
            1, 0, NULL},
        {"socks5://me:pass@p", "h", 80,
            {TURN("\5\2\0\2", "\5\0"), TURN("\5\1\0\3\1h\0\x50", "\5\0\0\1\0\0\0\0\0\0")}, 1, 0, NULL},
        {"socks5://me:pass@p", "h", 80, {TURN("\5\2\0\2", "\5\2"), TURN("\1\2me\4pass", "\1\1")},
            TOW_ERROR_PROXY, 0, "the proxy p port 1080 does not accept the user and password"},
        {"socks5://me:pass@p", "h", 80, {TURN("\5\2\0\2", "\5\xff")}, TOW_ERROR_PROXY, 0,
            "the proxy p port 1080 wants another authentication than user and password"},
        {"socks5://p", "h", 80, {TURN("\5\1\0", "\5\xff")}, TOW_ERROR_PROXY, 0,
            "the proxy p port 1080 wants a user and a password"},
        {"socks5://p", "h", 80, {TURN("\5\1\0", "\5\2")}, TOW_ERROR_PROXY, 0,
            "the proxy p port 1080 answered with something else than SOCKS 5"},
        {"socks5://p", "h", 80, {TURN("\5\1\0", "HTTP/1.1 400 Bad Request")}, TOW_ERROR_PROXY, 0,
            "the proxy p port 1080 answered with something else than SOCKS 5"},
    };
    run_all(cases, COUNT(cases));
}

static void socks_tells_why_the_target_was_not_reached(void **state) {
    static const struct {
        int error;
        const char *text;
    } replies[] = {
        {TOW_ERROR_PROXY, "the proxy p port 1080 did not reach h port 80: general failure"},
        {TOW_ERROR_PROXY, "the proxy p port 1080 did not reach h port 80: not allowed by its rules"},
        {TOW_ERROR_UNREACHABLE, "the proxy p port 1080 did not reach h port 80: network unreachable"},
        {TOW_ERROR_UNREACHABLE, "the proxy p port 1080 did not reach h port 80: host unreachable"},
        {TOW_ERROR_REFUSED, "the proxy p port 1080 did not reach h port 80: connection refused"},
        {TOW_ERROR_TIMED_OUT, "the proxy p port 1080 did not reach h port 80: time to live expired"},
        {TOW_ERROR_PROXY, "the proxy p port 1080 did not reach h port 80: it can't connect"},
        {TOW_ERROR_PROXY,
            "the proxy p port 1080 did not reach h port 80: it does not know this kind of address"},
        {TOW_ERROR_PROXY, "the proxy p port 1080 did not reach h port 80: reply 9"},
    };
    for (size_t i = 0; i < COUNT(replies); i++) {
        char reply[] = {5, (char)(i + 1), 0, 1, 0, 0, 0, 0, 0, 0};
        const talk_case one = {"socks5://p", "h", 80,
            {TURN("\5\1\0", "\5\0"), {"\5\1\0\3\1h\0\x50", 8, reply, sizeof(reply)}}, replies[i].error, 0,
            replies[i].text};
        run_all(&one, 1);
    }
    static const talk_case strange[] = {
        {"socks5://p", "h", 80, {TURN("\5\1\0", "\5\0"), TURN("\5\1\0\3\1h\0\x50", "\5\0\0\2\0\0\0")},
            TOW_ERROR_PROXY, 0, "the proxy p port 1080 answered with something else than SOCKS 5"},
        {"socks5://p", "h", 80, {TURN("\5\1\0", "\5\0"), TURN("\5\1\0\3\1h\0\x50", "\4\0\0\1\0\0\0")},
            TOW_ERROR_PROXY, 0, "the proxy p port 1080 answered with something else than SOCKS 5"},
    };
    run_all(strange, COUNT(strange));
}

static void a_name_that_is_too_long_for_socks_is_refused(void **state) {
    tow_proxy proxy;
    tow_proxy_talk talk;
    char host[257] = "";
    assert_int_equal(tow_proxy_read(&proxy, "socks5://p", NULL), 0);
    memset(host, 'x', 255);
    assert_int_equal(tow_proxy_talk_begin(&talk, &proxy, host, 1), 0);
    tow_proxy_talk_clear(&talk);
    host[255] = 'x';
    assert_int_equal(tow_proxy_talk_begin(&talk, &proxy, host, 1), TOW_ERROR_ARGUMENT);
    tow_proxy_clear(&proxy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connect_opens_a_tunnel),
        cmocka_unit_test(connect_is_refused_with_the_proxys_status),
        cmocka_unit_test(a_head_without_end_is_refused),
        cmocka_unit_test(socks_names_the_target),
        cmocka_unit_test(socks_tells_user_and_password_when_asked),
        cmocka_unit_test(socks_tells_why_the_target_was_not_reached),
        cmocka_unit_test(a_name_that_is_too_long_for_socks_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
