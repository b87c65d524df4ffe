#include "../unit.h"

#include "connect/proxy.h"

#include <string.h>
#include <towline/error.h>

static void a_url_is_taken_apart(void **state) {
    static const struct {
        const char *url;
        tow_proxy_kind kind;
        const char *host;
        uint16_t port;
        const char *user, *password;
    } cases[] = {
        {"http://proxy:3128", TOW_PROXY_HTTP, "proxy", 3128, NULL, NULL},
        {"http://proxy:3128/", TOW_PROXY_HTTP, "proxy", 3128, NULL, NULL},
        {"proxy", TOW_PROXY_HTTP, "proxy", 1080, NULL, NULL},
        {"proxy:", TOW_PROXY_HTTP, "proxy", 1080, NULL, NULL},
        {"HTTPS://proxy", TOW_PROXY_HTTPS, "proxy", 443, NULL, NULL},
        {"socks5://127.0.0.1", TOW_PROXY_SOCKS5, "127.0.0.1", 1080, NULL, NULL},
        {"socks5h://[::1]:9", TOW_PROXY_SOCKS5, "[::1]", 9, NULL, NULL},
        {"http://me:secret@proxy:1", TOW_PROXY_HTTP, "proxy", 1, "me", "secret"},
        {"http://me@proxy:65535", TOW_PROXY_HTTP, "proxy", 65535, "me", ""},
        {"http://a%40b:p%3a%25@proxy", TOW_PROXY_HTTP, "proxy", 1080, "a@b", "p:%"},
        {"http://a:b:c@d@proxy", TOW_PROXY_HTTP, "proxy", 1080, "a", "b:c@d"},
        {"http://@proxy", TOW_PROXY_HTTP, "proxy", 1080, "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_proxy proxy;
        const char *why = NULL;
        if (tow_proxy_read(&proxy, cases[i].url, &why) != 0)
            fail_msg("%s: %s", cases[i].url, why);
        assert_int_equal(proxy.kind, cases[i].kind);
        assert_string_equal(proxy.host, cases[i].host);
        assert_int_equal(proxy.port, cases[i].port);
        assert_int_equal(proxy.user == NULL, cases[i].user == NULL);
        if (proxy.user != NULL) {
            assert_string_equal(proxy.user, cases[i].user);
            assert_string_equal(proxy.password, cases[i].password);
        }
        tow_proxy_clear(&proxy);
        tow_proxy_clear(&proxy);
    }
}

static void what_is_no_proxy_is_refused_with_a_reason(void **state) {
    static const struct {
        const char *url;
        int error;
    } cases[] = {
        {"", TOW_ERROR_ARGUMENT},
        {"http://", TOW_ERROR_ARGUMENT},
        {"http://:80", TOW_ERROR_ARGUMENT},
        {"http://proxy:0", TOW_ERROR_ARGUMENT},
        {"http://proxy:65536", TOW_ERROR_ARGUMENT},
        {"http://proxy:99999999999999999999", TOW_ERROR_ARGUMENT},
        {"http://proxy:8o", TOW_ERROR_ARGUMENT},
        {"http://[::1]8", TOW_ERROR_ARGUMENT},
        {"http://[::1", TOW_ERROR_ARGUMENT},
        {"http://a b", TOW_ERROR_ARGUMENT},
        {"http://proxy\r\nX: y", TOW_ERROR_ARGUMENT},
        {"http://u:p%@proxy", TOW_ERROR_ARGUMENT},
        {"http://u:p%4@proxy", TOW_ERROR_ARGUMENT},
        {"http://u:p%4g@proxy", TOW_ERROR_ARGUMENT},
        {"http://u:p%4@@proxy", TOW_ERROR_ARGUMENT},
        {"http://u:p%00@proxy", TOW_ERROR_ARGUMENT},
        {"http://u%3a:p@proxy", TOW_ERROR_ARGUMENT},
        {"socks5://u@proxy", TOW_ERROR_ARGUMENT},
        {"socks5://:p@proxy", TOW_ERROR_ARGUMENT},
        {"socks4://proxy", TOW_ERROR_UNSUPPORTED},
        {"ftp://proxy", TOW_ERROR_UNSUPPORTED},
        {"://proxy", TOW_ERROR_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_proxy proxy;
        const char *why = NULL;
        int error = tow_proxy_read(&proxy, cases[i].url, &why);
        if (error != cases[i].error)
            fail_msg("%s: %d", cases[i].url, error);
        assert_non_null(why);
    }
}

static void socks_texts_are_at_most_255_characters(void **state) {
    for (int length = 254; length <= 256; length++) {
        char url[1024], text[300] = "";
        memset(text, 'x', (size_t)length);
        tow_proxy proxy;
        snprintf(url, sizeof(url), "socks5://%s:y@proxy", text);
        assert_int_equal(tow_proxy_read(&proxy, url, NULL), length <= 255 ? 0 : TOW_ERROR_ARGUMENT);
        if (length <= 255)
            tow_proxy_clear(&proxy);
        snprintf(url, sizeof(url), "socks5://y:%s@proxy", text);
        assert_int_equal(tow_proxy_read(&proxy, url, NULL), length <= 255 ? 0 : TOW_ERROR_ARGUMENT);
        if (length <= 255)
            tow_proxy_clear(&proxy);
        snprintf(url, sizeof(url), "http://y:%s@proxy", text);
        assert_int_equal(tow_proxy_read(&proxy, url, NULL), 0);
        tow_proxy_clear(&proxy);
    }
}

static void a_list_names_domains_and_what_is_below(void **state) {
    static const struct {
        const char *list, *host;
        bool matches;
    } cases[] = {
        {"example.com", "example.com", true},
        {"example.com", "EXAMPLE.com.", true},
        {"example.com.", "example.com", true},
        {".example.com", "example.com", true},
        {".example.com", "a.b.example.com", true},
        {"example.com", "a.example.com", true},
        {"example.com", "notexample.com", false},
        {"example.com", "example.com.org", false},
        {"a.example.com", "example.com", false},
        {"com", "example.com", true},
        {"", "example.com", false},
        {",, ,", "example.com", false},
        {".", "example.com", false},
        {"*", "example.com", true},
        {"*", "10.0.0.1", true},
        {"localhost", "localhost", true},
        {"127.0.0.1", "localhost", false},
        {"a.org,example.com", "example.com", true},
        {"a.org example.com", "example.com", true},
        {"a.org , example.com\t", "example.com", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.10", false},
        {"0.0.1", "10.0.0.1", false},
        {"10.0.0.0/8", "10.1.2.3", true},
        {"10.0.0.0/8", "11.1.2.3", false},
        {"10.0.0.0/8", "10.example.com", false},
        {"10.0.0.0/33", "10.0.0.0", false},
        {"2001:db8::/32", "[2001:db8::7]", true},
        {"[::1]", "[::1]", true},
        {"::1", "[::1]", true},
        {"::2", "[::1]", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (tow_no_proxy_matches(cases[i].list, cases[i].host) != cases[i].matches)
            fail_msg("'%s' and %s", cases[i].list, cases[i].host);
}

static const char *const *environment; /* names and values in turns */

static char *get(const char *name) {
    for (const char *const *entry = environment; *entry != NULL; entry += 2)
        if (strcmp(entry[0], name) == 0)
            return (char *)(uintptr_t)entry[1];
    return NULL;
}

#define ENVIRONMENT(...)                                                                                     \
    environment = (const char *const[]) {                                                                    \
        __VA_ARGS__, NULL                                                                                    \
    }

static void the_environment_chooses_as_it_does_for_curl(void **state) {
    ENVIRONMENT("http_proxy", "h", "https_proxy", "s", "HTTPS_PROXY", "S", "all_proxy", "a");
    assert_string_equal(tow_proxy_from_environment(get, false, "example.com"), "h");
    assert_string_equal(tow_proxy_from_environment(get, true, "example.com"), "s");
    ENVIRONMENT("HTTP_PROXY", "H", "HTTPS_PROXY", "S");
    assert_null(tow_proxy_from_environment(get, false, "example.com"));
    assert_string_equal(tow_proxy_from_environment(get, true, "example.com"), "S");
    ENVIRONMENT("ws_proxy", "w", "WS_PROXY", "W", "wss_proxy", "t", "WSS_PROXY", "T", "http_proxy", "h",
        "https_proxy", "s");
    assert_string_equal(tow_proxy_from_environment(get, false, "example.com"), "w");
    assert_string_equal(tow_proxy_from_environment(get, true, "example.com"), "t");
    ENVIRONMENT("ws_proxy", "", "WS_PROXY", "W", "WSS_PROXY", "T", "http_proxy", "h", "https_proxy", "s");
    assert_string_equal(tow_proxy_from_environment(get, false, "example.com"), "W");
    assert_string_equal(tow_proxy_from_environment(get, true, "example.com"), "T");
    ENVIRONMENT("ws_proxy", "w", "WS_PROXY", "W", "HTTPS_PROXY", "S");
    assert_string_equal(tow_proxy_from_environment(get, true, "example.com"), "S");
    ENVIRONMENT("wss_proxy", "t", "WSS_PROXY", "T", "all_proxy", "a");
    assert_string_equal(tow_proxy_from_environment(get, false, "example.com"), "a");
    ENVIRONMENT("http_proxy", "", "all_proxy", "", "ALL_PROXY", "A");
    assert_string_equal(tow_proxy_from_environment(get, false, "example.com"), "A");
    assert_string_equal(tow_proxy_from_environment(get, true, "example.com"), "A");
    ENVIRONMENT("all_proxy", "a", "no_proxy", "example.com", "NO_PROXY", "other.org");
    assert_null(tow_proxy_from_environment(get, true, "www.example.com"));
    assert_string_equal(tow_proxy_from_environment(get, true, "other.org"), "a");
    ENVIRONMENT("all_proxy", "a", "no_proxy", "", "NO_PROXY", "other.org");
    assert_null(tow_proxy_from_environment(get, true, "other.org"));
    ENVIRONMENT("none", "");
    assert_null(tow_proxy_from_environment(get, true, "other.org"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_taken_apart),
        cmocka_unit_test(what_is_no_proxy_is_refused_with_a_reason),
        cmocka_unit_test(socks_texts_are_at_most_255_characters),
        cmocka_unit_test(a_list_names_domains_and_what_is_below),
        cmocka_unit_test(the_environment_chooses_as_it_does_for_curl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
