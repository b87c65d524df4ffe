#include "../unit.h"

#include "tunnel_ends.h"

#include <towline/error.h>

static void a_listen_is_a_scheme_an_address_and_a_path(void **state) {
    static const struct {
        const char *text;
        bool is_websocket, is_secure;
        const char *address, *path;
    } cases[] = {
        {"ws://localhost:6080/websockify", true, false, "localhost:6080", "/websockify"},
        {"WS://9000", true, false, "9000", "/"},
        {"ws://9000/a/b", true, false, "9000", "/a/b"},
        {"wss://*:443/x", true, true, "*:443", "/x"},
        {"ws://localhost", true, false, "localhost:80", "/"},
        {"wss://[::1]/", true, true, "[::1]:443", "/"},
        {"wss://[::1]:99/", true, true, "[::1]:99", "/"},
        {"tcp:2222", false, false, "2222", ""},
        {"tcp:127.0.0.1:0", false, false, "127.0.0.1:0", ""},
        {"unix:/run/x", false, false, "unix:/run/x", ""},
        {"ws://fd:3/x", true, false, "fd:3", "/x"},
        {"wss://systemd/", true, true, "systemd", "/"},
        {"ws://systemd", true, false, "systemd", "/"},
        {"ws://systemd:web/a", true, false, "systemd:web", "/a"},
        {"fd:3", false, false, "fd:3", ""},
        {"systemd", false, false, "systemd", ""},
        {"systemd:web", false, false, "systemd:web", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_tunnel_listen listen;
        const char *why = "";
        if (tow_tunnel_listen_read(&listen, cases[i].text, &why) != 0)
            fail_msg("'%s': %s", cases[i].text, why);
        assert_int_equal(listen.is_websocket, cases[i].is_websocket);
        assert_int_equal(listen.is_secure, cases[i].is_secure);
        assert_string_equal(listen.address, cases[i].address);
        assert_string_equal(listen.path, cases[i].path);
    }
}

static void what_is_none_is_refused_with_a_reason(void **state) {
    static const char *const texts[] = {"", "localhost:80", "http://x", "ws:/x", "ws://", "ws:///x",
        "ws://example.org:80/", "ws://localhost:70000/", "ws://localhost:1/a?b", "ws://localhost:1/a#b",
        "ws://localhost:1/*", "ws://localhost:1/a b", "ws://localhost:1/\xc3\xa4", "tcp:", "tcp:x:y",
        "unix:", "fd:", "fd:x", "fd:-1", "systemd:", "ws://fd:/x", "ws://systemd:/x"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_tunnel_listen listen;
        const char *why = NULL;
        if (tow_tunnel_listen_read(&listen, texts[i], &why) != TOW_ERROR_ARGUMENT || why == NULL)
            fail_msg("'%s' was taken", texts[i]);
    }
}

static void what_is_too_long_is_refused_at_its_limit(void **state) {
    char text[TOW_TUNNEL_PATH_MAX + 100] = "ws://localhost:1/";
    const size_t path = strlen(text) - 1;
    tow_tunnel_listen listen;
    const char *why;
    memset(text + path + 1, 'p', TOW_TUNNEL_PATH_MAX - 2);
    assert_int_equal(tow_tunnel_listen_read(&listen, text, &why), 0);
    assert_int_equal(strlen(listen.path), TOW_TUNNEL_PATH_MAX - 1);
    text[path + TOW_TUNNEL_PATH_MAX - 1] = 'p';
    assert_int_equal(tow_tunnel_listen_read(&listen, text, &why), TOW_ERROR_ARGUMENT);
    char address[TOW_TUNNEL_LISTEN_MAX + 100] = "tcp:";
    memset(address + 4, '1', TOW_TUNNEL_LISTEN_MAX + 50);
    assert_int_equal(tow_tunnel_listen_read(&listen, address, &why), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listen_is_a_scheme_an_address_and_a_path),
        cmocka_unit_test(what_is_none_is_refused_with_a_reason),
        cmocka_unit_test(what_is_too_long_is_refused_at_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
