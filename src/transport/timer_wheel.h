/* timer_wheel: the timers of one loop, in slots of a hierarchical wheel.
 *
 * Ticks are 2^20 nanoseconds (1.05 ms). A timer lies on the level of the highest digit (base 64) in which its
 * tick differs from the wheel's, so it is always ahead of the wheel within its level, and the lowest level
 * that holds anything is due first. Passing the start of a slot deals its timers out to lower levels. */
#ifndef TOW_TRANSPORT_TIMER_WHEEL_H
#define TOW_TRANSPORT_TIMER_WHEEL_H

#include "transport/timer.h"

#include <stddef.h>

/* 8 levels of 6 bits are 48 bits of ticks; a deadline of 63 bits has 43. */
enum { TOW_WHEEL_LEVELS = 8, TOW_WHEEL_SLOTS = 64 };

typedef struct tow_timer_wheel {
    uint64_t tick;                   /* all timers up to this tick are due or have fired */
    uint64_t next;                   /* slot with timers begins at this tick; if past: to be looked for */
    size_t count;                    /* timers that are set */
    tow_timer *due;                  /* newest first */
    tow_timer *firing;               /* oldest first, while timers fire */
    uint64_t used[TOW_WHEEL_LEVELS]; /* a bit for each slot that may hold timers */
    tow_timer *slots[TOW_WHEEL_LEVELS][TOW_WHEEL_SLOTS];
} tow_timer_wheel;

void tow_timer_wheel_init(tow_timer_wheel *wheel, int64_t now);

void tow_timer_wheel_set(
    tow_timer_wheel *wheel, tow_timer *timer, int64_t deadline, tow_timer_callback callback);
void tow_timer_wheel_cancel(tow_timer_wheel *wheel, tow_timer *timer);

/* Fires what is due at `now`, in the order of ticks, and within a tick in the order in which timers were set.
 * What callbacks set anew fires in a later call. */
void tow_timer_wheel_fire(tow_timer_wheel *wheel, int64_t now);

/* When to call tow_timer_wheel_fire next: not later than the next timer's tick; INT64_MAX without timers. */
int64_t tow_timer_wheel_next(tow_timer_wheel *wheel);

#endif
