#include "../unit.h"

#include "conditional.h"

/* Sun, 06 Nov 1994 08:49:37 GMT */
static const int64_t modified = 784111777;
static const char before[] = "Sun, 06 Nov 1994 08:49:36 GMT";
static const char same[] = "Sun, 06 Nov 1994 08:49:37 GMT";
static const char after[] = "Sun, 06 Nov 1994 08:49:38 GMT";

static const tow_validators validators = {.etag = "\"a-b\"", .modified = 784111777};

static int check(tow_conditions conditions) {
    return tow_conditions_check(&conditions, &validators);
}

static struct stat sample(void) {
    struct stat file;
    memset(&file, 0, sizeof(file));
    file.st_ino = 7;
    file.st_size = 100;
    file.st_mtim = (struct timespec){.tv_sec = modified, .tv_nsec = 5};
    return file;
}

static void no_condition_always_holds(void **state) {
    (void)state;
    assert_int_equal(check((tow_conditions){0}), 0);
}

static void if_none_match_is_a_list_compared_weakly(void **state) {
    (void)state;
    static const char *const known[] = {"\"a-b\"", "W/\"a-b\"", "*", "\"x\", \"a-b\"", "\"x\",\"a-b\"",
        " \"x\" ,\t\"a-b\" ", ",, \"a-b\"", "\"a,b\", \"a-b\"", "W/\"x\",W/\"a-b\",\"y\""};
    static const char *const unknown[] = {"\"x\"", "", "a-b", "\"a-b", "\"a-b\"x", "\"A-B\"", "\"a-b\\\"\"",
        "w/\"a-b\"", "**", "\"x\" \"a-b\"", "\"x", "W/", "x, \"a-b\"", "\"\""};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (check((tow_conditions){.if_none_match = known[i]}) != 304)
            fail_msg("%s", known[i]);
    }
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        if (check((tow_conditions){.if_none_match = unknown[i]}) != 0)
            fail_msg("%s", unknown[i]);
    }
}

static void if_match_is_a_list_compared_strongly(void **state) {
    (void)state;
    assert_int_equal(check((tow_conditions){.if_match = "\"a-b\""}), 0);
    assert_int_equal(check((tow_conditions){.if_match = "*"}), 0);
    assert_int_equal(check((tow_conditions){.if_match = "\"x\", \"a-b\""}), 0);
    assert_int_equal(check((tow_conditions){.if_match = "W/\"a-b\", \"a-b\""}), 0);
    assert_int_equal(check((tow_conditions){.if_match = "W/\"a-b\""}), 412);
    assert_int_equal(check((tow_conditions){.if_match = "\"x\""}), 412);
    assert_int_equal(check((tow_conditions){.if_match = ""}), 412);
}

static void dates_are_compared_by_the_second(void **state) {
    (void)state;
    assert_int_equal(check((tow_conditions){.if_modified_since = before}), 0);
    assert_int_equal(check((tow_conditions){.if_modified_since = same}), 304);
    assert_int_equal(check((tow_conditions){.if_modified_since = after}), 304);
    assert_int_equal(check((tow_conditions){.if_unmodified_since = before}), 412);
    assert_int_equal(check((tow_conditions){.if_unmodified_since = same}), 0);
    assert_int_equal(check((tow_conditions){.if_unmodified_since = after}), 0);
}

static void what_is_no_date_is_ignored(void **state) {
    (void)state;
    assert_int_equal(check((tow_conditions){.if_modified_since = "yesterday"}), 0);
    assert_int_equal(check((tow_conditions){.if_unmodified_since = "yesterday"}), 0);
}

static void tags_go_before_dates_and_preconditions_first(void **state) {
    (void)state;
    assert_int_equal(check((tow_conditions){.if_none_match = "\"x\"", .if_modified_since = after}), 0);
    assert_int_equal(check((tow_conditions){.if_none_match = "\"a-b\"", .if_modified_since = before}), 304);
    assert_int_equal(check((tow_conditions){.if_match = "\"a-b\"", .if_unmodified_since = before}), 0);
    assert_int_equal(check((tow_conditions){.if_match = "\"x\"", .if_none_match = "\"a-b\""}), 412);
    assert_int_equal(check((tow_conditions){.if_match = "\"a-b\"", .if_none_match = "\"a-b\""}), 304);
}

static void a_range_goes_with_the_tag_or_an_old_date(void **state) {
    (void)state;
    int64_t later = modified + 60;
    assert_true(tow_if_range_holds(NULL, &validators, later));
    assert_true(tow_if_range_holds("\"a-b\"", &validators, modified));
    assert_false(tow_if_range_holds("W/\"a-b\"", &validators, later));
    assert_false(tow_if_range_holds("\"x\"", &validators, later));
    assert_false(tow_if_range_holds("*", &validators, later));
    assert_true(tow_if_range_holds(same, &validators, later));
    assert_false(tow_if_range_holds(same, &validators, later - 1));
    assert_false(tow_if_range_holds(before, &validators, later));
    assert_false(tow_if_range_holds(after, &validators, later));
}

static void the_tag_changes_with_size_time_and_inode(void **state) {
    (void)state;
    struct stat files[5];
    tow_validators made[5];
    for (size_t i = 0; i < 5; i++)
        files[i] = sample();
    files[1].st_ino++;
    files[2].st_size++;
    files[3].st_mtim.tv_sec++;
    files[4].st_mtim.tv_nsec++;
    for (size_t i = 0; i < 5; i++) {
        made[i] = tow_validators_of(&files[i], modified + 100);
        for (size_t other = 0; other < i; other++)
            assert_string_not_equal(made[i].etag, made[other].etag);
        size_t length = strlen(made[i].etag);
        assert_true(length > 2 && made[i].etag[0] == '"' && made[i].etag[length - 1] == '"');
    }
    struct stat largest = sample();
    largest.st_ino = UINT64_MAX;
    largest.st_size = INT64_MAX;
    largest.st_mtim = (struct timespec){.tv_sec = INT64_MIN, .tv_nsec = 999999999};
    made[0] = tow_validators_of(&largest, modified);
    assert_int_equal(made[0].etag[strlen(made[0].etag) - 1], '"');
}

static void no_file_was_modified_in_the_future(void **state) {
    (void)state;
    struct stat file = sample();
    tow_validators made = tow_validators_of(&file, modified - 10);
    assert_int_equal(made.modified, modified - 10);
    made = tow_validators_of(&file, modified + 10);
    assert_int_equal(made.modified, modified);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_condition_always_holds),
        cmocka_unit_test(if_none_match_is_a_list_compared_weakly),
        cmocka_unit_test(if_match_is_a_list_compared_strongly),
        cmocka_unit_test(dates_are_compared_by_the_second),
        cmocka_unit_test(what_is_no_date_is_ignored),
        cmocka_unit_test(tags_go_before_dates_and_preconditions_first),
        cmocka_unit_test(a_range_goes_with_the_tag_or_an_old_date),
        cmocka_unit_test(the_tag_changes_with_size_time_and_inode),
        cmocka_unit_test(no_file_was_modified_in_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
