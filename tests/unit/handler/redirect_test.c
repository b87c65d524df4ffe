#include "../unit.h"

#include "exchange_fake.h"
#include "handler/redirect.h"

#include <towline/error.h>

static void leads(const char *path, const char *target, const char *request_target, const char *location) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_redirect_settings settings = {.target = target, .status = 308};
    const tow_handler_place place = {.path = path};
    tow_handler handler;
    tow_request request;
    tow_exchange exchange = {.piece = 4096};
    assert_int_equal(tow_redirect_kind.make(&handler, &settings, &place, why), 0);
    fake_request_init(&request, handler.user, "GET", request_target, NULL);
    handler.on_request(&exchange, &request);
    assert_int_equal(exchange.answers, 1);
    assert_int_equal(exchange.status, 308);
    assert_string_equal(fake_field(&exchange, "Location"), location);
    fake_exchange_clear(&exchange);
    tow_redirect_kind.free(handler.user);
}

static void who_comes_is_sent_to_the_target(void **state) {
    (void)state;
    leads("/a", "https://example.org/b", "/a", "https://example.org/b");
    leads("/a", "/b", "/a", "/b");
    leads(NULL, "/b", "/a", "/b");
}

static void the_query_is_kept_where_the_target_has_none(void **state) {
    (void)state;
    leads("/a", "/b", "/a?x=1", "/b?x=1");
    leads("/a", "/b?y=2", "/a?x=1", "/b?y=2");
    leads("/a", "/b#c", "/a?x=1", "/b#c");
}

static void what_is_below_a_prefix_is_kept(void **state) {
    (void)state;
    leads("/old/*", "/new", "/old/a/b?x", "/new/a/b?x");
    leads("/old/*", "/new/", "/old/a/b", "/new/a/b");
    leads("/old/*", "https://example.org", "/old/", "https://example.org/");
    leads("/*", "https://example.org/", "/a%2Fb", "https://example.org/a%2Fb");
}

static void no_path_leads_to_a_host_of_its_own(void **state) {
    (void)state;
    leads("/old/*", "/", "/old//evil.example/", "/evil.example/");
    leads("/old/*", "/", "/old/\\evil.example", "/%5Cevil.example");
    leads("/*", "https://example.org", "/.evil.example", "https://example.org/.evil.example");
    leads("/*", "https://example.org", "/@evil.example", "https://example.org/@evil.example");
}

static void refuses(const char *path, const char *target, const char *why_expected) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_redirect_settings settings = {.target = target};
    const tow_handler_place place = {.path = path};
    tow_handler handler;
    assert_int_equal(tow_redirect_kind.make(&handler, &settings, &place, why), TOW_ERROR_ARGUMENT);
    assert_string_equal(why, why_expected);
}

static void what_leads_nowhere_is_refused(void **state) {
    (void)state;
    refuses("/a", NULL, "say where it leads: a target");
    refuses("/a/*", "/b?c", "a target for all below has no query and no fragment");
}

static void only_texts_that_can_be_a_place_are_targets(void **state) {
    (void)state;
    const tow_option *target = &tow_redirect_kind.options[0];
    static const char *const right[] = {"/", "/a", "http://a", "https://a/b?c"};
    static const char *const wrong[] = {"", "a", "//a", "/\\a", "ftp://a", "/a b", "/a\r\nb", "/\xc3\xa9"};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        assert_int_equal(target->check(right[i]), 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(target->check(wrong[i]), TOW_ERROR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_is_sent_to_the_target),
        cmocka_unit_test(the_query_is_kept_where_the_target_has_none),
        cmocka_unit_test(what_is_below_a_prefix_is_kept),
        cmocka_unit_test(no_path_leads_to_a_host_of_its_own),
        cmocka_unit_test(what_leads_nowhere_is_refused),
        cmocka_unit_test(only_texts_that_can_be_a_place_are_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
