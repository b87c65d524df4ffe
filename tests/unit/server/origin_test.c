#include "../unit.h"

#include "server/origin.h"

static tow_origin_verdict judge(const char *const *allowed, const char *origin, const char *authority) {
    return tow_origin_judge(allowed, tow_slice_from(origin), tow_slice_from(authority), NULL);
}

static void host_and_port_make_the_same_origin(void **state) {
    (void)state;
    assert_int_equal(judge(NULL, "http://localhost:9998", "localhost:9998"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "http://LOCALHOST:9998", "localhost:9998"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "http://[::1]:9998", "[::1]:9998"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "http://localhost:9997", "localhost:9998"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "http://127.0.0.1:9998", "localhost:9998"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "http://localhost", "localhost:9998"), TOW_ORIGIN_FOREIGN);
}

static void a_host_without_port_means_the_default_of_the_origins_scheme(void **state) {
    (void)state;
    assert_int_equal(judge(NULL, "http://a.example", "a.example"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "https://a.example", "a.example"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "https://a.example", "a.example:443"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "https://a.example:443", "a.example"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(NULL, "http://a.example", "a.example:443"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "https://a.example:80", "a.example"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "http://a.example:8080", "a.example"), TOW_ORIGIN_FOREIGN);
}

static void null_files_and_other_schemes_are_never_the_same(void **state) {
    (void)state;
    assert_int_equal(judge(NULL, "null", "null"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "file://", "localhost"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "file://localhost", "localhost"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(NULL, "chrome-extension://abcdef", "abcdef"), TOW_ORIGIN_FOREIGN);
}

static void what_is_no_origin_is_malformed_even_when_all_are_allowed(void **state) {
    (void)state;
    static const char *const any[] = {"*", NULL};
    static const char *const bad[] = {"", "localhost", "http:", "http://", "http:///", "http://a/",
        "http://a/b", "http://a b", "http://a:", "http://a:99999", "http://a:x", "1http://a", "://a",
        "http://u@a", "http://a, http://b", "http://[::1", "http://::1", "Null", "http://a\t", "http://a?q",
        "http://a#f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (judge(any, bad[i], "a") != TOW_ORIGIN_MALFORMED)
            fail_msg("took %s", bad[i]);
    }
}

static void the_list_allows_exact_origins_with_default_ports(void **state) {
    (void)state;
    static const char *const list[] = {"https://a.example", "http://b.example:8080", "null", "file://", NULL};
    assert_int_equal(judge(list, "https://a.example", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "https://a.example:443", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "http://b.example:8080", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "null", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "file://", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "http://a.example", "x"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "https://a.example:8443", "x"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "https://x.a.example", "x"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "http://b.example", "x"), TOW_ORIGIN_FOREIGN);
}

static void a_wildcard_allows_what_lies_below_a_name(void **state) {
    (void)state;
    static const char *const list[] = {"https://*.a.example", "http://*.b.example:81", NULL};
    assert_int_equal(judge(list, "https://x.a.example", "y"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "https://x.Y.A.example:443", "y"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "http://x.b.example:81", "y"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(list, "https://a.example", "y"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "https://xa.example", "y"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "http://x.a.example", "y"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "https://x.a.example:81", "y"), TOW_ORIGIN_FOREIGN);
    assert_int_equal(judge(list, "http://x.b.example", "y"), TOW_ORIGIN_FOREIGN);
}

static void an_asterisk_allows_every_wellformed_origin(void **state) {
    (void)state;
    static const char *const any[] = {"*", NULL};
    assert_int_equal(judge(any, "null", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(any, "file://", "x"), TOW_ORIGIN_ALLOWED);
    assert_int_equal(judge(any, "https://evil.example", "x"), TOW_ORIGIN_ALLOWED);
}

static void patterns_are_checked(void **state) {
    (void)state;
    static const char *const good[] = {
        "*", "null", "file://", "https://a.example", "http://[::1]:80", "https://*.a.example"};
    static const char *const bad[] = {"", "a.example", "https://", "https://a.example/", "https://*",
        "https://*.", "*.example", "https://a.*.example:x"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(tow_origin_pattern_is_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(tow_origin_pattern_is_valid(bad[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_make_the_same_origin),
        cmocka_unit_test(a_host_without_port_means_the_default_of_the_origins_scheme),
        cmocka_unit_test(null_files_and_other_schemes_are_never_the_same),
        cmocka_unit_test(what_is_no_origin_is_malformed_even_when_all_are_allowed),
        cmocka_unit_test(the_list_allows_exact_origins_with_default_ports),
        cmocka_unit_test(a_wildcard_allows_what_lies_below_a_name),
        cmocka_unit_test(an_asterisk_allows_every_wellformed_origin),
        cmocka_unit_test(patterns_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
