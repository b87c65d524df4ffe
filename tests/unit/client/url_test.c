/* ws://HOST[:PORT][/PATH][?QUERY] */
#include "../unit.h"

#include "client/url.h"

#include <towline/error.h>

typedef struct url_case {
    const char *text;
    const char *host;
    int port;
    const char *target;
    const char *normal;
} url_case;

static void urls_are_read(void **state) {
    static const url_case cases[] = {
        {"ws://localhost", "localhost", 80, "/", "ws://localhost/"},
        {"ws://localhost:9998/echo", "localhost", 9998, "/echo", "ws://localhost:9998/echo"},
        {"WS://LocalHost:80/Echo", "localhost", 80, "/Echo", "ws://localhost/Echo"},
        {"ws://127.0.0.1:1?", "127.0.0.1", 1, "/?", "ws://127.0.0.1:1/?"},
        {"ws://[::1]:65535/a/b?c=d&e", "[::1]", 65535, "/a/b?c=d&e", "ws://[::1]:65535/a/b?c=d&e"},
        {"ws://[::1]", "[::1]", 80, "/", "ws://[::1]/"},
        {"ws://example.com:/x", "example.com", 80, "/x", "ws://example.com/x"},
        {"ws://example.com?query/with/slashes", "example.com", 80, "/?query/with/slashes",
            "ws://example.com/?query/with/slashes"},
        {"ws://h/a b\"<>`{}|\\^c", "h", 80, "/a%20b%22%3C%3E%60%7B%7D%7C%5C%5Ec",
            "ws://h/a%20b%22%3C%3E%60%7B%7D%7C%5C%5Ec"},
        {"ws://h/%41%zz?\xc3\xbc", "h", 80, "/%41%zz?%C3%BC", "ws://h/%41%zz?%C3%BC"},
        {"ws://h/a@b:c", "h", 80, "/a@b:c", "ws://h/a@b:c"},
        {"ws://h//double", "h", 80, "//double", "ws://h//double"},
        {"ws://h:00080", "h", 80, "/", "ws://h/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_url url;
        const char *why = "no reason";
        assert_int_equal(tow_url_read(&url, cases[i].text, &why), 0);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.target, cases[i].target);
        assert_string_equal(url.text, cases[i].normal);
        assert_string_equal(why, "no reason");
        tow_url_clear(&url);
        tow_url_clear(&url);
    }
}

static void what_is_no_url_is_refused_with_a_reason(void **state) {
    static const char *const texts[] = {"", "ws", "ws:", "ws:/", "ws://", "ws:///path", "ws://:80/",
        "http://localhost/", "//localhost", "localhost:9998", " ws://localhost", "ws://localhost:0",
        "ws://localhost:65536", "ws://localhost:99999999999999999999", "ws://localhost:8x",
        "ws://localhost:-1", "ws://localhost:+1", "ws://localhost/#", "ws://localhost#fragment",
        "ws://localhost?q#f", "ws://user@localhost/", "ws://user:secret@localhost/", "ws://[::1",
        "ws://[::1]x/", "ws://[]/", "ws://[1.2.3.4]/", "ws://::1/", "ws://a b/", "ws://a%20b/", "ws://h/\n",
        "ws://h/\t", "ws://h/\x7f", "ws://h\r\nX: y/", "ws://\xc3\xbc/", "ws://h\\x",
        "ws://(\xd1.localhost/"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tow_url url = {0};
        const char *why = NULL;
        if (tow_url_read(&url, texts[i], &why) != TOW_ERROR_URL)
            fail_msg("taken: %s", texts[i]);
        assert_non_null(why);
        assert_null(url.text);
        assert_int_equal(tow_url_read(&url, texts[i], NULL), TOW_ERROR_URL);
    }
}

static void wss_is_refused_clearly(void **state) {
    tow_url url;
    const char *why = NULL;
    assert_int_equal(tow_url_read(&url, "wss://localhost/", &why), TOW_ERROR_UNSUPPORTED);
    assert_non_null(strstr(why, "TLS"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(what_is_no_url_is_refused_with_a_reason),
        cmocka_unit_test(wss_is_refused_clearly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
