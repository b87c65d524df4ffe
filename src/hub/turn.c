#include "turn.h"

#include "question.h"
#include "state.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

/* Deliveries in a round, so that a channel with many subscribers keeps the worker's other connections waiting
 * for some milliseconds at most. */
enum { WORK_A_ROUND = 1024 };

static tow_extra *first_extra(const tow_ring *list) {
    return (tow_extra *)((char *)list->next - offsetof(tow_extra, link));
}

/* Callbacks. While one runs, the part knows for which subscription, and forgets that when it ends. */

void tow_turn_end(tow_subscription *subscription, tow_subscription_end why) {
    const tow_subscriber *kind = subscription->kind;
    tow_unsubscribe(subscription);
    kind->ended(subscription, why);
}

void tow_turn_give(tow_subscription *subscription, tow_burst *burst) {
    tow_hub_part *part = subscription->place->part;
    tow_count(&part->counters.bursts);
    tow_count_add(&part->counters.deliveries, burst->count);
    part->current = subscription;
    bool takes_more = subscription->kind->deliver(subscription, burst);
    if (!takes_more && part->current == subscription)
        subscription->flags |= TOW_SUBSCRIPTION_UNREADY;
    part->current = NULL;
}

/* What waits */

static int keep_all(tow_hub_part *part, tow_extra *extra, const tow_burst *burst) {
    const tow_channel_policy *policy = tow_hub_policy_of(part->hub, extra->subscription->place->channel);
    tow_backlog *backlog = &extra->backlog;
    uint64_t bytes = backlog->bytes;
    uint64_t lost = backlog->gap.count;
    int error = 0;
    for (size_t i = 0; error == 0 && i < burst->count; i++)
        error = tow_backlog_add(backlog, burst->items[i], policy);
    tow_hub_part_waits(part, bytes, backlog->bytes);
    tow_count_add(&part->counters.slow_dropped, backlog->gap.count - lost);
    return error;
}

void tow_turn_keep(tow_subscription *subscription, const tow_burst *burst) {
    tow_hub_part *part = subscription->place->part;
    tow_extra *extra = tow_extra_need(part, subscription);
    int error = extra == NULL ? TOW_ERROR_MEMORY : keep_all(part, extra, burst);
    if (error == 0) {
        subscription->flags |= TOW_SUBSCRIPTION_WAITS;
        return;
    }
    bool is_slow = error == TOW_ERROR_LIMIT;
    tow_count(is_slow ? &part->counters.slow_ended : &part->counters.memory_failures);
    tow_turn_end(subscription, is_slow ? TOW_SUBSCRIPTION_SLOW : TOW_SUBSCRIPTION_LOST);
}

/* Nothing waits any more, or it is the subscriber's turn to say that it takes more. */
static void rest(tow_hub_part *part, tow_subscription *subscription) {
    tow_extra *extra = tow_extra_of(part, subscription);
    tow_extra_delist(extra);
    if (tow_backlog_is_empty(&extra->backlog))
        subscription->flags &= (uint16_t)~TOW_SUBSCRIPTION_WAITS;
    tow_extra_settle(part, subscription);
}

/* Returns whether the subscription is still there. */
static bool tell_gap(tow_hub_part *part, tow_subscription *subscription, tow_backlog *backlog) {
    tow_gap gap;
    if (!tow_backlog_take_gap(backlog, &gap) || subscription->kind->gap == NULL)
        return true;
    part->current = subscription;
    subscription->kind->gap(subscription, &gap);
    bool is_there = part->current == subscription;
    part->current = NULL;
    return is_there;
}

static void give_waiting(tow_hub_part *part, tow_extra *extra) {
    tow_subscription *subscription = extra->subscription;
    tow_published *items[TOW_BURST_ITEMS_MAX];
    if (!tell_gap(part, subscription, &extra->backlog))
        return;
    uint64_t bytes = extra->backlog.bytes;
    tow_burst burst = {.items = items, .count = tow_backlog_take(&extra->backlog, items)};
    tow_hub_part_waits(part, bytes, extra->backlog.bytes);
    bool is_last = tow_backlog_is_empty(&extra->backlog);
    if (is_last)
        rest(part, subscription); /* before the callback: it may end everything */
    if (burst.count > 0)
        tow_turn_give(subscription, &burst);
    for (size_t i = 0; i < burst.count; i++)
        tow_published_release(items[i]);
    tow_burst_clear(&burst);
}

