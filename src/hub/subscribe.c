/* subscribe: how a subscription begins and ends. Both are done in the channel's order; what is told of them
 * comes with the part's next turn. */
#include "place.h"
#include "waiting.h"
#include "watch.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/protocol.h>

/* What is being made; nothing of it is seen by others before it is all there. */
typedef struct beginning {
    tow_hub_part *part;
    tow_subscription *subscription;
    const tow_subscribe_options *options;
    tow_channel *channel;
    tow_place *place;
    tow_store_result result;
    bool has_joined; /* its member, which watchers are still to be told */
} beginning;

/* The place */

static tow_place *place_new(tow_hub_part *part, tow_channel *channel) {
    tow_place *made = malloc(sizeof(*made));
    if (made == NULL)
        return NULL;
    *made = (tow_place){.letter = {.open = part->open_places, .drop = tow_place_drop, .work = 1},
        .channel = channel,
        .part = part};
    tow_ring_init(&made->subscribers);
    return made;
}

static int find_place(beginning *self) {
    self->place = tow_channel_place(self->channel, self->part);
    if (self->place == NULL)
        self->place = place_new(self->part, self->channel);
    return self->place == NULL ? TOW_ERROR_MEMORY : 0;
}

static void occupy(tow_hub *hub, const tow_hold *hold) {
    tow_channel *channel = hold->channel;
    tow_shard_move(hold->shard, channel, TOW_REST_NONE);
    channel->places = NULL;
    atomic_fetch_sub_explicit(&hub->idle, 1, memory_order_relaxed);
}

/* The beginning */

static void settle_at_place(const beginning *self) {
    tow_place *place = self->place;
    if (place->count == 0) {
        place->next = self->channel->places;
        self->channel->places = place;
    }
    place->count++;
    place->listeners += (self->subscription->flags & TOW_SUBSCRIPTION_EVENTS) != 0;
    tow_ring_add_last(&place->subscribers, &self->subscription->link);
}

static void tell_joined(beginning *self) {
    if (self->has_joined)
        tow_watch_member(self->part->hub, self->channel, self->options->member, true);
    self->has_joined = false;
}

static void begin(beginning *self, const tow_hold *hold) {
    tow_hub *hub = self->part->hub;
    tow_subscription *subscription = self->subscription;
    if (self->channel->subscribers == 0)
        occupy(hub, hold);
    subscription->place = self->place;
    subscription->seen = self->channel->order & TOW_SEEN_MAX;
    settle_at_place(self);
    self->channel->subscribers++;
    tow_watch_count(hub, self->channel, true);
    tell_joined(self); /* a channel has subscribers before it has members */
}

/* The store */

/* What a member has to be, and where there may be some. */
static int check_member(const beginning *self) {
    const tow_member *member = self->options->member;
    if (member == NULL)
        return 0;
    if (!self->channel->policy->presence)
        return TOW_ERROR_UNSUPPORTED;
    bool is_one = member->user.length >= 1 && member->user.length <= TOW_USER_MAX &&
                  member->info.length <= TOW_MEMBER_INFO_MAX &&
                  tow_utf8_valid(member->user.data, member->user.length);
    return is_one ? 0 : TOW_ERROR_ARGUMENT;
}

static int ask_store(beginning *self, tow_hold *hold) {
    const tow_subscribe_options *options = self->options;
    tow_store *store = self->part->hub->store;
    const tow_store_ask ask = {.hold = hold,
        .name = tow_channel_name(self->channel),
        .since = options->since,
        .limit = options->last,
        .wants_members = options->wants_presence || options->member != NULL,
        .member = options->member};
    int error = store->class->subscribe(store, &ask, &self->result);
    self->has_joined = self->result.has_joined;
    return error;
}

/* Who has nothing to hear needs none. */
static int need_aside(const beginning *self, bool is_needed) {
    return is_needed && tow_aside_need(self->part, self->subscription) == NULL ? TOW_ERROR_MEMORY : 0;
}

static int take_answer(beginning *self, int answered) {
    int error = need_aside(self, self->result.count > 0 || answered == TOW_STORE_LATER);
    if (error == 0 && answered == TOW_STORE_LATER)
        return TOW_STORE_LATER;
    if (error == 0 && self->options->since.epoch != 0)
        tow_hub_count_return(self->part, self->result.is_whole);
    if (error == 0 && self->subscription->aside != 0)
        error = tow_aside_tell(self->part, tow_aside_of(self->part, self->subscription), &self->result);
    tow_store_result_clear(&self->result);
    return error;
}

/* Nothing is left of it. */
static void undo(beginning *self, tow_hold *hold) {
    tow_store_result_clear(&self->result);
    if (self->channel->subscribers == 0) /* the store may have kept the question */
        tow_hub_lose_interest(self->part->hub, self->channel);
    tow_aside *aside = tow_aside_of(self->part, self->subscription);
    tell_joined(self); /* that it leaves is told, too */
    if (aside != NULL) {
        tow_hub_give_lease_back(self->part->hub, hold, &aside->lease);
        tow_aside_free(self->part, self->subscription);
    }
    if (self->place != NULL && self->place->count == 0)
        free(self->place);
}

static int prepare(beginning *self, tow_hold *hold) {
    int error = check_member(self);
    if (error == 0)
        error = find_place(self);
    if (error == 0)
        error =
            need_aside(self, self->subscription->kind->subscribed != NULL || self->options->member != NULL);
    if (error == 0)
        error = ask_store(self, hold);
    if (error >= 0)
        error = take_answer(self, error);
    if (error < 0)
        undo(self, hold);
    return error;
}

