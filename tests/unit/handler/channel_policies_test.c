#include "../unit.h"

#include "handler/channel_pattern.h"
#include "handler/channels.h"

static bool is_valid(const char *pattern) {
    return tow_channel_pattern_is_valid(tow_slice_from(pattern));
}

static bool matches(const char *pattern, const char *name) {
    return tow_channel_pattern_matches(tow_slice_from(pattern), tow_slice_from(name));
}

static void a_pattern_is_a_name_or_a_beginning(void **state) {
    (void)state;
    assert_true(is_valid("a"));
    assert_true(is_valid("a/b"));
    assert_true(is_valid("a/*"));
    assert_true(is_valid("a*"));
    assert_true(is_valid("*"));
    assert_false(is_valid(""));
    assert_false(is_valid("*a"));
    assert_false(is_valid("a*b"));
    assert_false(is_valid("a**"));
    assert_false(is_valid("a\x01"));
    assert_false(is_valid("a\xff"));
}

static void a_name_matches_itself_alone(void **state) {
    (void)state;
    assert_true(matches("a/b", "a/b"));
    assert_false(matches("a/b", "a/bc"));
    assert_false(matches("a/b", "a/"));
    assert_false(matches("a", "A"));
}

static void a_beginning_matches_all_that_begins_so(void **state) {
    (void)state;
    assert_true(matches("*", "a"));
    assert_true(matches("a/*", "a/b/c"));
    assert_true(matches("a*", "a"));
    assert_true(matches("a*", "ab"));
    assert_false(matches("a/*", "a"));
    assert_false(matches("a/*", "b/a/"));
}

static void set(tow_channel_policies *policies, const tow_channel_settings *const *settings, size_t count) {
    tow_channel_table *table;
    assert_int_equal(tow_channel_table_new(&table, settings, count), 0);
    tow_channel_policies_take(policies, table);
}

static tow_channel_policies *made(const tow_channel_settings *settings, size_t count) {
    const tow_channel_settings *list[8];
    tow_channel_policies *policies;
    assert_true(count <= 8);
    for (size_t i = 0; i < count; i++)
        list[i] = &settings[i];
    assert_int_equal(tow_channel_policies_new(&policies), 0);
    set(policies, list, count);
    return policies;
}

static unsigned history_of(tow_channel_policies *policies, const char *name) {
    tow_channel_policy policy = {0};
    tow_channel_policies_find(policies, tow_slice_from(name), &policy);
    return policy.history_count;
}

static void the_most_exact_pattern_counts(void **state) {
    (void)state;
    static const tow_channel_settings settings[] = {{.name = "*", .history = 1}, {.name = "a*", .history = 2},
        {.name = "a/b*", .history = 3}, {.name = "a/b", .history = 4}, {.name = "a", .history = 5}};
    tow_channel_policies *policies = made(settings, 5);
    assert_int_equal(history_of(policies, "x"), 1);
    assert_int_equal(history_of(policies, "ab"), 2);
    assert_int_equal(history_of(policies, "a/bc"), 3);
    assert_int_equal(history_of(policies, "a/b"), 4);
    assert_int_equal(history_of(policies, "a"), 5);
    tow_channel_policies_free(policies);
}

static void what_nothing_is_set_for_has_the_defaults(void **state) {
    (void)state;
    static const tow_channel_settings settings[] = {{.name = "a", .history = 1}};
    tow_channel_policies *policies = made(settings, 1);
    assert_int_equal(history_of(policies, "b"), 0);
    tow_channel_policies_free(policies);
}

static void all_that_is_set_reaches_the_hub(void **state) {
    (void)state;
    static const tow_channel_settings settings[] = {{.name = "a",
        .subscribe = TOW_ACCESS_TOKEN,
        .publish = TOW_ACCESS_SAME_ORIGIN,
        .presence = true,
        .history = 1,
        .history_seconds = 2,
        .history_bytes = 3,
        .slow = TOW_SLOW_LATEST,
        .slow_count = 4,
        .slow_bytes = 5}};
    tow_channel_policies *policies = made(settings, 1);
    tow_channel_policy policy = {0};
    tow_channel_policies_find(policies, tow_slice_from("a"), &policy);
    assert_int_equal(policy.subscribe, TOW_ACCESS_TOKEN);
    assert_int_equal(policy.publish, TOW_ACCESS_SAME_ORIGIN);
    assert_true(policy.presence);
    assert_int_equal(policy.history_seconds, 2);
    assert_int_equal(policy.history_bytes, 3);
    assert_int_equal(policy.slow, TOW_SLOW_LATEST);
    assert_int_equal(policy.slow_count, 4);
    assert_int_equal(policy.slow_bytes, 5);
    tow_channel_policies_free(policies);
}

static void others_take_the_place_of_those_before(void **state) {
    (void)state;
    static const tow_channel_settings first[] = {{.name = "a", .history = 1}};
    static const tow_channel_settings second = {.name = "b", .history = 2};
    const tow_channel_settings *const list[] = {&second};
    tow_channel_policies *policies = made(first, 1);
    set(policies, list, 1);
    assert_int_equal(history_of(policies, "a"), 0);
    assert_int_equal(history_of(policies, "b"), 2);
    set(policies, NULL, 0);
    assert_int_equal(history_of(policies, "b"), 0);
    tow_channel_policies_free(policies);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_is_a_name_or_a_beginning),
        cmocka_unit_test(a_name_matches_itself_alone),
        cmocka_unit_test(a_beginning_matches_all_that_begins_so),
        cmocka_unit_test(the_most_exact_pattern_counts),
        cmocka_unit_test(what_nothing_is_set_for_has_the_defaults),
        cmocka_unit_test(all_that_is_set_reaches_the_hub),
        cmocka_unit_test(others_take_the_place_of_those_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
