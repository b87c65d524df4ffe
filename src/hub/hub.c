#include "hub/hub.h"

#include "memory.h"
#include "state.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/message.h>

#define PUBLICATION_DEFAULT (INT64_C(16) << 20)
#define PENDING_DEFAULT (INT64_C(64) << 20)
#define CHANNELS_DEFAULT 1000000
#define MEMBERS_DEFAULT 10000
#define HISTORY_DEFAULT (INT64_C(256) << 20)

static int64_t limit(int64_t wanted, int64_t otherwise) {
    if (wanted == TOW_OFF)
        return INT64_MAX / 2;
    return wanted == 0 ? otherwise : wanted;
}

void tow_hub_set_limits(tow_hub *hub, const tow_hub_options *options) {
    hub->max_publication = limit(options->max_publication, PUBLICATION_DEFAULT);
    hub->max_pending = limit(options->max_pending, PENDING_DEFAULT);
    hub->max_channels = limit(options->max_channels, CHANNELS_DEFAULT);
    hub->max_members = limit(options->max_members, MEMBERS_DEFAULT);
    hub->max_history_bytes = limit(options->max_history_bytes, HISTORY_DEFAULT);
}

int tow_hub_new(tow_hub **hub, size_t part_count, const tow_hub_options *options) {
    tow_hub *made = calloc(1, sizeof(*made));
    tow_hub_part **parts = calloc(part_count, sizeof(tow_hub_part *));
    if (made == NULL || parts == NULL) {
        free(made);
        free(parts);
        return TOW_ERROR_MEMORY;
    }
    tow_hub_set_limits(made, options);
    made->seed = made->epoch_seed = options->seed;
    made->memory = (tow_store){.class = &tow_memory_store, .hub = made};
    made->store = &made->memory;
    made->on_unheard = options->on_unheard;
    made->unheard_user = options->unheard_user;
    made->part_count = part_count;
    made->parts = parts;
    tow_policies_init(&made->policies, options->find, options->find_user);
    pthread_mutex_init(&made->mutex, NULL);
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++)
        tow_shard_init(&made->shards[i]);
    *hub = made;
    return 0;
}

/* It answers what it has kept, and needs the channels' order for that. */
static void free_store(tow_hub *hub) {
    if (hub->store->class->free != NULL)
        hub->store->class->free(hub->store);
    hub->store = &hub->memory;
}

/* What the store has in the channels goes with them. */
static void clear_shard(tow_hub *hub, tow_shard *shard) {
    for (size_t i = 0; i < shard->bucket_count; i++)
        for (tow_channel *channel = shard->buckets[i]; channel != NULL; channel = channel->next)
            tow_hub_forget_kept(hub, channel);
    tow_shard_clear(shard);
}

void tow_hub_free(tow_hub *hub) {
    if (hub == NULL)
        return;
    for (size_t i = 0; i < hub->part_count; i++)
        assert(hub->parts[i] == NULL);
    hub->on_unheard = NULL;
    free_store(hub);
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++)
        clear_shard(hub, &hub->shards[i]);
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

void tow_hub_policy(tow_hub *hub, tow_slice name, tow_channel_policy *policy) {
    tow_policies_find(&hub->policies, name, policy);
}

/* Some may be subscribed who would not be let in any more. */
static bool lets_in_fewer(const tow_channel_policy *policy, const tow_channel_policy *before) {
    bool needs_proof = policy->subscribe == TOW_ACCESS_TOKEN && before->subscribe != TOW_ACCESS_TOKEN;
    return policy->subscribe == TOW_ACCESS_NOBODY || needs_proof || (before->presence && !policy->presence);
}

static void renew_channel(tow_hub *hub, tow_channel *channel) {
    const tow_channel_policy *policy = tow_policies_keep(&hub->policies, tow_channel_name(channel));
    if (policy == channel->policy)
        return;
    if (policy == NULL) { /* without memory: who comes back is looked at by its door */
        tow_channel_doom(channel, TOW_FATE_ALL_LOST);
        return;
    }
    bool is_reviewed = lets_in_fewer(policy, channel->policy);
    channel->policy = policy;
    (void)tow_hub_keeps(hub, channel);
    if (is_reviewed)
        tow_channel_doom(channel, TOW_FATE_REVIEWED);
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