/* It stands when the store has answered, or stands and waits. */
static int prepare_and_begin(beginning *self, tow_hold *hold) {
    int error = prepare(self, hold);
    if (error >= 0)
        begin(self, hold);
    if (error == TOW_STORE_LATER)
        tow_waiting_begin(self->part, tow_aside_of(self->part, self->subscription), hold->call);
    return error;
}

static int subscribe(beginning *self, tow_slice name) {
    tow_hub *hub = self->part->hub;
    tow_hold hold = tow_hub_hold(hub, name);
    int error = tow_hold_check(&hold, name);
    if (error == 0 && hold.channel == NULL)
        error = tow_hub_make_channel(hub, &hold, name);
    if (error == 0) {
        self->channel = hold.channel;
        error = prepare_and_begin(self, &hold);
    }
    tow_hub_let_go(&hold);
    return error;
}

static uint16_t flags_of(const tow_subscribe_options *options) {
    unsigned flags = 0;
    flags |= options->wants_presence ? TOW_SUBSCRIPTION_LISTENS : 0;
    flags |= options->no_messages ? TOW_SUBSCRIPTION_DEAF : 0;
    flags |= options->wants_counts ? TOW_SUBSCRIPTION_COUNTS : 0;
    return (uint16_t)flags;
}

static void count_beginning(const beginning *self) {
    tow_count(&self->part->counters.subscribed);
    tow_count(&self->part->subscriptions);
}

static void expect(tow_hub_part *part, tow_subscription *subscription) {
    tow_aside *aside = tow_aside_of(part, subscription);
    if (aside == NULL || aside->call != NULL)
        return;
    subscription->flags |= TOW_SUBSCRIPTION_WAITS;
    tow_aside_enlist(aside, &part->fresh);
    tow_hub_part_wake(part);
}

int tow_subscribe(tow_hub_part *part, tow_subscription *subscription, const tow_subscriber *kind,
    tow_slice name, const tow_subscribe_options *options) {
    static const tow_subscribe_options defaults = {0};
    if (part->is_ending)
        return TOW_ERROR_STATE;
    beginning self = {
        .part = part, .subscription = subscription, .options = options != NULL ? options : &defaults};
    uint32_t owner = subscription->owner;
    *subscription = (tow_subscription){.kind = kind, .flags = flags_of(self.options), .owner = owner};
    int error = subscribe(&self, name);
    if (error < 0) {
        *subscription = (tow_subscription){.owner = owner};
        tow_hub_count_failure(part, error);
        tow_hub_sweep_soon(part->hub);
        return error;
    }
    count_beginning(&self);
    expect(part, subscription);
    return 0;
}

tow_slice tow_subscription_channel(const tow_subscription *subscription) {
    return tow_channel_name(subscription->place->channel);
}

void tow_subscription_ready(tow_subscription *subscription) {
    if (subscription->kind == NULL || (subscription->flags & TOW_SUBSCRIPTION_UNREADY) == 0)
        return;
    tow_hub_part *part = subscription->place->part;
    subscription->flags &= (uint16_t)~TOW_SUBSCRIPTION_UNREADY;
    tow_aside *aside = tow_aside_of(part, subscription);
    if (aside == NULL || aside->told != NULL || tow_backlog_is_empty(&aside->backlog))
        return;
    tow_aside_enlist(aside, &part->ready);
    tow_hub_part_wake(part);
}

/* The end */

/* Nobody leaves anything at the place any more. */
static void leave_channel(tow_channel *channel, tow_place *place) {
    tow_place **at = &channel->places;
    while (*at != place)
        at = &(*at)->next;
    *at = place->next;
    place->channel = NULL;
}

static void end_in_order(tow_subscription *subscription, tow_place *place, tow_hold *hold) {
    tow_hub_part *part = place->part;
    tow_channel *channel = hold->channel;
    if (place->cursor == &subscription->link)
        place->cursor = subscription->link.next;
    tow_ring_remove(&subscription->link);
    place->listeners -= (subscription->flags & TOW_SUBSCRIPTION_EVENTS) != 0;
    if (--place->count == 0)
        leave_channel(channel, place);
    if (--channel->subscribers == 0)
        tow_hub_note_idle(part->hub, hold);
    tow_aside *aside = tow_aside_of(part, subscription);
    if (aside != NULL)
        tow_waiting_end(aside, hold);
    if (aside != NULL)
        tow_hub_give_lease_back(part->hub, hold, &aside->lease);
    if (channel->subscribers == 0)
        tow_hub_lose_interest(part->hub, channel);
    tow_watch_count(part->hub, channel, false);
}

void tow_unsubscribe(tow_subscription *subscription) {
    if (subscription->kind == NULL)
        return;
    tow_place *place = subscription->place;
    tow_hub_part *part = place->part;
    tow_hold hold = tow_hub_hold_channel(part->hub, place->channel);
    end_in_order(subscription, place, &hold);
    bool is_idle = hold.channel->subscribers == 0;
    tow_hub_let_go(&hold);
    if (is_idle)
        tow_hub_sweep_soon(part->hub);
    tow_aside_free(part, subscription);
    *subscription = (tow_subscription){.owner = subscription->owner};
    if (part->current == subscription)
        part->current = NULL;
    tow_count(&part->counters.unsubscribed);
    tow_count_add(&part->subscriptions, UINT64_MAX);
    tow_place_settle(place);
}
