/* Timers as users have them (towline/timer.h), on each kind of loop. */
#include "each_loop.h"

#include "transport/watch.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#define MILLISECONDS(count) ((count)*TOW_MILLISECOND)

enum { FIRED_MAX = 64 };

/* What a timer has done, and what it does when it fires. */
typedef struct record {
    each_loop *each;
    tow_timer *timer;
    int64_t started;
    int64_t times[FIRED_MAX]; /* since `started` */
    int fired;
    bool was_started; /* in its last call */
    int enough;       /* it stops its loop then; 0: never */
    void (*act)(struct record *record);
    struct record *other;
} record;

static void note(tow_timer *timer) {
    record *self = tow_timer_user(timer);
    assert_ptr_equal(timer, self->timer);
    assert_true(self->fired < FIRED_MAX);
    self->times[self->fired++] = tow_loop_now(self->each->loop) - self->started;
    self->was_started = tow_timer_is_started(timer);
    if (self->act != NULL)
        self->act(self);
    if (self->fired == self->enough)
        tow_loop_stop(self->each->loop);
}

static void make(record *self, each_loop *each) {
    *self = (record){.each = each, .started = tow_loop_now(each->loop)};
    assert_int_equal(tow_timer_new(&self->timer, each->loop, note, self), 0);
    assert_ptr_equal(tow_timer_loop(self->timer), each->loop);
    assert_false(tow_timer_is_started(self->timer));
}

static void start(record *self, int64_t milliseconds, int64_t repeat) {
    assert_int_equal(tow_timer_start(self->timer, milliseconds, repeat), 0);
    assert_true(tow_timer_is_started(self->timer));
}

static void a_timer_fires_once_and_not_before_its_time(void **state) {
    record once, at_once;
    make(&once, *state);
    make(&at_once, *state);
    start(&once, 30, 0);
    start(&at_once, 0, 0);
    run_to_the_end(*state);
    assert_int_equal(once.fired, 1);
    assert_int_equal(at_once.fired, 1);
    assert_true(once.times[0] >= MILLISECONDS(30));
    assert_true(at_once.times[0] <= once.times[0]);
    assert_false(once.was_started);
    tow_timer_free(once.timer);
    tow_timer_free(at_once.timer);
}

static void start_at_once(record *self) {
    start(self, 0, 0);
}

/* Whoever does work in slices gets on with it, and others have their rounds between. */
static void a_timer_of_no_time_fires_once_in_each_round(void **state) {
    each_loop *each = *state;
    record self;
    make(&self, each);
    self.act = start_at_once;
    start(&self, 0, 0);
    for (int i = 1; i <= 20; i++) {
        assert_true(tow_loop_step(each->loop) >= 0);
        assert_int_equal(self.fired, i);
    }
    self.act = NULL;
    start(&self, 0, 1000);
    assert_true(tow_loop_step(each->loop) >= 0);
    assert_int_equal(self.fired, 21);
    assert_true(tow_timer_is_started(self.timer));
    assert_true(tow_loop_step(each->loop) >= 0);
    assert_int_equal(self.fired, 21);
    tow_timer_free(self.timer);
}

static void a_timer_repeats_by_its_first_time(void **state) {
    record self;
    make(&self, *state);
    self.enough = 6;
    start(&self, 5, 20);
    run_to_the_end(*state);
    assert_int_equal(self.fired, 6);
    assert_true(self.was_started);
    for (int i = 0; i < self.fired; i++)
        assert_true(self.times[i] >= MILLISECONDS(5 + 20 * i));
    tow_timer_free(self.timer);
}

/* Virtual time is late by the wheel's ticks only, and these do not add up. */
static void repeats_do_not_drift(void **state) {
    record self;
    make(&self, *state);
    self.enough = FIRED_MAX;
    start(&self, 7, 7);
    run_to_the_end(*state);
    for (int i = 0; i < self.fired; i++) {
        assert_true(self.times[i] >= MILLISECONDS(7 * (i + 1)));
        assert_true(self.times[i] <= MILLISECONDS(7 * (i + 1) + 3));
    }
    tow_timer_free(self.timer);
}

static void keep_busy_once(record *self) {
    const struct timespec busy = {.tv_nsec = MILLISECONDS(95)};
    if (self->fired == 1)
        nanosleep(&busy, NULL);
}

