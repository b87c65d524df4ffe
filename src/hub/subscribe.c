/* subscribe: how a subscription begins and ends. Both are done in the channel's order; what is told of them
 * comes with the part's next turn. */
#include "memory.h"
#include "place.h"
#include "watch.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

/* What is being made; nothing of it is seen by others before it is all there. */
typedef struct beginning {
    tow_hub_part *part;
    tow_subscription *subscription;
    const tow_subscribe_options *options;
    tow_channel *channel;
    tow_place *place;
    tow_memory_range missed;
} beginning;

static bool wants_members(const tow_subscribe_options *options) {
    return options->wants_presence || options->member != NULL;
}

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
    tow_shard_note_lingering(hold->shard, channel, false);
    tow_ring_remove(&channel->idle);
    channel->places = NULL;
    atomic_fetch_sub_explicit(&hub->idle, 1, memory_order_relaxed);
}

/* What is told */

static tow_told *told_new(const tow_channel *channel, bool wants) {
    size_t count = !wants || channel->presence == NULL ? 0 : channel->presence->count;
    tow_told *made = calloc(1, sizeof(*made) + count * sizeof(made->members[0]));
    tow_published **present = count == 0 ? NULL : malloc(count * sizeof(tow_published *));
    if (made == NULL || (present == NULL && count > 0)) {
        free(made);
        free(present);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const tow_present *from = channel->presence->items[i];
        made->members[i] = tow_present_member(from);
        present[i] = tow_published_retain(from->joined);
    }
    made->present = present;
    made->what.member_count = count;
    made->what.members = made->members;
    return made;
}

static int load_missed(const beginning *self, tow_aside *aside) {
    if (self->missed.count == 0)
        return 0;
    tow_published **items = malloc(self->missed.count * sizeof(tow_published *));
    if (items == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < self->missed.count; i++)
        items[i] = tow_history_at(self->channel->history, self->missed.first + i);
    int error = tow_backlog_load(&aside->backlog, items, self->missed.count);
    free(items);
    tow_hub_part_waits(self->part, 0, aside->backlog.bytes);
    return error;
}

/* Who has nothing to hear needs none. */
static bool needs_aside(const beginning *self) {
    return self->subscription->kind->subscribed != NULL || self->missed.count > 0 ||
           self->options->member != NULL;
}

static int tell(const beginning *self, tow_aside *aside) {
    tow_told *told = told_new(self->channel, wants_members(self->options));
    if (told == NULL)
        return TOW_ERROR_MEMORY;
    told->what.position = self->channel->position;
    told->what.missed = self->missed.count;
    told->what.is_whole = self->missed.is_whole;
    aside->told = told;
    return load_missed(self, aside);
}

static void give_lease_back(tow_hub *hub, tow_channel *channel, tow_aside *aside) {
    if (aside == NULL || aside->present == NULL)
        return;
    tow_memory_leave(hub, channel, aside->present);
    aside->present = NULL;
}

/* The lease comes last, as others hear of it; the list of members has it all the same. */
static int prepare_aside(const beginning *self) {
    if (!needs_aside(self))
        return 0;
    tow_hub *hub = self->part->hub;
    tow_aside *aside = tow_aside_need(self->part, self->subscription);
    if (aside == NULL)
        return TOW_ERROR_MEMORY;
    int error = 0;
    if (self->options->member != NULL)
        error = tow_memory_join(hub, self->channel, self->options->member, &aside->present);
    if (error == 0)
        error = tell(self, aside);
    if (error != 0) {
        give_lease_back(hub, self->channel, aside);
        tow_aside_free(self->part, self->subscription);
    }
    return error;
}

/* The beginning */

static void settle_at_place(const beginning *self) {
    tow_place *place = self->place;
    if (place->count == 0) {
        place->next = self->channel->places;
        self->channel->places = place;
    }
    place->count++;
    place->listeners += (self->subscription->flags & TOW_SUBSCRIPTION_LISTENS) != 0;
    tow_ring_add_last(&place->subscribers, &self->subscription->link);
}

static void begin(const beginning *self, const tow_hold *hold) {
    tow_hub *hub = self->part->hub;
    tow_subscription *subscription = self->subscription;
    if (self->channel->subscribers == 0)
        occupy(hub, hold);
    subscription->place = self->place;
    subscription->seen = self->channel->order & TOW_SEEN_MAX;
    settle_at_place(self);
    self->channel->subscribers++;
    tow_watch_count(hub, self->channel, true);
}

static int prepare(beginning *self) {
    const tow_subscribe_options *options = self->options;
    self->missed = tow_memory_find(self->part->hub, self->channel, &options->since, options->last);
    int error = find_place(self);
    if (error == 0)
        error = prepare_aside(self);
    if (error != 0 && self->place != NULL && self->place->count == 0)
        free(self->place);
    return error;
}

static int subscribe(beginning *self, tow_slice name) {
    tow_hub *hub = self->part->hub;
    tow_hold hold = tow_hub_hold(hub, name);
    int error = hold.channel != NULL ? 0 : tow_hub_make_channel(hub, &hold, name);
    if (error == 0) {
        self->channel = hold.channel;
        error = prepare(self);
    }
    if (error == 0)
        begin(self, &hold);
    tow_hub_let_go(&hold);
    return error;
}

static uint16_t flags_of(const tow_subscribe_options *options) {
    unsigned flags = 0;
    flags |= options->wants_presence ? TOW_SUBSCRIPTION_LISTENS : 0;
    flags |= options->no_messages ? TOW_SUBSCRIPTION_DEAF : 0;
    return (uint16_t)flags;
}

static void count_beginning(const beginning *self) {
    tow_hub_counters *counters = &self->part->counters;
    tow_count(&counters->subscribed);
    if (self->options->since.epoch != 0)
        tow_count(self->missed.is_whole ? &counters->resumed : &counters->gone);
    tow_count(&self->part->subscriptions);
}

static void expect(tow_hub_part *part, tow_subscription *subscription) {
    tow_aside *aside = tow_aside_of(part, subscription);
    if (aside == NULL)
        return;
    subscription->flags |= TOW_SUBSCRIPTION_WAITS;
    tow_aside_enlist(aside, &part->fresh);
    tow_hub_part_wake(part);
}

int tow_subscribe(tow_hub_part *part, tow_subscription *subscription, const tow_subscriber *kind,
    tow_slice name, const tow_subscribe_options *options) {
    static const tow_subscribe_options defaults = {0};
    if (!tow_hub_name_is_good(name))
        return TOW_ERROR_ARGUMENT;
    if (part->is_ending)
        return TOW_ERROR_STATE;
    beginning self = {
        .part = part, .subscription = subscription, .options = options != NULL ? options : &defaults};
    uint32_t owner = subscription->owner;
    *subscription = (tow_subscription){.kind = kind, .flags = flags_of(self.options), .owner = owner};
    int error = subscribe(&self, name);
    if (error != 0) {
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

static void end_in_order(tow_subscription *subscription, tow_place *place, const tow_hold *hold) {
    tow_hub_part *part = place->part;
    tow_channel *channel = hold->channel;
    if (place->cursor == &subscription->link)
        place->cursor = subscription->link.next;
    tow_ring_remove(&subscription->link);
    place->listeners -= (subscription->flags & TOW_SUBSCRIPTION_LISTENS) != 0;
    if (--place->count == 0)
        leave_channel(channel, place);
    if (--channel->subscribers == 0)
        tow_hub_note_idle(part->hub, hold);
    give_lease_back(part->hub, channel, tow_aside_of(part, subscription));
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
