/* What is remembered of servers. */
#include "../unit.h"

#include "../../../src/client/fallback/known_ways.h"
#include "transport/loop.h"
#include "transport/timer.h"

static tow_loop *loop;

static int make_loop(void **state) {
    return tow_loop_new_simulated(&loop, &(tow_simulation_options){0});
}

static int free_loop(void **state) {
    tow_loop_free(loop);
    return 0;
}

static void rang(tow_timer *timer) {
    (void)timer;
}

static void pass(int seconds) {
    static tow_timer timer;
    tow_timer_set(loop, &timer, tow_loop_now(loop) + seconds * TOW_SECOND, rang);
    while (tow_timer_is_set(&timer))
        assert_true(tow_loop_step(loop) >= 0);
}

static void nothing_is_known_at_first(void **state) {
    assert_int_equal(tow_known_ways_find(loop, "a"), TOW_WAY_UNKNOWN);
}

static void what_was_noted_last_is_known_for_an_hour(void **state) {
    tow_known_ways_note(loop, "a", TOW_WAY_POLLING);
    tow_known_ways_note(loop, "b", TOW_WAY_CUT);
    assert_int_equal(tow_known_ways_find(loop, "a"), TOW_WAY_POLLING);
    assert_int_equal(tow_known_ways_find(loop, "b"), TOW_WAY_CUT);
    pass(3599);
    assert_int_equal(tow_known_ways_find(loop, "a"), TOW_WAY_POLLING);
    tow_known_ways_note(loop, "b", TOW_WAY_POLLING);
    pass(1);
    assert_int_equal(tow_known_ways_find(loop, "a"), TOW_WAY_UNKNOWN);
    assert_int_equal(tow_known_ways_find(loop, "b"), TOW_WAY_POLLING);
    tow_known_ways_note(loop, "b", TOW_WAY_UNKNOWN);
    assert_int_equal(tow_known_ways_find(loop, "b"), TOW_WAY_UNKNOWN);
}

static void of_many_servers_the_last_ones_are_known(void **state) {
    char name[16];
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof(name), "%d", i);
        tow_known_ways_note(loop, name, TOW_WAY_POLLING);
        pass(1);
    }
    assert_int_equal(tow_known_ways_find(loop, "0"), TOW_WAY_UNKNOWN);
    assert_int_equal(tow_known_ways_find(loop, "23"), TOW_WAY_UNKNOWN);
    assert_int_equal(tow_known_ways_find(loop, "24"), TOW_WAY_POLLING);
    assert_int_equal(tow_known_ways_find(loop, "39"), TOW_WAY_POLLING);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known_at_first, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(what_was_noted_last_is_known_for_an_hour, make_loop, free_loop),
        cmocka_unit_test_setup_teardown(of_many_servers_the_last_ones_are_known, make_loop, free_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
