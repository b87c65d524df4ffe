/* hold: a channel's order is taken, and the channel found or made. */
#include "base/hash.h"
#include "state.h"

#include <towline/error.h>

enum {
    LOOKED_AT_FOR_ROOM = 64, /* idle channels, so that a look stays short */
    LINGERING_MAX = 65536 / TOW_HUB_SHARDS
};

bool tow_hub_has_begun(const tow_hub *hub) {
    return hub->loop != NULL;
}

bool tow_hub_name_is_good(tow_slice name) {
    if (name.length > 1 && name.length <= TOW_CHANNEL_NAME_MAX && name.data[0] == TOW_CHANNEL_INTERNAL)
        return tow_channel_name_is_valid((tow_slice){name.data + 1, name.length - 1});
    return tow_channel_name_is_valid(name);
}

tow_hold tow_hub_hold(tow_hub *hub, tow_slice name) {
    tow_hold hold = {.hash = tow_hash(name, hub->seed)};
    hold.shard = &hub->shards[hold.hash >> (64 - TOW_HUB_SHARD_BITS)];
    pthread_mutex_lock(&hold.shard->mutex);
    hold.channel = tow_shard_find(hold.shard, name, hold.hash);
    return hold;
}

tow_hold tow_hub_hold_channel(tow_hub *hub, tow_channel *channel) {
    tow_hold hold = {.hash = tow_hash(tow_channel_name(channel), hub->seed), .channel = channel};
    hold.shard = &hub->shards[hold.hash >> (64 - TOW_HUB_SHARD_BITS)];
    pthread_mutex_lock(&hold.shard->mutex);
    return hold;
}

void tow_hub_let_go(const tow_hold *hold) {
    pthread_mutex_unlock(&hold->shard->mutex);
}

const tow_channel_policy *tow_hub_policy_of(tow_hub *hub, tow_channel *channel) {
    tow_hold hold = tow_hub_hold_channel(hub, channel);
    const tow_channel_policy *policy = channel->policy;
    tow_hub_let_go(&hold);
    return policy;
}

void tow_hub_drop_idle(tow_hub *hub, tow_shard *shard, tow_channel *channel) {
    tow_hub_forget_kept(hub, channel);
    tow_shard_note_lingering(shard, channel, false);
    tow_shard_remove(shard, channel, tow_hash(tow_channel_name(channel), hub->seed));
    atomic_fetch_sub_explicit(&hub->idle, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&hub->channels, 1, memory_order_relaxed);
}

/* One that is idle and keeps nothing, of those that are looked at; the others go behind, so that all are in
 * turns. */
static tow_channel *find_spare(tow_hub *hub, tow_shard *shard) {
    for (int i = 0; i < LOOKED_AT_FOR_ROOM; i++) {
        tow_channel *channel = tow_shard_oldest_idle(shard);
        if (channel == NULL)
            break;
        if (!tow_hub_keeps(hub, channel))
            return channel;
        tow_ring_remove(&channel->idle);
        tow_ring_add_last(&shard->idle, &channel->idle);
    }
    return NULL;
}

/* Where there are too many, one that is only lingering goes before its time; what is kept stays. */
static int make_room(tow_hub *hub, tow_shard *shard) {
    while (atomic_load_explicit(&hub->channels, memory_order_relaxed) >= hub->max_channels) {
        tow_channel *spare = find_spare(hub, shard);
        if (spare == NULL) {
            atomic_fetch_add_explicit(&hub->counters.over_channels, 1, memory_order_relaxed);
            return TOW_ERROR_LIMIT;
        }
        tow_hub_drop_idle(hub, shard, spare);
    }
    return 0;
}

/* Anybody can have channels made that nobody is in any more: no more than so many linger, those that have not
 * done so for long. */
static void make_room_to_linger(tow_hub *hub, tow_shard *shard) {
    tow_channel *longest = shard->lingering < LINGERING_MAX ? NULL : find_spare(hub, shard);
    if (longest != NULL)
        tow_hub_drop_idle(hub, shard, longest);
}

/* Never 0, and never the same twice. */
static uint64_t next_epoch(tow_hub *hub) {
    uint64_t epoch = 0;
    while (epoch == 0)
        epoch = tow_hash_mix(hub->epoch_seed + tow_hash_mix(atomic_fetch_add(&hub->epochs, 1)));
    return epoch;
}

int tow_hub_make_channel(tow_hub *hub, tow_hold *hold, tow_slice name) {
    int error = make_room(hub, hold->shard);
    if (error != 0)
        return error;
    make_room_to_linger(hub, hold->shard);
    const tow_channel_policy *policy = tow_policies_keep(&hub->policies, name);
    tow_channel *made = policy == NULL ? NULL : tow_shard_add(hold->shard, name, hold->hash, hub->seed);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->policy = policy;
    made->position.epoch = next_epoch(hub);
    made->idle_since = (uint32_t)(tow_hub_now(hub) / 1000);
    atomic_fetch_add_explicit(&hub->channels, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hub->idle, 1, memory_order_relaxed);
    tow_shard_note_lingering(hold->shard, made, true);
    hold->channel = made;
    return 0;
}

void tow_hub_note_idle(tow_hub *hub, const tow_hold *hold) {
    if (hold->channel->history == NULL) {
        make_room_to_linger(hub, hold->shard);
        tow_shard_note_lingering(hold->shard, hold->channel, true);
    }
    hold->channel->idle_since = (uint32_t)(tow_hub_now(hub) / 1000);
    tow_ring_add_last(&hold->shard->idle, &hold->channel->idle);
    atomic_fetch_add_explicit(&hub->idle, 1, memory_order_relaxed);
}

void tow_hub_sweep_soon(tow_hub *hub) {
    if (atomic_load_explicit(&hub->sweeping, memory_order_relaxed) || atomic_exchange(&hub->sweeping, true))
        return;
    pthread_mutex_lock(&hub->mutex);
    tow_hub_part *part = NULL;
    for (size_t i = 0; part == NULL && i < hub->part_count; i++)
        if (hub->parts[i] != NULL && !hub->parts[i]->is_ending)
            part = hub->parts[i];
    if (part == NULL)
        atomic_store(&hub->sweeping, false);
    if (part != NULL && !part->sweep_posted) {
        part->sweep_posted = true;
        tow_loop_post_letter(part->loop, &part->sweep_letter);
    }
    pthread_mutex_unlock(&hub->mutex);
}
