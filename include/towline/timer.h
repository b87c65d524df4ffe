/* towline/timer.h: something to do later, or again and again, on a loop.
 *
 *     static void tick(tow_timer *timer) { tell_time(tow_timer_user(timer)); }
 *     ...
 *     tow_timer *timer;
 *     if (tow_timer_new(&timer, loop, tick, clock) != 0) return 1;
 *     tow_timer_start(timer, 0, 1000); // at once, and then each second
 *     ...
 *     tow_timer_free(timer);
 *
 * Every call is for the thread of the timer's loop, also in any callback on it, the timer's own included. A
 * timer that is started keeps its loop running (tow_loop_run); it does not keep a server that is stopped.
 */
#ifndef TOWLINE_TIMER_H
#define TOWLINE_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <towline/loop.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_timer tow_timer;

typedef void (*tow_on_timer)(tow_timer *timer);

/* Makes a timer, which is not started and is the caller's until tow_timer_free. `user` is what
 * tow_timer_user answers. Errors: ARGUMENT, MEMORY. */
int tow_timer_new(tow_timer **timer, tow_loop *loop, tow_on_timer on_timer, void *user);

/* Frees it; on_timer does not come any more. Before its loop is freed, or later. NULL is allowed. */
void tow_timer_free(tow_timer *timer);

/* on_timer comes when so many milliseconds are over, never before, up to 2 later by the timer itself, and
 * later if the loop is busy; for 0 in the next round at the latest. Then it comes every
 * `repeat_milliseconds`, as counted from the first time, or, if that is 0, not again. What a busy loop has
 * missed is left out. A timer that is started already begins anew. No callback runs inside this call. Errors:
 * ARGUMENT (less than 0), STATE (the loop has been freed). */
int tow_timer_start(tow_timer *timer, int64_t milliseconds, int64_t repeat_milliseconds);

/* on_timer does not come until the timer is started again. */
void tow_timer_stop(tow_timer *timer);

/* Whether on_timer is to come. In on_timer: whether it is to come again. */
bool tow_timer_is_started(const tow_timer *timer);

/* The pointer that it was made with. */
void *tow_timer_user(const tow_timer *timer);

/* Its loop; NULL when that has been freed, which stops its timers. */
tow_loop *tow_timer_loop(const tow_timer *timer);

#ifdef __cplusplus
}
#endif

#endif
