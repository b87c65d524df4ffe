#include "each_loop.h"

/* A timer fires in the first round after this many nanoseconds: two ticks. */
static const int64_t tolerance = 2 << 20;

typedef struct alarm {
    tow_timer timer; /* first */
    tow_loop *loop;
    int64_t deadline;
    int number;
    int fired;
    int64_t fired_at;
    struct alarm *cancels; /* in its callback */
    int64_t again;         /* sets itself so much later, once */
} alarm_timer;

static int order[100000];
static int order_length;

static void on_fire(tow_timer *timer) {
    alarm_timer *alarm = (alarm_timer *)timer;
    assert_false(tow_timer_is_set(timer));
    alarm->fired++;
    alarm->fired_at = tow_loop_now(alarm->loop);
    order[order_length++ % 100000] = alarm->number;
    if (alarm->cancels != NULL)
        tow_timer_cancel(alarm->loop, &alarm->cancels->timer);
    if (alarm->again != 0) {
        alarm->deadline = alarm->fired_at + alarm->again;
        alarm->again = 0;
        tow_timer_set(alarm->loop, timer, alarm->deadline, on_fire);
    }
}

static void set(alarm_timer *alarm, each_loop *each, int number, int64_t deadline) {
    alarm->loop = each->loop;
    alarm->number = number;
    alarm->deadline = deadline;
    tow_timer_set(each->loop, &alarm->timer, deadline, on_fire);
    assert_true(tow_timer_is_set(&alarm->timer));
}

static void assert_punctual(const alarm_timer *alarm) {
    if (alarm->fired_at < alarm->deadline || alarm->fired_at > alarm->deadline + tolerance)
        fail_msg("timer %d for %lld fired at %lld", alarm->number, (long long)alarm->deadline,
            (long long)alarm->fired_at);
}

static void a_timer_never_fires_early(void **state) {
    each_loop *each = *state;
    for (int64_t delay = 1; delay < 50 * TOW_MILLISECOND; delay = delay * 3 + 1000) {
        alarm_timer alarm = {.fired = 0};
        set(&alarm, each, 0, tow_loop_now(each->loop) + delay);
        run_to_the_end(each);
        assert_int_equal(alarm.fired, 1);
        assert_true(alarm.fired_at >= alarm.deadline);
    }
}

static void a_timer_fires_within_two_ticks_however_far_it_is(void **state) {
    each_loop *each = *state;
    for (int64_t delay = 1; delay < INT64_MAX / 8; delay = delay * 2 + 12345) {
        alarm_timer alarm = {.fired = 0};
        set(&alarm, each, 0, tow_loop_now(each->loop) + delay);
        run_to_the_end(each);
        assert_int_equal(alarm.fired, 1);
        assert_punctual(&alarm);
    }
}

static void timers_at_the_edges_of_wheel_slots_are_punctual(void **state) {
    each_loop *each = *state;
    for (int bits = 20; bits < 44; bits++) {
        alarm_timer alarms[9];
        memset(alarms, 0, sizeof(alarms));
        int64_t edge = (tow_loop_now(each->loop) >> bits << bits) + (INT64_C(2) << bits);
        for (int i = 0; i < 9; i++)
            set(&alarms[i], each, i, edge + (i - 4) * (INT64_C(1) << 19));
        run_to_the_end(each);
        for (int i = 0; i < 9; i++)
            assert_punctual(&alarms[i]);
    }
}

static void timers_fire_in_the_order_of_their_deadlines(void **state) {
    each_loop *each = *state;
    enum { COUNT = 20000 };
    static alarm_timer alarms[COUNT];
    memset(alarms, 0, sizeof(alarms));
    order_length = 0;
    uint32_t chance = 1;
    int64_t now = tow_loop_now(each->loop);
    for (int i = 0; i < COUNT; i++) {
        chance = chance * 1664525 + 1013904223;
        set(&alarms[i], each, i, now + (int64_t)(chance >> (i % 24)) * 1000);
    }
    run_to_the_end(each);
    assert_int_equal(order_length, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(alarms[i].fired, 1);
        assert_punctual(&alarms[i]);
        if (i > 0) /* to the tick */
            assert_true((alarms[order[i - 1]].deadline - 1) >> 20 <= (alarms[order[i]].deadline - 1) >> 20);
    }
}

static void timers_for_the_same_moment_fire_in_the_order_in_which_they_were_set(void **state) {
    each_loop *each = *state;
    static const int64_t delays[] = {1, TOW_MILLISECOND, TOW_SECOND, 100 * TOW_SECOND};
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        alarm_timer alarms[50];
        memset(alarms, 0, sizeof(alarms));
        order_length = 0;
        int64_t deadline = tow_loop_now(each->loop) + delays[i];
        for (int j = 0; j < 50; j++)
            set(&alarms[j], each, j, deadline);
        run_to_the_end(each);
        for (int j = 0; j < 50; j++)
            assert_int_equal(order[j], j);
    }
}

static void a_cancelled_timer_does_not_fire(void **state) {
    each_loop *each = *state;
    alarm_timer kept = {.fired = 0}, cancelled = {.fired = 0};
    set(&kept, each, 0, tow_loop_now(each->loop) + 5 * TOW_MILLISECOND);
    set(&cancelled, each, 1, tow_loop_now(each->loop) + 2 * TOW_MILLISECOND);
    tow_timer_cancel(each->loop, &cancelled.timer);
    tow_timer_cancel(each->loop, &cancelled.timer);
    assert_false(tow_timer_is_set(&cancelled.timer));
    run_to_the_end(each);
    assert_int_equal(kept.fired, 1);
    assert_int_equal(cancelled.fired, 0);
}

