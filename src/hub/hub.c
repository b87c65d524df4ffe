#include "hub/hub.h"

#include "hash.h"
#include "listing.h"
#include "memory.h"
#include "sweep.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/message.h>

#define PUBLICATION_DEFAULT (INT64_C(16) << 20)
#define PENDING_DEFAULT (INT64_C(64) << 20)
#define CHANNELS_DEFAULT 1000000
#define MEMBERS_DEFAULT 10000

static int64_t limit(int64_t wanted, int64_t otherwise) {
    if (wanted == TOW_OFF)
        return INT64_MAX / 2;
    return wanted == 0 ? otherwise : wanted;
}

int tow_hub_new(tow_hub **hub, size_t part_count, const tow_hub_options *options) {
    tow_hub *made = calloc(1, sizeof(*made));
    tow_hub_part **parts = calloc(part_count, sizeof(tow_hub_part *));
    if (made == NULL || parts == NULL) {
        free(made);
        free(parts);
        return TOW_ERROR_MEMORY;
    }
    made->max_publication = limit(options->max_publication, PUBLICATION_DEFAULT);
    made->max_pending = limit(options->max_pending, PENDING_DEFAULT);
    made->max_channels = limit(options->max_channels, CHANNELS_DEFAULT);
    made->max_members = limit(options->max_members, MEMBERS_DEFAULT);
    made->seed = options->seed;
    made->loop = options->loop;
    made->part_count = part_count;
    made->parts = parts;
    tow_policies_init(&made->policies, options->find, options->find_user);
    pthread_mutex_init(&made->mutex, NULL);
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++)
        tow_shard_init(&made->shards[i]);
    *hub = made;
    return 0;
}

void tow_hub_free(tow_hub *hub) {
    if (hub == NULL)
        return;
    for (size_t i = 0; i < hub->part_count; i++)
        assert(hub->parts[i] == NULL);
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++)
        tow_shard_clear(&hub->shards[i]);
    tow_policies_clear(&hub->policies);
    pthread_mutex_destroy(&hub->mutex);
    free(hub->parts);
    free(hub);
}

tow_hub_part *tow_hub_part_at(tow_hub *hub, size_t number) {
    return hub->parts[number];
}

tow_hub *tow_hub_of(const tow_hub_part *part) {
    return part->hub;
}

int64_t tow_hub_now(const tow_hub *hub) {
    return tow_loop_wall_milliseconds(hub->loop);
}

bool tow_hub_name_is_good(tow_slice name) {
    if (name.length > 1 && name.length <= TOW_CHANNEL_NAME_MAX && name.data[0] == TOW_CHANNEL_INTERNAL)
        return tow_channel_name_is_valid((tow_slice){name.data + 1, name.length - 1});
    return tow_channel_name_is_valid(name);
}

void tow_hub_policy(tow_hub *hub, tow_slice name, tow_channel_policy *policy) {
    tow_policies_find(&hub->policies, name, policy);
}

/* A channel's order */

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

/* Where there are too many, one that is only lingering goes before its time. */
static int make_room(tow_hub *hub, tow_shard *shard) {
    while (atomic_load_explicit(&hub->channels, memory_order_relaxed) >= hub->max_channels) {
        tow_channel *oldest = tow_shard_oldest_idle(shard);
        if (oldest == NULL) {
            atomic_fetch_add_explicit(&hub->counters.over_channels, 1, memory_order_relaxed);
            return TOW_ERROR_LIMIT;
        }
        tow_hub_drop_idle(hub, shard, oldest);
    }
    return 0;
}

/* Never 0, never the same twice, and nobody can tell the next. */
static uint64_t next_epoch(tow_hub *hub) {
    uint64_t epoch = 0;
    while (epoch == 0)
        epoch = tow_hash_mix(hub->seed + tow_hash_mix(atomic_fetch_add(&hub->epochs, 1)));
    return epoch;
}

