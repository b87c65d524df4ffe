#include "memory.h"

#include "watch.h"

#include <stdlib.h>
#include <towline/error.h>

/* The history with room for one more, made if there is none. */
static int history_reserve(tow_channel *channel) {
    if (channel->history == NULL && (channel->history = calloc(1, sizeof(tow_history))) == NULL)
        return TOW_ERROR_MEMORY;
    return tow_history_reserve(channel->history);
}

static void count_history(tow_hub *hub, uint64_t before, const tow_channel *channel) {
    int64_t now = channel->history == NULL ? 0 : (int64_t)channel->history->bytes;
    atomic_fetch_add_explicit(&hub->history_bytes, now - (int64_t)before, memory_order_relaxed);
}

static uint64_t bytes_of(const tow_channel *channel) {
    return channel->history == NULL ? 0 : channel->history->bytes;
}

static void drop_if_empty(tow_channel *channel) {
    if (channel->history == NULL || channel->history->count > 0)
        return;
    free(channel->history);
    channel->history = NULL;
}

void tow_memory_prune(tow_hub *hub, tow_channel *channel) {
    if (channel->history == NULL)
        return;
    uint64_t before = bytes_of(channel);
    tow_history_prune(channel->history, channel->policy, tow_hub_now(hub));
    drop_if_empty(channel);
    count_history(hub, before, channel);
}

int tow_memory_publish(tow_hub *hub, tow_channel *channel, tow_published *published) {
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
        tow_memory_prune(hub, channel);
    }
    tow_channel_spread(channel, published);
    return 0;
}

static tow_memory_range find_last(const tow_channel *channel, size_t last, bool is_whole) {
    size_t kept = channel->history == NULL ? 0 : channel->history->count;
    size_t count = last < kept ? last : kept;
    return (tow_memory_range){.is_whole = is_whole, .first = kept - count, .count = count};
}

tow_memory_range tow_memory_find(tow_hub *hub, tow_channel *channel, const tow_position *since, size_t last) {
    tow_memory_prune(hub, channel);
    if (since->epoch == 0)
        return find_last(channel, last, true);
    if (since->epoch != channel->position.epoch || since->number > channel->position.number)
        return find_last(channel, last, false);
    uint64_t missed = channel->position.number - since->number;
    size_t kept = channel->history == NULL ? 0 : channel->history->count;
    if (missed > kept) /* the history ends with the last that was numbered */
        return find_last(channel, last, false);
    return (tow_memory_range){.is_whole = true, .first = kept - (size_t)missed, .count = (size_t)missed};
}

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
    tow_watch_member(hub, channel, *present, true);
    return 0;
}

int tow_memory_join(tow_hub *hub, tow_channel *channel, const tow_member *member, tow_present **present) {
    if (!channel->policy->presence)
        return TOW_ERROR_UNSUPPORTED;
    if (channel->presence == NULL && (channel->presence = calloc(1, sizeof(tow_presence))) == NULL)
        return TOW_ERROR_MEMORY;
    int error = join(hub, channel, member, present);
    if (error != 0)
        drop_empty_presence(channel);
    return error;
}

void tow_memory_leave(tow_hub *hub, tow_channel *channel, tow_present *present) {
    if (!tow_presence_leave(channel->presence, present))
        return;
    stamp(hub, channel, present->left);
    tow_channel_spread_surely(channel, present->left);
    atomic_fetch_sub_explicit(&hub->members, 1, memory_order_relaxed);
    tow_watch_member(hub, channel, present, false);
    tow_present_free(present);
    drop_empty_presence(channel);
}
