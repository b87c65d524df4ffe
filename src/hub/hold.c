/* hold: a channel's order is taken, and the channel found or made. */
#include "base/hash.h"
#include "state.h"

#include <assert.h>
#include <towline/error.h>

enum { LOOKED_AT_FOR_ROOM = 64 /* idle channels, so that a look stays short */ };

/* Anybody can have channels made that nobody is in any more: no more than so many stay. */
static const size_t idle_max[TOW_RESTS] = {[TOW_REST_KEPT] = SIZE_MAX,
    [TOW_REST_LINGERS] = 65536 / TOW_HUB_SHARDS,
    [TOW_REST_UNUSED] = 4096 / TOW_HUB_SHARDS};

/* So many publications of names like this one were numbered by no channel, or by one that is gone. */
static uint32_t *unheard_of(tow_hub *hub, uint64_t hash) {
    return &hub->unheard[hash >> (64 - TOW_HUB_UNHEARD_BITS)];
}

void tow_hub_note_unheard(tow_hub *hub, const tow_hold *hold) {
    ++*unheard_of(hub, hold->hash);
}

/* The same for a name until something is published to it that nobody hears: who comes back may be told
 * whether that was so, though nothing is kept of it meanwhile. Never 0. */
static uint64_t epoch_of(tow_hub *hub, tow_slice name, uint64_t hash) {
    uint64_t epoch = tow_hash_mix(tow_hash(name, hub->epoch_seed) + tow_hash_mix(*unheard_of(hub, hash)));
    return epoch != 0 ? epoch : 1;
}

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
    uint64_t hash = tow_hash(tow_channel_name(channel), hub->seed);
    assert(channel->subscribers == 0);
    if (channel->position.number > 0)
        ++*unheard_of(hub, hash);
    tow_hub_forget_kept(hub, channel);
    tow_shard_remove(shard, channel, hash);
    atomic_fetch_sub_explicit(&hub->idle, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&hub->channels, 1, memory_order_relaxed);
}

/* One that keeps nothing any more, of those that are looked at; the others go behind, so that all are in
 * turns. */
static tow_channel *find_forgotten(tow_hub *hub, tow_shard *shard) {
    for (int i = 0; i < LOOKED_AT_FOR_ROOM; i++) {
        tow_channel *channel = tow_shard_oldest_idle(shard, TOW_REST_KEPT);
        if (channel == NULL || !tow_hub_keeps(hub, channel))
            return channel;
        tow_shard_move(shard, channel, TOW_REST_KEPT);
    }
    return NULL;
}

/* An idle one whose end costs least. */
static tow_channel *find_spare(tow_hub *hub, tow_shard *shard) {
    tow_channel *spare = tow_shard_oldest_idle(shard, TOW_REST_UNUSED);
    if (spare == NULL)
        spare = tow_shard_oldest_idle(shard, TOW_REST_LINGERS);
    return spare != NULL ? spare : find_forgotten(hub, shard);
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

static void make_room_to_rest(tow_hub *hub, tow_shard *shard, tow_rest rest) {
    if (shard->idle_count[rest] >= idle_max[rest])
        tow_hub_drop_idle(hub, shard, tow_shard_oldest_idle(shard, rest));
}

int tow_hub_make_channel(tow_hub *hub, tow_hold *hold, tow_slice name) {
    assert(hold->channel == NULL);
    int error = make_room(hub, hold->shard);
    if (error != 0)
        return error;
    make_room_to_rest(hub, hold->shard, TOW_REST_UNUSED);
    const tow_channel_policy *policy = tow_policies_keep(&hub->policies, name);
    tow_channel *made = policy == NULL ? NULL : tow_shard_add(hold->shard, name, hold->hash, hub->seed);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->policy = policy;
    made->position.epoch = epoch_of(hub, name, hold->hash);
    made->idle_since = (uint32_t)(tow_hub_now(hub) / 1000);
    atomic_fetch_add_explicit(&hub->channels, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hub->idle, 1, memory_order_relaxed);
    hold->channel = made;
    return 0;
}

static tow_rest rest_of(const tow_channel *channel) {
    if (channel->history != NULL)
        return TOW_REST_KEPT;
    return channel->position.number > 0 ? TOW_REST_LINGERS : TOW_REST_UNUSED;
}

void tow_hub_rest(tow_hub *hub, const tow_hold *hold) {
    tow_rest rest = rest_of(hold->channel);
    if (hold->channel->rest == rest)
        return;
    make_room_to_rest(hub, hold->shard, rest);
    tow_shard_move(hold->shard, hold->channel, rest);
}

void tow_hub_note_idle(tow_hub *hub, const tow_hold *hold) {
    assert(hold->channel->subscribers == 0);
    hold->channel->idle_since = (uint32_t)(tow_hub_now(hub) / 1000);
    tow_hub_rest(hub, hold);
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
