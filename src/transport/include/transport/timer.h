/* timer: something to do later, on a hierarchical wheel with ticks of about a millisecond.
 *
 * A timer is embedded in what owns it. Setting, moving and cancelling allocate nothing and cost O(1); a timer
 * fires at its deadline or up to two ticks later, never before. Connections move theirs lazily: they note
 * when they last heard something, and set the timer again only when it fires. What users hold as a timer
 * (towline/timer.h) has one of these in it. */
#ifndef TOW_TRANSPORT_TIMER_H
#define TOW_TRANSPORT_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <towline/loop.h>
#include <towline/timer.h>

typedef void (*tow_timer_callback)(tow_timer *timer);

struct tow_timer { /* zeroed: not set. 32 bytes */
    tow_timer *next;
    tow_timer **previous; /* what points here; NULL while not set */
    tow_timer_callback callback;
    uint64_t tick; /* private */
};

#define TOW_MILLISECOND INT64_C(1000000)
#define TOW_SECOND INT64_C(1000000000)

/* (Re)sets the timer to fire at `deadline`, in tow_loop_now's nanoseconds. */
void tow_timer_set(tow_loop *loop, tow_timer *timer, int64_t deadline, tow_timer_callback callback);

/* Nothing happens if it is not set. */
void tow_timer_cancel(tow_loop *loop, tow_timer *timer);

static inline bool tow_timer_is_set(const tow_timer *timer) {
    return timer->previous != 0;
}

#endif
