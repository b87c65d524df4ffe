#include "timer_wheel.h"

enum { TICK_SHIFT = 20, LEVEL_BITS = 6 };

static uint64_t tick_at_or_after(int64_t time) {
    return time <= 0 ? 0 : ((uint64_t)time + (UINT64_C(1) << TICK_SHIFT) - 1) >> TICK_SHIFT;
}

void tow_timer_wheel_init(tow_timer_wheel *wheel, int64_t now) {
    *wheel = (tow_timer_wheel){.tick = (uint64_t)now >> TICK_SHIFT};
}

static void push(tow_timer **list, tow_timer *timer) {
    timer->next = *list;
    timer->previous = list;
    if (timer->next != NULL)
        timer->next->previous = &timer->next;
    *list = timer;
}

static void unlink_timer(tow_timer *timer) {
    *timer->previous = timer->next;
    if (timer->next != NULL)
        timer->next->previous = timer->previous;
    timer->previous = NULL;
}

/* Moves all timers of `from` to the front of `to`, which turns their order round. */
static void push_all(tow_timer **to, tow_timer **from) {
    while (*from != NULL) {
        tow_timer *timer = *from;
        unlink_timer(timer);
        push(to, timer);
    }
}

static void insert(tow_timer_wheel *wheel, tow_timer *timer) {
    wheel->next = 0;
    if (timer->tick <= wheel->tick) {
        push(&wheel->due, timer);
        return;
    }
    unsigned level = (63 - (unsigned)__builtin_clzll(timer->tick ^ wheel->tick)) / LEVEL_BITS;
    unsigned slot = (timer->tick >> (level * LEVEL_BITS)) % TOW_WHEEL_SLOTS;
    wheel->used[level] |= UINT64_C(1) << slot;
    push(&wheel->slots[level][slot], timer);
}

void tow_timer_wheel_set(
    tow_timer_wheel *wheel, tow_timer *timer, int64_t deadline, tow_timer_callback callback) {
    if (timer->previous != NULL)
        unlink_timer(timer);
    else
        wheel->count++;
    timer->callback = callback;
    timer->tick = tick_at_or_after(deadline);
    insert(wheel, timer);
}

void tow_timer_wheel_cancel(tow_timer_wheel *wheel, tow_timer *timer) {
    if (timer->previous == NULL)
        return;
    unlink_timer(timer);
    wheel->count--;
    wheel->next = 0;
}

/* The first slot of a level, ahead of the wheel, that holds timers; -1 if there is none. Cancelling leaves
 * the bits of emptied slots set: they are cleared here. */
static int first_slot(tow_timer_wheel *wheel, unsigned level) {
    unsigned digit = (wheel->tick >> (level * LEVEL_BITS)) % TOW_WHEEL_SLOTS;
    uint64_t ahead = wheel->used[level] & ~((UINT64_C(2) << digit) - 1);
    for (; ahead != 0; ahead &= ahead - 1) {
        int slot = __builtin_ctzll(ahead);
        if (wheel->slots[level][slot] != NULL)
            return slot;
        wheel->used[level] &= ~(UINT64_C(1) << slot);
    }
    return -1;
}

/* Finds the slot that begins next and returns its first tick; UINT64_MAX if all are empty. */
static uint64_t next_slot(tow_timer_wheel *wheel, tow_timer ***list) {
    for (unsigned level = 0; level < TOW_WHEEL_LEVELS; level++) {
        int slot = first_slot(wheel, level);
        if (slot < 0)
            continue;
        unsigned shift = level * LEVEL_BITS;
        uint64_t above = wheel->tick >> (shift + LEVEL_BITS) << (shift + LEVEL_BITS);
        *list = &wheel->slots[level][slot];
        return above | (uint64_t)slot << shift;
    }
    return UINT64_MAX;
}

/* Turning a slot's order round twice keeps every list newest first. */
static void deal_out(tow_timer_wheel *wheel, tow_timer **list) {
    tow_timer *oldest_first = NULL;
    push_all(&oldest_first, list);
    while (oldest_first != NULL) {
        tow_timer *timer = oldest_first;
        unlink_timer(timer);
        insert(wheel, timer);
    }
}

static void advance(tow_timer_wheel *wheel, uint64_t tick) {
    while (wheel->tick < tick) {
        tow_timer **list;
        uint64_t next = next_slot(wheel, &list);
        wheel->tick = next < tick ? next : tick;
        if (next <= tick)
            deal_out(wheel, list);
    }
}

void tow_timer_wheel_fire(tow_timer_wheel *wheel, int64_t now) {
    uint64_t tick = (uint64_t)now >> TICK_SHIFT;
    if (tick < wheel->next && wheel->due == NULL) { /* most rounds */
        wheel->tick = tick;
        return;
    }
    advance(wheel, tick);
    push_all(&wheel->firing, &wheel->due);
    while (wheel->firing != NULL) {
        tow_timer *timer = wheel->firing;
        unlink_timer(timer);
        wheel->count--;
        timer->callback(timer);
    }
}

int64_t tow_timer_wheel_next(tow_timer_wheel *wheel) {
    if (wheel->due != NULL)
        return 0;
    tow_timer **list;
    if (wheel->next <= wheel->tick)
        wheel->next = wheel->count == 0 ? UINT64_MAX : next_slot(wheel, &list);
    return wheel->next == UINT64_MAX ? INT64_MAX : (int64_t)(wheel->next << TICK_SHIFT);
}
