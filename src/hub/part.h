/* part: what a worker has of the hub: the places of channels with subscribers there, and turns in which it
 * tells them.
 *
 * A turn is bounded: what is left waits for the next round of the loop, and places take turns. In each: first
 * those who have just subscribed are told so, then those who take again get what waited for them, then the
 * places deliver what was left there, then questions are answered. */
#ifndef TOW_HUB_PART_H
#define TOW_HUB_PART_H

#include "base/count.h"
#include "base/slab.h"
#include "channel.h"
#include "aside.h"
#include "transport/timer.h"

/* tow_subscription.flags. What comes for one that is UNREADY or WAITS goes into its backlog. */
enum {
    TOW_SUBSCRIPTION_UNREADY = 1 << 0, /* it takes no more */
    TOW_SUBSCRIPTION_WAITS = 1 << 1,   /* it is to hear of what is in its aside first */
    TOW_SUBSCRIPTION_LISTENS = 1 << 2, /* to events of presence */
    TOW_SUBSCRIPTION_DEAF = 1 << 3,    /* to messages */
    TOW_SUBSCRIPTION_COUNTS = 1 << 4,  /* it wants to know how many there are */
    TOW_SUBSCRIPTION_EVENTS = TOW_SUBSCRIPTION_LISTENS | TOW_SUBSCRIPTION_COUNTS
};

/* The flag of those who get what is published of a kind; 0: all do who are not deaf. */
static inline unsigned tow_subscription_flag_for(const tow_published *published) {
    static const uint8_t flags[] = {[TOW_PUBLISHED_MESSAGE] = 0,
        [TOW_PUBLISHED_JOINED] = TOW_SUBSCRIPTION_LISTENS,
        [TOW_PUBLISHED_LEFT] = TOW_SUBSCRIPTION_LISTENS,
        [TOW_PUBLISHED_COUNT] = TOW_SUBSCRIPTION_COUNTS};
    return flags[published->kind];
}

/* tow_subscription.seen */
#define TOW_SEEN_MAX ((UINT64_C(1) << 48) - 1)

struct tow_hub_part {
    tow_letter letter; /* first; its own, for the next turn */
    tow_hub *hub;      /* NULL: it has ended */
    size_t number;
    tow_loop *loop;
    void (*open_places)(tow_letter *letters); /* what opens the letters of places */
    bool posted;                              /* the letter is on its way */
    bool is_ending;                           /* nobody subscribes any more */
    tow_letter *due;                          /* of places that have something to deliver: the first */
    tow_letter **due_end;
    tow_ring fresh;                 /* asides of those who are to hear that they are subscribed */
    tow_ring ready;                 /* of those for whom something waits that they take */
    tow_ring questions;             /* to be answered */
    tow_ring asked;                 /* those that the store has kept */
    _Atomic(tow_letter *) answered; /* calls that subscriptions wait for, the last one first */
    tow_slab asides;
    const tow_subscription *current; /* whose callback runs, as long as it is subscribed */
    uint8_t ended_length;            /* of the channel of what has just ended */
    char ended_name[TOW_CHANNEL_NAME_MAX];
    uint64_t round; /* of the loop, in which so much work was done: */
    uint32_t work;
    _Atomic int64_t pending; /* bytes that others left and that are not delivered */
    tow_letter sweep_letter; /* asks it to look at idle channels */
    bool sweep_posted;       /* under the hub's mutex */
    tow_timer sweep_timer;
    uint64_t waiting_bytes; /* for slow subscribers */
    uint64_t subscriptions; /* now */
    tow_hub_counters counters;
};

/* The part's thread: what waits for slow subscribers has become more or less. */
static inline void tow_hub_part_waits(tow_hub_part *part, uint64_t before, uint64_t now) {
    tow_count_add(&part->waiting_bytes, now - before);
}

/* Of the part's thread: what a call that failed is counted as. */
void tow_hub_count_failure(tow_hub_part *part, int error);

/* Somebody has come back where it was. */
static inline void tow_hub_count_return(tow_hub_part *part, bool is_whole) {
    tow_count(is_whole ? &part->counters.resumed : &part->counters.gone);
}

/* Any thread, in order. */
bool tow_hub_part_has_room(const tow_hub_part *part, size_t size);

static inline void tow_hub_part_expect(tow_hub_part *part, size_t size) {
    atomic_fetch_add_explicit(&part->pending, (int64_t)size, memory_order_relaxed);
}

/* The part's thread. There is something to do: a turn comes in a later round. */
void tow_hub_part_wake(tow_hub_part *part);

/* Whether there is time left in this round; and counts what was done of it, in deliveries. */
bool tow_hub_part_may_work(tow_hub_part *part);

static inline void tow_hub_part_work(tow_hub_part *part, uint32_t work) {
    part->work += work;
}

#endif
