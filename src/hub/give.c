/* give: what one subscriber hears. Callbacks may end any subscription, this one too: while one runs, the part
 * knows for which it is, and forgets that when it ends. */
#include "give.h"

#include "state.h"

#include <towline/error.h>

void tow_give_end(tow_subscription *subscription, tow_subscription_end why) {
    const tow_subscriber *kind = subscription->kind;
    tow_hub_part *part = subscription->place->part;
    tow_slice channel = tow_subscription_channel(subscription);
    part->ended_length = (uint8_t)channel.length;
    memcpy(part->ended_name, channel.data, channel.length);
    tow_unsubscribe(subscription);
    kind->ended(subscription, why);
}

tow_slice tow_subscription_ended_channel(const tow_hub_part *part) {
    return (tow_slice){part->ended_name, part->ended_length};
}

void tow_give_burst(tow_subscription *subscription, tow_burst *burst) {
    tow_hub_part *part = subscription->place->part;
    tow_count(&part->counters.bursts);
    tow_count_add(&part->counters.deliveries, burst->count);
    subscription->kind->deliver(subscription, burst);
}

/* What waits */

enum { LOOKED_AT_A_WORK = 64 }; /* items of a backlog */

static int keep_all(tow_hub_part *part, tow_aside *aside, const tow_burst *burst) {
    const tow_channel_policy *policy = tow_hub_policy_of(part->hub, aside->subscription->place->channel);
    tow_backlog *backlog = &aside->backlog;
    uint64_t bytes = backlog->bytes;
    uint64_t lost = backlog->gap.count;
    int error = 0;
    for (size_t i = 0; error == 0 && i < burst->count; i++)
        error = tow_backlog_add(backlog, burst->items[i], policy);
    tow_hub_part_work(part, (uint32_t)(backlog->looked_at / LOOKED_AT_A_WORK));
    backlog->looked_at = 0;
    tow_hub_part_waits(part, bytes, backlog->bytes);
    bool replaces = policy->slow == TOW_SLOW_LATEST;
    tow_count_add(
        replaces ? &part->counters.slow_replaced : &part->counters.slow_dropped, backlog->gap.count - lost);
    return error;
}

void tow_give_later(tow_subscription *subscription, const tow_burst *burst) {
    tow_hub_part *part = subscription->place->part;
    tow_aside *aside = tow_aside_need(part, subscription);
    int error = aside == NULL ? TOW_ERROR_MEMORY : keep_all(part, aside, burst);
    if (error == 0) {
        subscription->flags |= TOW_SUBSCRIPTION_WAITS;
        return;
    }
    bool is_slow = error == TOW_ERROR_LIMIT;
    tow_count(is_slow ? &part->counters.slow_ended : &part->counters.memory_failures);
    tow_give_end(subscription, is_slow ? TOW_SUBSCRIPTION_SLOW : TOW_SUBSCRIPTION_LOST);
}

/* Nothing waits any more, or it is the subscriber's turn to say that it takes more. */
void tow_give_rest(tow_hub_part *part, tow_subscription *subscription) {
    tow_aside *aside = tow_aside_of(part, subscription);
    tow_aside_delist(aside);
    if (tow_backlog_is_empty(&aside->backlog))
        subscription->flags &= (uint16_t)~TOW_SUBSCRIPTION_WAITS;
    tow_aside_settle(part, subscription);
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

void tow_give_waiting(tow_hub_part *part, tow_aside *aside) {
    tow_subscription *subscription = aside->subscription;
    tow_published *items[TOW_BURST_ITEMS_MAX];
    if (!tell_gap(part, subscription, &aside->backlog))
        return;
    uint64_t bytes = aside->backlog.bytes;
    tow_burst burst = {.items = items, .count = tow_backlog_take(&aside->backlog, items)};
    tow_hub_part_waits(part, bytes, aside->backlog.bytes);
    tow_hub_part_work(part, tow_burst_work(&burst));
    bool is_last = tow_backlog_is_empty(&aside->backlog);
    if (is_last)
        tow_give_rest(part, subscription); /* before the callback: it may end everything */
    if (burst.count > 0)
        tow_give_burst(subscription, &burst);
    for (size_t i = 0; i < burst.count; i++)
        tow_published_release(items[i]);
    tow_burst_clear(&burst);
}

void tow_give_subscribed(tow_hub_part *part, tow_aside *aside) {
    tow_subscription *subscription = aside->subscription;
    tow_told *told = aside->told;
    aside->told = NULL;
    if (tow_backlog_is_empty(&aside->backlog))
        tow_give_rest(part, subscription);
    else
        tow_aside_enlist(aside, &part->ready);
    if (subscription->kind->subscribed != NULL)
        subscription->kind->subscribed(subscription, &told->what);
    tow_told_free(told);
}