static void what_a_busy_loop_missed_is_left_out(void **state) {
    record self;
    make(&self, *state);
    self.act = keep_busy_once;
    self.enough = 4;
    start(&self, 0, 20);
    run_to_the_end(*state);
    /* the one that was due meanwhile, late, and then those of the schedule */
    assert_true(self.times[1] >= MILLISECONDS(95));
    assert_true(self.times[2] >= MILLISECONDS(100));
    assert_true(self.times[3] >= MILLISECONDS(120));
    tow_timer_free(self.timer);
}

static void a_stopped_timer_does_not_fire_and_may_be_started_again(void **state) {
    record self;
    make(&self, *state);
    start(&self, 5, 5);
    tow_timer_stop(self.timer);
    tow_timer_stop(self.timer);
    assert_false(tow_timer_is_started(self.timer));
    run_to_the_end(*state); /* nothing keeps the loop */
    assert_int_equal(self.fired, 0);
    start(&self, 5, 0);
    run_to_the_end(*state);
    assert_int_equal(self.fired, 1);
    tow_timer_free(self.timer);
}

static void starting_again_begins_anew(void **state) {
    record self;
    make(&self, *state);
    start(&self, 5, 5);
    start(&self, 40, 0);
    run_to_the_end(*state);
    assert_int_equal(self.fired, 1);
    assert_true(self.times[0] >= MILLISECONDS(40));
    tow_timer_free(self.timer);
}

static void stop_itself(record *self) {
    if (self->fired == 3)
        tow_timer_stop(self->timer);
}

static void start_itself_once_more(record *self) {
    if (self->fired == 1)
        start(self, 10, 0);
}

static void free_itself(record *self) {
    tow_timer_free(self->timer);
}

static void a_timer_may_do_everything_in_its_own_call(void **state) {
    record stops, starts, frees;
    make(&stops, *state);
    make(&starts, *state);
    make(&frees, *state);
    stops.act = stop_itself;
    starts.act = start_itself_once_more;
    frees.act = free_itself;
    start(&stops, 1, 1);
    start(&starts, 1, 1);
    start(&frees, 1, 1);
    run_to_the_end(*state);
    assert_int_equal(stops.fired, 3);
    assert_int_equal(starts.fired, 2);
    assert_int_equal(frees.fired, 1);
    assert_true(starts.times[1] - starts.times[0] >= MILLISECONDS(10));
    tow_timer_free(stops.timer);
    tow_timer_free(starts.timer);
}

static void free_the_other(record *self) {
    tow_timer_free(self->other->timer);
}

static void stop_the_other(record *self) {
    tow_timer_stop(self->other->timer);
}

/* Both are due in the same round: the first keeps the second from its call. */
static void a_timer_may_stop_or_free_another_that_is_due(void **state) {
    record first, stopped, second, freed;
    make(&first, *state);
    make(&stopped, *state);
    make(&second, *state);
    make(&freed, *state);
    first.act = stop_the_other;
    first.other = &stopped;
    second.act = free_the_other;
    second.other = &freed;
    start(&first, 0, 0);
    start(&stopped, 0, 1);
    start(&second, 0, 0);
    start(&freed, 0, 1);
    run_to_the_end(*state);
    assert_int_equal(first.fired + second.fired, 2);
    assert_int_equal(stopped.fired + freed.fired, 0);
    tow_timer_free(first.timer);
    tow_timer_free(stopped.timer);
    tow_timer_free(second.timer);
}

static void forget_loop(each_loop *each) {
    tow_loop_free(each->loop);
    each->loop = NULL;
}

static void a_timer_outlives_its_loop_and_never_fires_then(void **state) {
    record due, repeating, later;
    make(&due, *state);
    make(&repeating, *state);
    make(&later, *state);
    start(&due, 0, 0);
    start(&repeating, 0, 1);
    start(&later, 1000, 0);
    tow_timer_free(later.timer); /* before the loop is as good */
    forget_loop(*state);
    assert_int_equal(due.fired + repeating.fired + later.fired, 0);
    assert_false(tow_timer_is_started(due.timer));
    assert_null(tow_timer_loop(due.timer));
    assert_ptr_equal(tow_timer_user(due.timer), &due);
    assert_int_equal(tow_timer_start(due.timer, 0, 0), TOW_ERROR_STATE);
    tow_timer_stop(due.timer);
    tow_timer_free(due.timer);
    tow_timer_free(repeating.timer);
}