static void give_to_ready(tow_hub_part *part) {
    while (!tow_ring_is_empty(&part->ready) && tow_hub_part_may_work(part)) {
        tow_extra *extra = first_extra(&part->ready);
        if (extra->subscription->flags & TOW_SUBSCRIPTION_UNREADY)
            rest(part, extra->subscription);
        else
            give_waiting(part, extra);
        tow_hub_part_work(part, 1);
    }
}

void tow_subscription_ready(tow_subscription *subscription) {
    if (subscription->kind == NULL || (subscription->flags & TOW_SUBSCRIPTION_UNREADY) == 0)
        return;
    tow_hub_part *part = subscription->place->part;
    subscription->flags &= (uint16_t)~TOW_SUBSCRIPTION_UNREADY;
    tow_extra *extra = tow_extra_of(part, subscription);
    if (extra == NULL || extra->told != NULL || tow_backlog_is_empty(&extra->backlog))
        return;
    tow_extra_enlist(extra, &part->ready);
    tow_hub_part_wake(part);
}

/* That they are subscribed */

void tow_turn_expect(tow_hub_part *part, tow_subscription *subscription) {
    tow_extra *extra = tow_extra_of(part, subscription);
    if (extra == NULL)
        return;
    subscription->flags |= TOW_SUBSCRIPTION_WAITS;
    tow_extra_enlist(extra, &part->fresh);
    tow_hub_part_wake(part);
}

static void tell_subscribed(tow_hub_part *part, tow_extra *extra) {
    tow_subscription *subscription = extra->subscription;
    tow_told *told = extra->told;
    extra->told = NULL;
    if (tow_backlog_is_empty(&extra->backlog))
        rest(part, subscription);
    else
        tow_extra_enlist(extra, &part->ready);
    if (subscription->kind->subscribed != NULL)
        subscription->kind->subscribed(subscription, &told->what);
    tow_told_free(told);
}

static void tell_fresh(tow_hub_part *part) {
    while (!tow_ring_is_empty(&part->fresh) && tow_hub_part_may_work(part)) {
        tell_subscribed(part, first_extra(&part->fresh));
        tow_hub_part_work(part, 1);
    }
}

/* Places take turns. A place is `posted` from the letter on until nothing is left at it, so that its letter
 * is in one list only. */

static void add_due(tow_hub_part *part, tow_place *place) {
    place->letter.next = NULL;
    *part->due_end = &place->letter;
    part->due_end = &place->letter.next;
}

static tow_place *take_due(tow_hub_part *part) {
    tow_letter *letter = part->due;
    part->due = letter->next;
    if (part->due == NULL)
        part->due_end = &part->due;
    return (tow_place *)letter;
}

static const tow_letter *last_due(const tow_hub_part *part) {
    if (part->due == NULL)
        return NULL;
    return (const tow_letter *)(const void *)((const char *)part->due_end - offsetof(tow_letter, next));
}

/* Each of those that are there once: what is left at one meanwhile is joined to what the next round brings.
 */
static void deliver_due(tow_hub_part *part) {
    const tow_letter *last = last_due(part);
    for (bool is_last = last == NULL; !is_last && tow_hub_part_may_work(part);) {
        tow_place *place = take_due(part);
        is_last = &place->letter == last;
        if (!tow_place_deliver(place))
            add_due(part, place);
        else
            tow_place_settle(place);
    }
}

void tow_places_arrive(tow_letter *letters) {
    tow_hub_part *part = NULL;
    for (tow_letter *letter = letters, *next; letter != NULL; letter = next) {
        next = letter->next;
        tow_place *place = (tow_place *)letter;
        if (place->channel != NULL) {
            part = place->part;
            add_due(part, place);
        } else {
            place->posted = false;
            tow_place_settle(place);
        }
    }
    if (part != NULL)
        tow_turn_run(part);
}

static bool has_more(const tow_hub_part *part) {
    return part->due != NULL || !tow_ring_is_empty(&part->fresh) || !tow_ring_is_empty(&part->ready) ||
           !tow_ring_is_empty(&part->questions);
}

void tow_turn_run(tow_hub_part *part) {
    tell_fresh(part);
    give_to_ready(part);
    deliver_due(part);
    tow_questions_answer(part);
    if (has_more(part))
        tow_hub_part_wake(part);
}

bool tow_hub_part_may_work(tow_hub_part *part) {
    uint64_t round = tow_loop_count(part->loop)->rounds;
    if (part->round != round) {
        part->round = round;
        part->work = 0;
    }
    return part->work < WORK_A_ROUND;
}
