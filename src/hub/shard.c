#include "shard.h"

#include "base/hash.h"

#include <assert.h>
#include <stdlib.h>

enum { BUCKETS_MIN = 8 };

void tow_shard_init(tow_shard *shard) {
    *shard = (tow_shard){0};
    pthread_mutex_init(&shard->mutex, NULL);
    for (size_t i = 0; i < TOW_RESTS; i++)
        tow_ring_init(&shard->idle[i]);
    tow_ring_init(&shard->kept);
    atomic_init(&shard->kept_since, INT64_MAX);
}

static void channel_free(tow_channel *channel) {
    assert(channel->history == NULL && channel->presence == NULL);
    free(channel);
}

void tow_shard_clear(tow_shard *shard) {
    for (size_t i = 0; i < shard->bucket_count; i++) {
        for (tow_channel *channel = shard->buckets[i], *next; channel != NULL; channel = next) {
            next = channel->next;
            channel_free(channel);
        }
    }
    free(shard->buckets);
    pthread_mutex_destroy(&shard->mutex);
    *shard = (tow_shard){0};
}

static tow_channel **bucket_of(tow_channel **buckets, size_t count, uint64_t hash) {
    return &buckets[hash & (count - 1)];
}

tow_channel *tow_shard_find(const tow_shard *shard, tow_slice name, uint64_t hash) {
    if (shard->bucket_count == 0)
        return NULL;
    for (tow_channel *channel = *bucket_of(shard->buckets, shard->bucket_count, hash); channel != NULL;
         channel = channel->next)
        if (channel->name_length == name.length && memcmp(channel->name, name.data, name.length) == 0)
            return channel;
    return NULL;
}

static void add_to_bucket(tow_channel **buckets, size_t count, tow_channel *channel, uint64_t hash) {
    tow_channel **bucket = bucket_of(buckets, count, hash);
    channel->next = *bucket;
    *bucket = channel;
}

/* Twice as many buckets as there are, or those that there are: then chains get longer. */
static void grow(tow_shard *shard, uint64_t seed) {
    size_t count = shard->bucket_count == 0 ? BUCKETS_MIN : 2 * shard->bucket_count;
    tow_channel **buckets = calloc(count, sizeof(tow_channel *));
    if (buckets == NULL)
        return;
    for (size_t i = 0; i < shard->bucket_count; i++) {
        for (tow_channel *channel = shard->buckets[i], *next; channel != NULL; channel = next) {
            next = channel->next;
            add_to_bucket(buckets, count, channel, tow_hash(tow_channel_name(channel), seed));
        }
    }
    free(shard->buckets);
    shard->buckets = buckets;
    shard->bucket_count = count;
}

tow_channel *tow_shard_add(tow_shard *shard, tow_slice name, uint64_t hash, uint64_t seed) {
    if (shard->count >= shard->bucket_count)
        grow(shard, seed);
    tow_channel *made = shard->bucket_count == 0 ? NULL : calloc(1, sizeof(*made) + name.length);
    if (made == NULL)
        return NULL;
    made->name_length = (uint8_t)name.length;
    memcpy(made->name, name.data, name.length);
    add_to_bucket(shard->buckets, shard->bucket_count, made, hash);
    tow_shard_move(shard, made, TOW_REST_UNUSED);
    shard->count++;
    return made;
}

void tow_shard_move(tow_shard *shard, tow_channel *channel, tow_rest rest) {
    if (channel->rest != TOW_REST_NONE) {
        tow_ring_remove(&channel->idle);
        shard->idle_count[channel->rest]--;
    }
    channel->rest = (uint8_t)rest;
    if (rest != TOW_REST_NONE) {
        tow_ring_add_last(&shard->idle[rest], &channel->idle);
        shard->idle_count[rest]++;
    }
}

void tow_shard_remove(tow_shard *shard, tow_channel *channel, uint64_t hash) {
    assert(channel->subscribers == 0);
    tow_channel **at = bucket_of(shard->buckets, shard->bucket_count, hash);
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    tow_shard_move(shard, channel, TOW_REST_NONE);
    shard->count--;
    channel_free(channel);
}

tow_channel *tow_shard_oldest_idle(const tow_shard *shard, tow_rest rest) {
    if (tow_ring_is_empty(&shard->idle[rest]))
        return NULL;
    return (tow_channel *)((char *)shard->idle[rest].next - offsetof(tow_channel, idle));
}
