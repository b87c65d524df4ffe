/* place: what was left at a place goes to its subscribers, one burst after the other, each to all of them.
 * Rounds may end in between: a cursor stays, and moves on when its subscriber goes. */
#include "place.h"

#include "answered.h"
#include "give.h"
#include "state.h"

#include <assert.h>

/* Takes what was left, and what is to become of those who are there. */
static void take(tow_place *place) {
    tow_hold hold = tow_hub_hold_channel(place->part->hub, place->channel);
    place->batch = place->pending;
    place->pending = NULL;
    place->met = place->fates;
    place->fates = TOW_FATE_NONE;
    tow_hub_let_go(&hold);
    tow_answered_settle(place->part);
}

/* If nothing more is left, whoever leaves something posts the letter again. Returns whether that is so. */
static bool finish(tow_place *place) {
    if (place->channel == NULL) {
        place->posted = false;
        return true;
    }
    tow_hold hold = tow_hub_hold_channel(place->part->hub, place->channel);
    bool is_done =
        place->pending == NULL && place->fates == TOW_FATE_NONE && !tow_answered_are_some(place->part);
    place->posted = !is_done;
    tow_hub_let_go(&hold);
    return is_done;
}

/* Turns of those who are there; new ones stand behind all. */

static void begin_turns(tow_place *place) {
    if (place->cursor == NULL)
        place->cursor = place->subscribers.next;
}

static tow_subscription *next_in_turn(tow_place *place) {
    tow_ring *link = place->cursor;
    assert(link != &place->subscribers);
    place->cursor = link->next;
    return (tow_subscription *)((char *)link - offsetof(tow_subscription, link));
}

/* What becomes of them. */

static bool loses(const tow_place *place, const tow_subscription *subscription) {
    bool listens = (subscription->flags & TOW_SUBSCRIPTION_LISTENS) != 0;
    return (place->met & TOW_FATE_ALL_LOST) != 0 || ((place->met & TOW_FATE_LOST) != 0 && listens);
}

static bool is_present(const tow_hub_part *part, const tow_subscription *subscription) {
    const tow_aside *aside = tow_aside_of(part, subscription);
    return (subscription->flags & TOW_SUBSCRIPTION_LISTENS) != 0 ||
           (aside != NULL && tow_aside_is_member(aside));
}

static bool may_stay(const tow_place *place, const tow_subscription *subscription) {
    const tow_subscriber *kind = subscription->kind;
    if ((place->met & TOW_FATE_REVIEWED) == 0 || kind->is_inside)
        return true;
    const tow_channel_policy *policy = tow_hub_policy_of(place->part->hub, place->channel);
    if (policy->subscribe == TOW_ACCESS_NOBODY ||
        (!policy->presence && is_present(place->part, subscription)))
        return false;
    return policy->subscribe != TOW_ACCESS_TOKEN || kind->may_stay == NULL || kind->may_stay(subscription);
}

static void meet_fate(tow_place *place, tow_subscription *subscription) {
    if (loses(place, subscription))
        tow_give_end(subscription, TOW_SUBSCRIPTION_LOST);
    else if (!may_stay(place, subscription))
        tow_give_end(subscription, TOW_SUBSCRIPTION_REVOKED);
}

/* Returns whether all have met them; nobody may be left then. */
static bool meet_fates(tow_place *place) {
    begin_turns(place);
    while (place->cursor != &place->subscribers) {
        if (!tow_hub_part_may_work(place->part))
            return false;
        meet_fate(place, next_in_turn(place));
        tow_hub_part_work(place->part, 1);
    }
    place->cursor = NULL;
    place->met = TOW_FATE_NONE;
    return true;
}

/* One who does not get all of the piece. */

static bool is_for(const tow_published *published, const tow_subscription *subscription, uint64_t identity) {
    if (published->order <= subscription->seen)
        return false;
    if (published->kind != TOW_PUBLISHED_MESSAGE)
        return (subscription->flags & tow_subscription_flag_for(published)) != 0;
    bool is_left_out = published->leave_out != 0 && published->leave_out == identity;
    return (subscription->flags & TOW_SUBSCRIPTION_DEAF) == 0 && !is_left_out;
}

static void give_or_keep(tow_subscription *subscription, tow_burst *burst) {
    if ((subscription->flags & TOW_SUBSCRIPTION_WAITS) == 0 && tow_give_may(subscription))
        tow_give_burst(subscription, burst);
    else
        tow_give_later(subscription, burst);
}

static void give_part(const tow_burst *piece, tow_subscription *subscription, uint64_t identity) {
    tow_published *items[TOW_BURST_ITEMS_MAX];
    tow_burst burst = {.items = items};
    for (size_t i = 0; i < piece->count; i++)
        if (is_for(piece->items[i], subscription, identity))
            items[burst.count++] = piece->items[i];
    if (burst.count > 0)
        give_or_keep(subscription, &burst);
    tow_burst_clear(&burst);
}

static bool leaves_out(const tow_burst *piece, uint64_t identity) {
    for (size_t i = 0; i < piece->count; i++)
        if (piece->items[i]->leave_out == identity)
            return true;
    return false;
}

/* 0: nobody is left out by it. */
static uint64_t identity_in(const tow_batch *batch, const tow_subscription *subscription) {
    if (!batch->has_senders || subscription->kind->identify == NULL)
        return 0;
    uint64_t identity = subscription->kind->identify(subscription);
    return identity != 0 && leaves_out(&batch->piece, identity) ? identity : 0;
}

static void give_piece(tow_batch *batch, tow_subscription *subscription) {
    if (subscription->seen >= tow_batch_last_order(batch))
        return;
    uint64_t identity = identity_in(batch, subscription);
    bool is_whole = subscription->seen < tow_batch_first_order(batch) && identity == 0 &&
                    (subscription->flags & TOW_SUBSCRIPTION_DEAF) == 0;
    bool failed = false;
    tow_burst *burst = &batch->piece;
    if (batch->events != 0 && is_whole && (batch->events & ~(unsigned)subscription->flags) != 0) {
        is_whole = (batch->events & subscription->flags) == 0; /* or it hears some of them */
        if (is_whole)
            burst = tow_batch_messages(batch, &failed);
    }
    if (!is_whole || failed)
        give_part(&batch->piece, subscription, identity);
    else if (burst != NULL)
        give_or_keep(subscription, burst);
}

/* Goes on with the piece; returns whether it is done. */
static bool give_all(tow_place *place) {
    tow_batch *batch = place->batch;
    tow_hub_part *part = place->part;
    begin_turns(place);
    while (place->cursor != &place->subscribers) {
        if (!tow_hub_part_may_work(part))
            return false;
        give_piece(batch, next_in_turn(place));
        tow_hub_part_work(part, batch->weight);
    }
    place->cursor = NULL;
    return true;
}

/* Returns whether what was taken is delivered. */
static bool deliver_batch(tow_place *place) {
    while (place->cursor != NULL || tow_batch_begin_piece(place->batch))
        if (!give_all(place))
            return false;
    tow_place_end_batch(place);
    return true;
}

static bool deliver(tow_place *place) {
    if (place->batch == NULL && place->met == TOW_FATE_NONE && place->channel != NULL)
        take(place);
    if (place->met != TOW_FATE_NONE && !meet_fates(place))
        return false;
    return place->batch == NULL || deliver_batch(place);
}

bool tow_place_deliver(tow_place *place) {
    place->delivering = true;
    bool is_done = deliver(place);
    place->delivering = false;
    return (is_done || place->channel == NULL) && finish(place);
}
