/* Names of files that are being written. */
#include "../unit.h"

#include "directory/unfinished.h"
#include "transport/timer.h"

#include <stdio.h>

static void a_file_is_unfinished_until_it_is_closed(void **state) {
    tow_unfinished all = {0};
    (void)state;
    tow_unfinished_note(&all, 1, "a", TOW_FOLDER_CREATED, 5);
    tow_unfinished_note(&all, 1, "a", TOW_FOLDER_WRITING, 6);
    tow_unfinished_note(&all, 1, "a", TOW_FOLDER_CHANGED, 7);
    assert_true(tow_unfinished_has(&all, 1, "a", 100 * TOW_SECOND));
    assert_false(tow_unfinished_has(&all, 2, "a", 7));
    assert_false(tow_unfinished_has(&all, 1, "b", 7));
    assert_int_equal(tow_unfinished_until(&all, 7), 0);
    tow_unfinished_note(&all, 1, "a", TOW_FOLDER_WRITTEN, 8);
    assert_false(tow_unfinished_has(&all, 1, "a", 8));
    tow_unfinished_clear(&all);
}

static void what_is_created_and_left_alone_is_done_after_a_second(void **state) {
    tow_unfinished all = {0};
    (void)state;
    tow_unfinished_note(&all, 1, "a", TOW_FOLDER_CREATED, TOW_SECOND);
    assert_true(tow_unfinished_has(&all, 1, "a", 2 * TOW_SECOND - 1));
    assert_int_equal(tow_unfinished_until(&all, TOW_SECOND), 2 * TOW_SECOND);
    assert_false(tow_unfinished_has(&all, 1, "a", 2 * TOW_SECOND));
    assert_int_equal(tow_unfinished_until(&all, 2 * TOW_SECOND), 0);
    tow_unfinished_clear(&all);
}

static void who_lost_events_knows_of_none(void **state) {
    tow_unfinished all = {0};
    (void)state;
    tow_unfinished_note(&all, 1, "a", TOW_FOLDER_WRITING, 5);
    tow_unfinished_note(&all, -1, "", TOW_FOLDER_LOST, 6);
    assert_false(tow_unfinished_has(&all, 1, "a", 6));
    tow_unfinished_clear(&all);
}

static void of_too_many_names_the_oldest_go(void **state) {
    tow_unfinished all = {0};
    char name[32];
    (void)state;
    for (int i = 0; i <= TOW_UNFINISHED_MAX; i++) {
        snprintf(name, sizeof(name), "%d", i);
        tow_unfinished_note(&all, 1, name, TOW_FOLDER_WRITING, 5);
    }
    assert_int_equal(all.count, TOW_UNFINISHED_MAX);
    assert_false(tow_unfinished_has(&all, 1, "0", 5));
    assert_true(tow_unfinished_has(&all, 1, "1", 5));
    assert_true(tow_unfinished_has(&all, 1, name, 5));
    tow_unfinished_clear(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_unfinished_until_it_is_closed),
        cmocka_unit_test(what_is_created_and_left_alone_is_done_after_a_second),
        cmocka_unit_test(who_lost_events_knows_of_none),
        cmocka_unit_test(of_too_many_names_the_oldest_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
