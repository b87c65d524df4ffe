#include "memory.h"

#include "kept.h"
#include "watch.h"

#include <assert.h>

#include <stdlib.h>
#include <towline/error.h>

/* The history with room for one more, made if there is none. */
static int history_reserve(tow_channel *channel) {
    int error = channel->history != NULL ? 0 : tow_history_new(&channel->history);
    return error != 0 ? error : tow_history_reserve(channel->history);
}

static void count_history(tow_hub *hub, uint64_t before, const tow_channel *channel) {
    int64_t now = channel->history == NULL ? 0 : (int64_t)channel->history->bytes;
    atomic_fetch_add_explicit(&hub->history_bytes, now - (int64_t)before, memory_order_relaxed);
}

static uint64_t bytes_of(const tow_channel *channel) {
    return channel->history == NULL ? 0 : channel->history->bytes;
}

static void drop_if_empty(tow_channel *channel) {
    if (channel->history != NULL && channel->history->count == 0)
        tow_history_free(channel->history);
}

static void prune(tow_hub *hub, tow_channel *channel) {
    if (channel->history == NULL)
        return;
    uint64_t before = bytes_of(channel);
    tow_history_prune(channel->history, channel->policy, tow_hub_now(hub));
    drop_if_empty(channel);
    count_history(hub, before, channel);
}

static bool keeps(tow_store *store, tow_channel *channel) {
    prune(store->hub, channel);
    return channel->history != NULL;
}

static void forget(tow_store *store, tow_channel *channel) {
    assert(channel->presence == NULL);
    if (channel->history == NULL)
        return;
    uint64_t before = bytes_of(channel);
    tow_history_free(channel->history);
    count_history(store->hub, before, channel);
}

/* Publishing */

/* A channel that nobody is subscribed to is made only for what it keeps. */
static int make_to_keep(tow_hub *hub, tow_hold *hold, const tow_published *published) {
    tow_channel_policy policy;
    tow_slice name = tow_published_channel(published);
    if (published->not_kept)
        return 0;
    tow_policies_find(&hub->policies, name, &policy);
    return policy.history_count == 0 ? 0 : tow_hub_make_channel(hub, hold, name);
}

/* Numbers a publication, keeps it, and spreads it; or nothing has changed. */
static int add(tow_hub *hub, const tow_hold *hold, tow_published *published) {
    tow_channel *channel = hold->channel;
    bool is_kept = !published->not_kept && channel->policy->history_count > 0;
    int error = tow_channel_reserve(channel, published);
    if (error == 0 && is_kept)
        error = history_reserve(channel);
    if (error != 0)
        return error;
    published->milliseconds = tow_hub_now(hub);
    published->position.epoch = channel->position.epoch;
    if (!published->not_kept)
        published->position.number = ++channel->position.number;
    if (is_kept) {
        tow_history_add(channel->history, published);
        count_history(hub, bytes_of(channel) - tow_published_size(published), channel);
        tow_kept_note(hold->shard, channel->history);
        prune(hub, channel);
        tow_kept_cut(hub, hold->shard);
    }
    if (channel->subscribers == 0)
        tow_hub_rest(hub, hold);
    tow_channel_spread(channel, published);
    return 0;
}

static int publish(tow_store *store, tow_hold *hold, tow_published *published) {
    int error = hold->channel != NULL ? 0 : make_to_keep(store->hub, hold, published);
    if (hold->channel == NULL && !published->not_kept)
        tow_hub_note_unheard(store->hub, hold);
    return error != 0 || hold->channel == NULL ? error : add(store->hub, hold, published);
}

/* What is kept */

typedef struct range {
    bool is_whole; /* nothing is lost between the position and the first */
    size_t first;  /* an index in the history */
    size_t count;
} range;

static range find_last(const tow_channel *channel, size_t last, bool is_whole) {
    size_t kept = channel->history == NULL ? 0 : channel->history->count;
    size_t count = last < kept ? last : kept;
    return (range){.is_whole = is_whole, .first = kept - count, .count = count};
}

/* Behind a position, or without one ({0}) the last `last`. */
static range find(const tow_channel *channel, const tow_position *since, size_t last) {
    if (since->epoch == 0)
        return find_last(channel, last, true);
    if (since->epoch != channel->position.epoch || since->number > channel->position.number)
        return find_last(channel, last, false);
    uint64_t missed = channel->position.number - since->number;
    size_t kept = channel->history == NULL ? 0 : channel->history->count;
    if (missed > kept) /* the history ends with the last that was numbered */
        return find_last(channel, last, false);
    return (range){.is_whole = true, .first = kept - (size_t)missed, .count = (size_t)missed};
}

