/* shard: a part of the hub's channels, by their names, under one lock: who holds it holds the order of all
 * channels in it. Channels without subscribers stand in a list, the longest idle first. */
#ifndef TOW_HUB_SHARD_H
#define TOW_HUB_SHARD_H

#include "channel.h"

#include <pthread.h>

typedef struct tow_shard {
    pthread_mutex_t mutex;
    tow_channel **buckets; /* a power of two of them, or NULL */
    size_t bucket_count;
    size_t count;
    tow_ring idle;
    size_t lingering;           /* of these, those of which nothing is kept but that they were there */
    tow_ring kept;              /* histories (kept.h) */
    _Atomic int64_t kept_since; /* when the first of them got its last publication, or INT64_MAX */
} tow_shard;

void tow_shard_init(tow_shard *shard);
void tow_shard_clear(tow_shard *shard);

/* All below in order. */

tow_channel *tow_shard_find(const tow_shard *shard, tow_slice name, uint64_t hash);

/* Adds one that is not there, without subscribers: idle. NULL without memory. `seed` is that of the hashes.
 */
tow_channel *tow_shard_add(tow_shard *shard, tow_slice name, uint64_t hash, uint64_t seed);

/* It begins to linger, or has not to any more. */
static inline void tow_shard_note_lingering(tow_shard *shard, tow_channel *channel, bool lingers) {
    shard->lingering += (size_t)lingers - (size_t)channel->lingers;
    channel->lingers = lingers;
}

/* Takes an idle channel of which nothing is kept out, and frees it. */
void tow_shard_remove(tow_shard *shard, tow_channel *channel, uint64_t hash);

/* The channel that is idle for the longest time, or NULL. */
tow_channel *tow_shard_oldest_idle(const tow_shard *shard);

#endif
