/* shard: a part of the hub's channels, by their names, under one lock: who holds it holds the order of all
 * channels in it. Channels without subscribers stand in lists, the longest idle first. */
#ifndef TOW_HUB_SHARD_H
#define TOW_HUB_SHARD_H

#include "channel.h"

#include <pthread.h>

typedef struct tow_shard {
    pthread_mutex_t mutex;
    tow_channel **buckets; /* a power of two of them, or NULL */
    size_t bucket_count;
    size_t count;
    tow_ring idle[TOW_RESTS]; /* by tow_rest; NONE: empty */
    size_t idle_count[TOW_RESTS];
    tow_ring kept;              /* histories (kept.h) */
    _Atomic int64_t kept_since; /* when the first of them got its last publication, or INT64_MAX */
} tow_shard;

void tow_shard_init(tow_shard *shard);
void tow_shard_clear(tow_shard *shard);

/* All below in order. */

tow_channel *tow_shard_find(const tow_shard *shard, tow_slice name, uint64_t hash);

/* Adds one that is not there, without subscribers: idle, and unused. NULL without memory. `seed` is that of
 * the hashes. */
tow_channel *tow_shard_add(tow_shard *shard, tow_slice name, uint64_t hash, uint64_t seed);

/* It stands in this list from now on, as the last, or in none, and not in the one where it was. */
void tow_shard_move(tow_shard *shard, tow_channel *channel, tow_rest rest);

/* Takes an idle channel of which nothing is kept out, and frees it. */
void tow_shard_remove(tow_shard *shard, tow_channel *channel, uint64_t hash);

/* The channel of a list that is idle for the longest time, or NULL. */
tow_channel *tow_shard_oldest_idle(const tow_shard *shard, tow_rest rest);

#endif
