#include "../unit.h"

#include "server/host.h"

static bool allowed(const char *const *names, bool local, const char *authority) {
    return tow_host_is_allowed(&(tow_host_rule){.names = names, .local = local}, tow_slice_from(authority));
}

static void a_local_rule_takes_localhost_and_ip_literals(void **state) {
    (void)state;
    static const char *const good[] = {"localhost", "localhost:9998", "LocalHost:1", "localhost.",
        "a.localhost", "a.b.localhost:80", "127.0.0.1", "127.0.0.1:9998", "192.168.1.7", "[::1]",
        "[::1]:9998", "[fe80::1:2]:1", "localhost:"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!allowed(NULL, true, good[i]))
            fail_msg("refused %s", good[i]);
    }
}

static void a_local_rule_refuses_names_from_elsewhere(void **state) {
    (void)state;
    static const char *const bad[] = {"evil.example", "evil.example:9998", "localhost.evil.example",
        "xlocalhost", ".localhost.x", "127.0.0.1.evil.example", "127.1x", "[::1", "::1", "[::1].evil",
        "user@localhost", "localhost:99999", "localhost:9x", "localhost:80:80", "[]", "[localhost]",
        "local host", "localhost/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (allowed(NULL, true, bad[i]))
            fail_msg("allowed %s", bad[i]);
    }
}

static void a_request_without_host_passes_only_the_default_rule(void **state) {
    (void)state;
    static const char *const names[] = {"a.example", NULL};
    assert_true(allowed(NULL, true, ""));
    assert_true(allowed(NULL, false, ""));
    assert_false(allowed(names, false, ""));
}

static void names_replace_the_default_and_ignore_case_port_and_root_dot(void **state) {
    (void)state;
    static const char *const names[] = {"a.example", "b.example:8080", "*.c.example", "[::1]", NULL};
    assert_true(allowed(names, false, "A.Example:1234"));
    assert_true(allowed(names, false, "a.example."));
    assert_true(allowed(names, false, "b.example"));
    assert_true(allowed(names, false, "x.c.example"));
    assert_true(allowed(names, false, "[::1]:9998"));
    assert_false(allowed(names, false, "c.example"));
    assert_false(allowed(names, false, "xc.example"));
    assert_false(allowed(names, false, "localhost"));
    assert_false(allowed(names, false, "127.0.0.1"));
}

static void an_asterisk_or_no_rule_allows_all(void **state) {
    (void)state;
    static const char *const any[] = {"*", NULL};
    assert_true(allowed(any, false, "evil.example"));
    assert_true(allowed(NULL, false, "evil.example"));
}

static void names_of_rules_are_checked(void **state) {
    (void)state;
    assert_true(tow_host_name_is_valid("a.example"));
    assert_true(tow_host_name_is_valid("*"));
    assert_true(tow_host_name_is_valid("*.example"));
    assert_true(tow_host_name_is_valid("[::1]:80"));
    assert_false(tow_host_name_is_valid(""));
    assert_false(tow_host_name_is_valid("*example"));
    assert_false(tow_host_name_is_valid("http://a.example"));
    assert_false(tow_host_name_is_valid("a b"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_local_rule_takes_localhost_and_ip_literals),
        cmocka_unit_test(a_local_rule_refuses_names_from_elsewhere),
        cmocka_unit_test(a_request_without_host_passes_only_the_default_rule),
        cmocka_unit_test(names_replace_the_default_and_ignore_case_port_and_root_dot),
        cmocka_unit_test(an_asterisk_or_no_rule_allows_all),
        cmocka_unit_test(names_of_rules_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
