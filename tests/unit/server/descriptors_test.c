#include "../unit.h"

#include "server/descriptors.h"

enum { POSSIBLE = 10 };

static void connections_and_what_they_lead_to_are_one_sum(void **state) {
    (void)state;
    tow_descriptors *descriptors = tow_descriptors_new(POSSIBLE, POSSIBLE);
    assert_true(tow_descriptors_enter(descriptors));
    assert_true(tow_descriptors_take(descriptors, 4));
    assert_true(tow_descriptors_enter(descriptors));
    assert_true(tow_descriptors_are_left(descriptors, 4));
    assert_false(tow_descriptors_are_left(descriptors, 5));
    assert_false(tow_descriptors_take(descriptors, 5)); /* which takes none of them */
    assert_int_equal(tow_descriptors_taken(descriptors), 6);
    assert_true(tow_descriptors_take(descriptors, 4));
    assert_false(tow_descriptors_enter(descriptors));
    tow_descriptors_give(descriptors, 1);
    assert_true(tow_descriptors_enter(descriptors));
    tow_descriptors_give(descriptors, POSSIBLE);
    assert_int_equal(tow_descriptors_taken(descriptors), 0);
    tow_descriptors_release(descriptors);
}

static void who_asks_for_more_connections_than_possible_has_them(void **state) {
    (void)state;
    tow_descriptors *descriptors = tow_descriptors_new(POSSIBLE, INT64_MAX);
    for (int i = 0; i < POSSIBLE + 5; i++)
        assert_true(tow_descriptors_enter(descriptors));
    assert_false(tow_descriptors_take(descriptors, 1));
    assert_false(tow_descriptors_are_left(descriptors, 1));
    tow_descriptors_release(descriptors);
}

static void fewer_connections_than_possible_leave_the_rest_to_handlers(void **state) {
    (void)state;
    tow_descriptors *descriptors = tow_descriptors_new(POSSIBLE, 1);
    assert_true(tow_descriptors_enter(descriptors));
    assert_true(tow_descriptors_take(descriptors, POSSIBLE - 1));
    assert_false(tow_descriptors_take(descriptors, 1));
    tow_descriptors_release(descriptors);
}

static void they_live_as_long_as_somebody_holds_them(void **state) {
    (void)state;
    tow_descriptors *descriptors = tow_descriptors_new(POSSIBLE, POSSIBLE);
    assert_ptr_equal(tow_descriptors_retain(descriptors), descriptors);
    tow_descriptors_release(descriptors);
    assert_true(tow_descriptors_take(descriptors, POSSIBLE));
    tow_descriptors_release(descriptors);
    tow_descriptors_release(NULL);
}

static void without_a_server_there_is_always_room(void **state) {
    (void)state;
    assert_null(tow_server_descriptors(NULL));
    assert_null(tow_descriptors_retain(NULL));
    assert_true(tow_descriptors_take(NULL, 1000));
    assert_true(tow_descriptors_are_left(NULL, 1000));
    tow_descriptors_give(NULL, 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_and_what_they_lead_to_are_one_sum),
        cmocka_unit_test(who_asks_for_more_connections_than_possible_has_them),
        cmocka_unit_test(fewer_connections_than_possible_leave_the_rest_to_handlers),
        cmocka_unit_test(they_live_as_long_as_somebody_holds_them),
        cmocka_unit_test(without_a_server_there_is_always_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
