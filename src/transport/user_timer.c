/* What users hold as a timer (towline/timer.h): one of the loop's wheel, with what it is to do. A loop that
 * is freed lets go of those that are left. */
#include "loop_shared.h"

#include <stdlib.h>
#include <towline/error.h>
#include <towline/timer.h>

#define TIME_MAX (INT64_MAX / 4) /* of which a sum of two has room on the wheel */

struct tow_user_timer {
    tow_timer timer; /* first: what users hold */
    tow_loop *loop;  /* NULL: it has been freed */
    tow_user_timer *next;
    tow_user_timer **previous; /* what points here */
    tow_on_timer on_timer;
    void *user;
    int64_t due;
    int64_t period; /* nanoseconds; 0: once */
};

static tow_user_timer *self_of(tow_timer *timer) {
    return (tow_user_timer *)(void *)timer;
}

static const tow_user_timer *self_of_const(const tow_timer *timer) {
    return (const tow_user_timer *)(const void *)timer;
}

static void leave_loop(tow_user_timer *self) {
    if (self->loop == NULL)
        return;
    tow_timer_cancel(self->loop, &self->timer);
    *self->previous = self->next;
    if (self->next != NULL)
        self->next->previous = self->previous;
    self->loop = NULL;
}

static void part_all(tow_loop *loop) {
    while (loop->user_timers != NULL)
        leave_loop(loop->user_timers);
}

int tow_timer_new(tow_timer **timer, tow_loop *loop, tow_on_timer on_timer, void *user) {
    if (timer == NULL || loop == NULL || on_timer == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_user_timer *self = malloc(sizeof(*self));
    if (self == NULL)
        return TOW_ERROR_MEMORY;
    *self = (tow_user_timer){.loop = loop,
        .next = loop->user_timers,
        .previous = &loop->user_timers,
        .on_timer = on_timer,
        .user = user};
    if (self->next != NULL)
        self->next->previous = &self->next;
    loop->user_timers = self;
    loop->part_user_timers = part_all;
    *timer = &self->timer;
    return 0;
}

void tow_timer_free(tow_timer *timer) {
    if (timer == NULL)
        return;
    leave_loop(self_of(timer));
    free(timer);
}

/* The round may have begun before the timer was started for it. */
static int64_t next_due(const tow_user_timer *self, int64_t now) {
    int64_t missed = now > self->due ? (now - self->due) / self->period : 0;
    return self->due + (missed + 1) * self->period;
}

/* Nothing is touched behind the callback, which may have freed the timer. */
static void fire(tow_timer *timer) {
    tow_user_timer *self = self_of(timer);
    if (self->period > 0) {
        self->due = next_due(self, tow_loop_now(self->loop));
        tow_timer_set(self->loop, timer, self->due, fire);
    }
    self->on_timer(timer);
}

static int64_t nanoseconds(int64_t milliseconds) {
    return milliseconds < TIME_MAX / TOW_MILLISECOND ? milliseconds * TOW_MILLISECOND : TIME_MAX;
}

/* The time of the round would be too early for who has worked in it for a while. */
int tow_timer_start(tow_timer *timer, int64_t milliseconds, int64_t repeat_milliseconds) {
    if (timer == NULL || milliseconds < 0 || repeat_milliseconds < 0)
        return TOW_ERROR_ARGUMENT;
    tow_user_timer *self = self_of(timer);
    if (self->loop == NULL)
        return TOW_ERROR_STATE;
    self->due = tow_loop_clock(self->loop) + nanoseconds(milliseconds);
    self->period = nanoseconds(repeat_milliseconds);
    tow_timer_set(
        self->loop, timer, milliseconds == 0 ? 0 : self->due, fire); /* 0: whatever the wheel's tick */
    return 0;
}

void tow_timer_stop(tow_timer *timer) {
    if (timer != NULL && self_of(timer)->loop != NULL)
        tow_timer_cancel(self_of(timer)->loop, timer);
}

bool tow_timer_is_started(const tow_timer *timer) {
    return timer != NULL && tow_timer_is_set(timer);
}

void *tow_timer_user(const tow_timer *timer) {
    return timer == NULL ? NULL : self_of_const(timer)->user;
}

tow_loop *tow_timer_loop(const tow_timer *timer) {
    return timer == NULL ? NULL : self_of_const(timer)->loop;
}