static void a_timer_may_cancel_others_that_are_due_with_it(void **state) {
    each_loop *each = *state;
    alarm_timer alarms[3];
    memset(alarms, 0, sizeof(alarms));
    int64_t deadline = tow_loop_now(each->loop) + TOW_MILLISECOND;
    for (int i = 0; i < 3; i++)
        set(&alarms[i], each, i, deadline);
    alarms[0].cancels = &alarms[1];
    alarms[2].cancels = &alarms[2]; /* itself, which is not set any more */
    run_to_the_end(each);
    assert_int_equal(alarms[0].fired, 1);
    assert_int_equal(alarms[1].fired, 0);
    assert_int_equal(alarms[2].fired, 1);
}

static void setting_a_timer_again_moves_it(void **state) {
    each_loop *each = *state;
    alarm_timer alarm = {.fired = 0};
    int64_t now = tow_loop_now(each->loop);
    set(&alarm, each, 0, now + 1000 * TOW_SECOND);
    set(&alarm, each, 0, now + 3 * TOW_MILLISECOND);
    set(&alarm, each, 0, now + 20 * TOW_MILLISECOND);
    run_to_the_end(each);
    assert_int_equal(alarm.fired, 1);
    assert_true(alarm.fired_at >= now + 20 * TOW_MILLISECOND);
    assert_true(alarm.fired_at < now + 500 * TOW_SECOND);
}

static void a_timer_may_set_itself_again(void **state) {
    each_loop *each = *state;
    alarm_timer alarm = {.again = 5 * TOW_MILLISECOND};
    set(&alarm, each, 0, tow_loop_now(each->loop) + TOW_MILLISECOND);
    run_to_the_end(each);
    assert_int_equal(alarm.fired, 2);
    assert_true(alarm.fired_at >= alarm.deadline);
}

static void a_timer_for_the_past_fires_in_the_next_round(void **state) {
    each_loop *each = *state;
    alarm_timer alarm = {.again = -TOW_SECOND};
    set(&alarm, each, 0, tow_loop_now(each->loop) - TOW_SECOND);
    assert_int_equal(alarm.fired, 0);
    assert_int_equal(tow_loop_step(each->loop), 1);
    assert_int_equal(alarm.fired, 1); /* and not again in the same round */
    assert_int_equal(tow_loop_step(each->loop), 0);
    assert_int_equal(alarm.fired, 2);
    set(&alarm, each, 0, INT64_MIN);
    run_to_the_end(each);
    assert_int_equal(alarm.fired, 3);
}

static void the_farthest_deadline_can_be_set_and_cancelled(void **state) {
    each_loop *each = *state;
    alarm_timer never = {.fired = 0}, soon = {.fired = 0};
    set(&never, each, 0, INT64_MAX);
    set(&soon, each, 1, tow_loop_now(each->loop) + 3 * TOW_MILLISECOND);
    soon.cancels = &never;
    run_to_the_end(each);
    assert_int_equal(never.fired, 0);
    assert_int_equal(soon.fired, 1);
}

/* Sets, moves and cancels at random while time passes, and compares with what is expected of each timer. */
static void many_timers_that_come_and_go_keep_their_promises(void **state) {
    each_loop *each = *state;
    enum { COUNT = 500, STEPS = 20000 };
    static alarm_timer alarms[COUNT];
    static int expected[COUNT];
    memset(alarms, 0, sizeof(alarms));
    memset(expected, 0, sizeof(expected));
    uint32_t chance = 7;
    for (int step = 0; step < STEPS; step++) {
        chance = chance * 1664525 + 1013904223;
        alarm_timer *alarm = &alarms[chance / 7 % COUNT];
        alarm->loop = each->loop;
        if (chance >> 29 == 0)
            tow_timer_cancel(each->loop, &alarm->timer);
        else
            set(alarm, each, (int)(alarm - alarms),
                tow_loop_now(each->loop) + (INT64_C(1) << (chance >> 16) % 36) + (int64_t)(chance % 1000));
        for (int i = 0; i < COUNT; i++)
            expected[i] = alarms[i].fired + tow_timer_is_set(&alarms[i].timer);
        if (step % 3 == 0)
            tow_loop_step(each->loop);
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(alarms[i].fired + tow_timer_is_set(&alarms[i].timer), expected[i]);
            if (tow_timer_is_set(&alarms[i].timer))
                assert_true(alarms[i].deadline + tolerance > tow_loop_now(each->loop));
        }
    }
    run_to_the_end(each);
    for (int i = 0; i < COUNT; i++)
        if (alarms[i].fired > 0)
            assert_true(alarms[i].fired_at >= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(a_timer_never_fires_early),
        IN_THE_SIMULATOR(a_timer_fires_within_two_ticks_however_far_it_is),
        IN_THE_SIMULATOR(timers_at_the_edges_of_wheel_slots_are_punctual),
        IN_THE_SIMULATOR(timers_fire_in_the_order_of_their_deadlines),
        IN_THE_SIMULATOR(timers_for_the_same_moment_fire_in_the_order_in_which_they_were_set),
        ON_EACH_LOOP(a_cancelled_timer_does_not_fire),
        ON_EACH_LOOP(a_timer_may_cancel_others_that_are_due_with_it),
        ON_EACH_LOOP(setting_a_timer_again_moves_it),
        ON_EACH_LOOP(a_timer_may_set_itself_again),
        ON_EACH_LOOP(a_timer_for_the_past_fires_in_the_next_round),
        ON_EACH_LOOP(the_farthest_deadline_can_be_set_and_cancelled),
        IN_THE_SIMULATOR(many_timers_that_come_and_go_keep_their_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
