/* Whether a process still serves: when it is asked, and when it is given up. In simulated time. */
#include "../unit.h"

#include "python/life.h"
#include "transport/loop.h"

enum { PATIENCE = 3 };

typedef struct watched {
    tow_python_life life; /* first */
    tow_loop *loop;
    int asked;
    int silent;
} watched_life;

static void on_ask(tow_python_life *life) {
    ((watched_life *)(void *)life)->asked++;
}

static void on_silence(tow_python_life *life) {
    ((watched_life *)(void *)life)->silent++;
}

static int begin(void **state) {
    static const tow_python_life_events events = {.on_ask = on_ask, .on_silence = on_silence};
    static watched_life watched;
    memset(&watched, 0, sizeof(watched));
    *state = &watched;
    if (tow_loop_new_simulated(&watched.loop, &(tow_simulation_options){.seed = 1}) != 0)
        return -1;
    tow_python_life_begin(&watched.life, watched.loop, PATIENCE, &events);
    return 0;
}

static int end(void **state) {
    watched_life *watched = *state;
    tow_python_life_end(&watched->life);
    tow_loop_free(watched->loop);
    return 0;
}

static bool is_at_rest(const watched_life *watched) {
    return !tow_timer_is_set(&watched->life.timer);
}

/* Until the timer has fired once. */
static void pass(watched_life *watched) {
    tow_loop_step(watched->loop);
}

static void what_answers_is_asked_for_ever(void **state) {
    watched_life *watched = *state;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(watched->asked, i + 1);
        tow_python_life_sign(&watched->life);
        while (watched->asked == i + 1)
            pass(watched);
    }
    assert_int_equal(watched->silent, 0);
}

static void what_answers_late_but_in_time_is_left(void **state) {
    watched_life *watched = *state;
    int64_t began = tow_loop_now(watched->loop);
    while (tow_loop_now(watched->loop) - began < (PATIENCE - 1) * TOW_SECOND)
        pass(watched);
    tow_python_life_sign(&watched->life);
    while (watched->asked == 1)
        pass(watched);
    assert_int_equal(watched->silent, 0);
}

static void what_does_not_answer_is_given_up_once(void **state) {
    watched_life *watched = *state;
    int64_t began = tow_loop_now(watched->loop);
    while (watched->silent == 0)
        pass(watched);
    assert_in_range(
        (tow_loop_now(watched->loop) - began) / TOW_MILLISECOND, PATIENCE * 1000, PATIENCE * 1000 + 100);
    assert_int_equal(watched->asked, 1);
    assert_true(is_at_rest(watched));
}

static void a_sign_that_nobody_has_asked_for_changes_nothing(void **state) {
    watched_life *watched = *state;
    tow_python_life_sign(&watched->life);
    int64_t began = tow_loop_now(watched->loop);
    while (watched->asked == 1) {
        tow_python_life_sign(&watched->life);
        pass(watched);
    }
    assert_in_range((tow_loop_now(watched->loop) - began) / TOW_SECOND, 4, 6);
    tow_python_life_end(&watched->life);
    tow_python_life_sign(&watched->life);
    assert_true(is_at_rest(watched));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_answers_is_asked_for_ever, begin, end),
        cmocka_unit_test_setup_teardown(what_answers_late_but_in_time_is_left, begin, end),
        cmocka_unit_test_setup_teardown(what_does_not_answer_is_given_up_once, begin, end),
        cmocka_unit_test_setup_teardown(a_sign_that_nobody_has_asked_for_changes_nothing, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