static int copy_history(const tow_channel *channel, size_t first, size_t count, tow_store_result *result) {
    if (count == 0)
        return 0;
    result->published = malloc(count * sizeof(tow_published *));
    if (result->published == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        result->published[i] = tow_published_retain(tow_history_at(channel->history, first + i));
    result->count = count;
    return 0;
}

static int history(tow_store *store, const tow_store_ask *ask, tow_store_result *result) {
    tow_channel *channel = ask->hold->channel;
    if (channel == NULL)
        return 0;
    prune(store->hub, channel);
    range found = find(channel, &ask->since, ask->limit);
    size_t count = found.count < ask->limit ? found.count : ask->limit;
    result->exists = true;
    result->position = channel->position;
    result->is_whole = found.is_whole;
    result->has_more = count < found.count;
    return copy_history(channel, found.first, count, result);
}

/* Who is present */

/* Takes back a lease that nobody has heard of. */
static void unjoin(tow_channel *channel, tow_present *present) {
    if (tow_presence_leave(channel->presence, present))
        tow_present_free(present);
}

static void drop_empty_presence(tow_channel *channel) {
    if (channel->presence->count > 0)
        return;
    tow_presence_clear(channel->presence);
    free(channel->presence);
    channel->presence = NULL;
}

static void stamp(tow_hub *hub, const tow_channel *channel, tow_published *event) {
    event->milliseconds = tow_hub_now(hub);
    event->position.epoch = channel->position.epoch;
}

static size_t max_members(const tow_hub *hub, const tow_channel *channel) {
    uint32_t max = channel->policy->max_members;
    return max != 0 && max < hub->max_members ? max : (size_t)hub->max_members;
}

static tow_lease *lease_of(tow_present *present) {
    return (tow_lease *)(void *)present;
}

static int join(tow_hub *hub, tow_channel *channel, const tow_member *member, tow_present **present) {
    int error = tow_presence_join(
        channel->presence, present, tow_channel_name(channel), member, max_members(hub, channel));
    if (error == TOW_ERROR_LIMIT)
        atomic_fetch_add_explicit(&hub->counters.over_members, 1, memory_order_relaxed);
    if (error != 0 || !tow_present_is_new(*present))
        return error;
    error = tow_channel_reserve(channel, (*present)->joined);
    if (error != 0) {
        unjoin(channel, *present);
        return error;
    }
    stamp(hub, channel, (*present)->joined);
    tow_channel_spread(channel, (*present)->joined);
    atomic_fetch_add_explicit(&hub->members, 1, memory_order_relaxed);
    return 0;
}

static int take_lease(
    tow_hub *hub, tow_channel *channel, const tow_member *member, tow_store_result *result) {
    tow_present *present;
    if (channel->presence == NULL && (channel->presence = calloc(1, sizeof(tow_presence))) == NULL)
        return TOW_ERROR_MEMORY;
    int error = join(hub, channel, member, &present);
    if (error != 0) {
        drop_empty_presence(channel);
        return error;
    }
    result->lease = lease_of(present);
    result->has_joined = tow_present_is_new(present);
    return 0;
}

static void give_lease_back(tow_hub *hub, tow_channel *channel, tow_present *present) {
    if (!tow_presence_leave(channel->presence, present))
        return;
    tow_member member = tow_present_member(present);
    stamp(hub, channel, present->left);
    tow_channel_spread_surely(channel, present->left);
    atomic_fetch_sub_explicit(&hub->members, 1, memory_order_relaxed);
    tow_watch_member(hub, channel, &member, false);
    tow_present_free(present);
    drop_empty_presence(channel);
}

static void leave(tow_store *store, const tow_store_ask *ask, tow_lease *lease) {
    give_lease_back(store->hub, ask->hold->channel, (tow_present *)(void *)lease);
}

static int copy_members(const tow_presence *presence, size_t first, size_t count, tow_store_result *result) {
    if (count == 0)
        return 0;
    result->present = malloc(count * sizeof(tow_published *));
    if (result->present == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < count; i++)
        result->present[i] = tow_published_retain(presence->items[first + i]->joined);
    result->present_count = count;
    return 0;
}

static int members(tow_store *store, const tow_store_ask *ask, tow_store_result *result) {
    const tow_channel *channel = ask->hold->channel;
    (void)store;
    if (channel == NULL)
        return 0;
    result->exists = true;
    result->position = channel->position;
    if (!channel->policy->presence)
        return TOW_ERROR_UNSUPPORTED;
    if (channel->presence == NULL)
        return 0;
    size_t first = tow_presence_after(channel->presence, ask->after);
    size_t left = channel->presence->count - first;
    size_t count = left < ask->limit ? left : ask->limit;
    result->has_more = left > count;
    return copy_members(channel->presence, first, count, result);
}

/* Subscribing: the lease comes last, as others hear of it; the list of members has it all the same. */

/* Who watches hears of both ends, or of none. */
static void undo_lease(
    tow_hub *hub, tow_channel *channel, const tow_member *member, tow_store_result *result) {
    if (result->has_joined)
        tow_watch_member(hub, channel, member, true);
    give_lease_back(hub, channel, (tow_present *)(void *)result->lease);
    result->lease = NULL;
    result->has_joined = false;
}

static int take_part(tow_hub *hub, const tow_store_ask *ask, tow_store_result *result) {
    tow_channel *channel = ask->hold->channel;
    if (ask->member != NULL) {
        int error = take_lease(hub, channel, ask->member, result);
        if (error != 0)
            return error;
    }
    if (!ask->wants_members || channel->presence == NULL)
        return 0;
    int error = copy_members(channel->presence, 0, channel->presence->count, result);
    if (error != 0 && result->lease != NULL)
        undo_lease(hub, channel, ask->member, result);
    return error;
}

static int subscribe(tow_store *store, const tow_store_ask *ask, tow_store_result *result) {
    tow_channel *channel = ask->hold->channel;
    prune(store->hub, channel);
    range missed = find(channel, &ask->since, ask->limit);
    result->exists = true;
    result->is_whole = missed.is_whole;
    result->position = channel->position;
    int error = copy_history(channel, missed.first, missed.count, result);
    return error != 0 ? error : take_part(store->hub, ask, result);
}

static int count(tow_store *store, const tow_store_ask *ask, tow_store_result *result) {
    const tow_channel *channel = ask->hold->channel;
    (void)store;
    if (channel == NULL || tow_channel_is_forgotten(channel))
        return 0;
    result->exists = true;
    result->position = channel->position;
    result->subscribers = channel->subscribers;
    result->users = channel->presence == NULL ? 0 : channel->presence->count;
    return 0;
}

const tow_store_class tow_memory_store = {
    .publish = publish,
    .subscribe = subscribe,
    .history = history,
    .members = members,
    .count = count,
    .leave = leave,
    .keeps = keeps,
    .forget = forget,
};