int tow_hub_make_channel(tow_hub *hub, tow_hold *hold, tow_slice name) {
    int error = make_room(hub, hold->shard);
    if (error != 0)
        return error;
    const tow_channel_policy *policy = tow_policies_keep(&hub->policies, name);
    tow_channel *made = policy == NULL ? NULL : tow_shard_add(hold->shard, name, hold->hash, hub->seed);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->policy = policy;
    made->position.epoch = next_epoch(hub);
    made->idle_since = (uint32_t)(tow_hub_now(hub) / 1000);
    atomic_fetch_add_explicit(&hub->channels, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&hub->idle, 1, memory_order_relaxed);
    hold->channel = made;
    return 0;
}

void tow_hub_note_idle(tow_hub *hub, const tow_hold *hold) {
    hold->channel->idle_since = (uint32_t)(tow_hub_now(hub) / 1000);
    tow_ring_add_last(&hold->shard->idle, &hold->channel->idle);
    atomic_fetch_add_explicit(&hub->idle, 1, memory_order_relaxed);
}

/* Publishing */

/* A channel that nobody is subscribed to is made only for what it keeps. */
static int find_or_make(tow_hub *hub, tow_hold *hold, const tow_published *published, tow_slice name) {
    tow_channel_policy policy;
    if (hold->channel != NULL || published->not_kept)
        return 0;
    tow_policies_find(&hub->policies, name, &policy);
    return policy.history_count == 0 ? 0 : tow_hub_make_channel(hub, hold, name);
}

static int publish(
    tow_hub *hub, tow_slice name, tow_published *published, tow_hub_answer *answer, bool *is_idle) {
    tow_hold hold = tow_hub_hold(hub, name);
    int error = find_or_make(hub, &hold, published, name);
    if (error == 0 && hold.channel != NULL) {
        error = tow_memory_publish(hub, hold.channel, published);
        answer->exists = true;
        answer->position = published->position;
        answer->subscribers = hold.channel->subscribers;
        *is_idle = hold.channel->subscribers == 0;
    }
    tow_hub_let_go(&hold);
    return error;
}

static void count_publish(tow_hub *hub, int error) {
    _Atomic uint64_t *counter = error == 0                      ? &hub->counters.published
                                : error == TOW_ERROR_QUEUE_FULL ? &hub->counters.over_pending
                                : error == TOW_ERROR_MEMORY     ? &hub->counters.memory_failures
                                                                : NULL;
    if (counter != NULL)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

int tow_hub_publish_for(tow_hub *hub, tow_slice name, const tow_draft *draft, tow_hub_answer *answer) {
    tow_published *published;
    bool is_idle = false;
    if (!tow_hub_name_is_good(name))
        return TOW_ERROR_ARGUMENT;
    if (draft->data.length > (uint64_t)hub->max_publication)
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    int error = tow_published_new(&published, TOW_PUBLISHED_MESSAGE, name, draft);
    if (error == 0) {
        error = publish(hub, name, published, answer, &is_idle);
        if (error != 0)
            tow_published_give_back(published);
        tow_published_release(published);
    }
    count_publish(hub, error);
    if (is_idle)
        tow_hub_sweep_soon(hub);
    return error;
}

int tow_hub_publish(tow_hub *hub, tow_slice name, const tow_draft *draft) {
    tow_hub_answer answer = {0};
    return tow_hub_publish_for(hub, name, draft, &answer);
}

/* Other policies */

static void renew_channel(tow_hub *hub, tow_channel *channel) {
    const tow_channel_policy *policy = tow_policies_keep(&hub->policies, tow_channel_name(channel));
    if (policy == NULL || policy == channel->policy)
        return;
    channel->policy = policy;
    tow_memory_prune(hub, channel);
    if (policy->subscribe != TOW_ACCESS_NOBODY || channel->subscribers == 0)
        return;
    for (tow_place *place = channel->places; place != NULL; place = place->next)
        tow_place_doom(place, TOW_FATE_REVOKED);
}

void tow_hub_renew(tow_hub *hub, tow_channel_policy_find find, void *user) {
    tow_policies_set(&hub->policies, find, user);
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++) {
        tow_shard *shard = &hub->shards[i];
        pthread_mutex_lock(&shard->mutex);
        for (size_t j = 0; j < shard->bucket_count; j++)
            for (tow_channel *channel = shard->buckets[j]; channel != NULL; channel = channel->next)
                renew_channel(hub, channel);
        pthread_mutex_unlock(&shard->mutex);
    }
}