static void times_below_zero_are_refused_and_none_is_too_long(void **state) {
    record self;
    make(&self, *state);
    assert_int_equal(tow_timer_start(self.timer, -1, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_timer_start(self.timer, 0, -1), TOW_ERROR_ARGUMENT);
    assert_false(tow_timer_is_started(self.timer));
    start(&self, INT64_MAX, INT64_MAX);
    run_for(*state, MILLISECONDS(5));
    assert_int_equal(self.fired, 0);
    start(&self, 0, INT64_MAX);
    run_for(*state, MILLISECONDS(5));
    assert_int_equal(self.fired, 1);
    assert_true(self.was_started);
    tow_timer_free(self.timer);
}

/* The time of the round is long over for who works in it: the timer is for the time of the call. */
static void work_then_start(record *self) {
    const struct timespec busy = {.tv_nsec = MILLISECONDS(50)};
    nanosleep(&busy, NULL);
    self->other->started = tow_loop_clock(self->each->loop);
    start(self->other, 20, 0);
}

static void a_start_counts_from_its_call(void **state) {
    record works, waits;
    make(&works, *state);
    make(&waits, *state);
    works.act = work_then_start;
    works.other = &waits;
    start(&works, 0, 0);
    run_to_the_end(*state);
    assert_int_equal(waits.fired, 1);
    assert_true(waits.times[0] >= MILLISECONDS(20));
    tow_timer_free(works.timer);
    tow_timer_free(waits.timer);
}

static void work_then_repeat(tow_watch *watch, int ready) {
    const struct timespec busy = {.tv_nsec = MILLISECONDS(40)};
    record *self = watch->user;
    tow_watch_stop(watch);
    nanosleep(&busy, NULL);
    self->started = tow_loop_clock(self->each->loop);
    start(self, 0, 10);
}

/* In the same round, whose time is that before the work. */
static void repeats_count_from_a_start_behind_work(void **state) {
    record self;
    int ends[2];
    make(&self, *state);
    self.enough = 3;
    tow_watch watch = {.user = &self};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(tow_watch_start(&watch, self.each->loop, ends[0], TOW_READABLE, work_then_repeat), 0);
    assert_int_equal(tow_loop_run(self.each->loop), 0);
    assert_true(self.times[1] >= MILLISECONDS(10));
    assert_true(self.times[2] >= MILLISECONDS(20));
    tow_timer_free(self.timer);
    close(ends[0]);
    close(ends[1]);
}

static void a_start_from_outside_wakes_a_foreign_loop(void **state) {
    each_loop *each = *state;
    record self;
    make(&self, each);
    struct pollfd wake = {.fd = tow_loop_fd(each->loop), .events = POLLIN};
    while (poll(&wake, 1, 0) == 1)
        tow_loop_step(each->loop);
    start(&self, 10, 0);
    for (int i = 0; self.fired == 0 && i < 1000; i++) {
        assert_int_equal(poll(&wake, 1, 5000), 1);
        assert_true(tow_loop_step(each->loop) >= 0);
    }
    assert_int_equal(self.fired, 1);
    tow_timer_free(self.timer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(a_timer_fires_once_and_not_before_its_time),
        ON_EACH_LOOP(a_timer_of_no_time_fires_once_in_each_round),
        ON_EACH_LOOP(a_timer_repeats_by_its_first_time),
        IN_THE_SIMULATOR(repeats_do_not_drift),
        ON_REAL_LOOPS(what_a_busy_loop_missed_is_left_out),
        ON_EACH_LOOP(a_stopped_timer_does_not_fire_and_may_be_started_again),
        ON_EACH_LOOP(starting_again_begins_anew),
        ON_EACH_LOOP(a_timer_may_do_everything_in_its_own_call),
        ON_EACH_LOOP(a_timer_may_stop_or_free_another_that_is_due),
        ON_EACH_LOOP(a_timer_outlives_its_loop_and_never_fires_then),
        ON_EACH_LOOP(times_below_zero_are_refused_and_none_is_too_long),
        ON_REAL_LOOPS(a_start_counts_from_its_call),
        ON_REAL_LOOPS(repeats_count_from_a_start_behind_work),
        ON_REAL_LOOPS(a_start_from_outside_wakes_a_foreign_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
