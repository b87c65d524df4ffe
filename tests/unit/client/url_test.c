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
    bool secure;
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
        {"ws://h:00080", "h", 80, "/", "ws://h/", false},
        {"wss://localhost", "localhost", 443, "/", "wss://localhost/", true},
        {"WSS://h:443/x", "h", 443, "/x", "wss://h/x", true},
        {"wss://h:80", "h", 80, "/", "wss://h:80/", true},
        {"ws://h:443", "h", 443, "/", "ws://h:443/", false},
        {"http://h:80/x?y", "h", 80, "/x?y", "ws://h/x?y", false},
        {"https://h", "h", 443, "/", "wss://h/", true},
        {"HTTPS://H:8443/p", "h", 8443, "/p", "wss://h:8443/p", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_url url;
        const char *why = "no reason";
        assert_int_equal(tow_url_read(&url, cases[i].text, &why), 0);
        assert_string_equal(url.host, cases[i].host);
        assert_int_equal(url.port, cases[i].port);
        assert_string_equal(url.target, cases[i].target);
        assert_string_equal(url.text, cases[i].normal);
        assert_int_equal(url.secure, cases[i].secure);
        assert_memory_equal(strstr(url.text, "://") + 3, url.authority, strlen(url.authority));
        assert_null(url.user);
        assert_string_equal(why, "no reason");
        tow_url_clear(&url);
        tow_url_clear(&url);
    }
}

static void what_is_no_url_is_refused_with_a_reason(void **state) {
    static const char *const texts[] = {"", "ws", "ws:", "ws:/", "ws://", "ws:///path", "ws://:80/",
        "ftp://localhost/", "wsss://localhost/", "//localhost", "localhost:9998", " ws://localhost",
        "ws://localhost:0", "ws://localhost:65536", "ws://localhost:99999999999999999999",
        "ws://localhost:8x", "ws://localhost:-1", "ws://localhost:+1", "ws://localhost/#",
        "ws://localhost#fragment", "ws://localhost?q#f", "wss://h/#", "ws://user@", "ws://user@/path",
        "ws://u%@h/", "ws://u%4@h/", "ws://u%zz@h/", "ws://u%00@h/", "ws://u:%00@h/", "ws://a%3Ab:c@h/",
        "ws://a%0Ab@h/", "ws://a:b%7f@h/", "ws://a:b\x01@h/", "ws://a@[::1", "ws://[::1", "ws://[::1]x/",
        "ws://[]/", "ws://[1.2.3.4]/", "ws://::1/", "ws://a b/", "ws://a%20b/", "ws://h/\n", "ws://h/\t",
        "ws://h/\x7f", "ws://h\r\nX: y/", "ws://\xc3\xbc/", "ws://h\\x", "ws://(\xd1.localhost/"};
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

static void a_user_is_read_and_not_shown(void **state) {
    static const struct {
        const char *text, *user, *password, *normal;
    } cases[] = {
        {"ws://me:pass@h/x", "me", "pass", "ws://h/x"},
        {"wss://me@h", "me", "", "wss://h/"},
        {"ws://:pass@h", "", "pass", "ws://h/"},
        {"ws://me:@h:8080/", "me", "", "ws://h:8080/"},
        {"ws://m%65:p%40ss%3A%2f%25@h/", "me", "p@ss:/%", "ws://h/"},
        {"ws://a@b:c@d@h/", "a@b", "c@d", "ws://h/"},
        {"ws://me:p:w@[::1]:81/", "me", "p:w", "ws://[::1]:81/"},
        {"ws://me:\xc3\xbc\xff@h/", "me", "\xc3\xbc\xff", "ws://h/"},
        {"ws://@h/", NULL, NULL, "ws://h/"},
        {"ws://:@h/", NULL, NULL, "ws://h/"},
        {"ws://h/a:b@c", NULL, NULL, "ws://h/a:b@c"},
        {"ws://h?a:b@c", NULL, NULL, "ws://h/?a:b@c"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_url url;
        assert_int_equal(tow_url_read(&url, cases[i].text, NULL), 0);
        assert_string_equal(url.text, cases[i].normal);
        if (cases[i].user == NULL) {
            assert_null(url.user);
        } else {
            assert_string_equal(url.user, cases[i].user);
            assert_string_equal(url.password, cases[i].password);
        }
        tow_url_clear(&url);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_read),
        cmocka_unit_test(what_is_no_url_is_refused_with_a_reason),
        cmocka_unit_test(a_user_is_read_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
