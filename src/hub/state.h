/* state: what a hub is made of; for all its files. */
#ifndef TOW_HUB_STATE_H
#define TOW_HUB_STATE_H

#include "base/count.h"
#include "hub/store.h"
#include "part.h"
#include "policies.h"
#include "shard.h"
#include "transport/loop.h"

#include <towline/error.h>

enum { TOW_HUB_SHARDS = 64, TOW_HUB_SHARD_BITS = 6, TOW_HUB_UNHEARD_BITS = 16 };

/* Counted by any thread. */
typedef struct tow_hub_shared_counters {
    _Atomic uint64_t published, history_dropped, store_errors, unheard, over_pending, over_channels,
        over_members, too_large, memory_failures;
} tow_hub_shared_counters;

struct tow_hub {
    int64_t max_publication, max_pending, max_channels, max_members, max_history_bytes;
    uint64_t seed;       /* of hashes */
    uint64_t epoch_seed; /* of epochs, which are shown: they say nothing of the other one */
    tow_loop *loop;      /* for its clock */
    tow_store memory;
    tow_store *store; /* that one, or another */
    tow_policies policies;
    tow_hub_watcher *watchers;
    void (*on_unheard)(void *user, tow_slice name, int error);
    void *unheard_user;
    _Atomic int64_t unheard_told; /* when it was last */
    _Atomic int64_t channels;
    _Atomic int64_t idle; /* of these */
    _Atomic int64_t members;
    _Atomic int64_t history_bytes;
    _Atomic int64_t asked_bytes; /* of questions that the store has kept */
    tow_hub_shared_counters counters;
    pthread_mutex_t mutex; /* of the list of parts, and of who sweeps */
    size_t part_count;
    tow_hub_part **parts;  /* NULL: not begun, or ended */
    tow_hub_counters gone; /* of parts that have ended */
    atomic_bool sweeping;  /* a part has been told to */
    tow_shard shards[TOW_HUB_SHARDS];
    /* By the first bits of names' hashes, those of the shard ahead; in order: publications that no channel
     * has numbered, and channels with numbers that are gone. */
    uint32_t unheard[1 << TOW_HUB_UNHEARD_BITS];
};
_Static_assert((int)TOW_HUB_UNHEARD_BITS >= (int)TOW_HUB_SHARD_BITS, "the lock of one shard is enough");

/* A channel's order, held. */
typedef struct tow_hold {
    tow_shard *shard;
    uint64_t hash;
    tow_channel *channel; /* NULL: it is not there */
    tow_store_call *call; /* that the store has just kept */
} tow_hold;

/* Takes the order in which a channel of this name is. */
tow_hold tow_hub_hold(tow_hub *hub, tow_slice name);
void tow_hub_let_go(const tow_hold *hold);

/* The same of a channel that is there, and does not go as long as the caller is subscribed. */
tow_hold tow_hub_hold_channel(tow_hub *hub, tow_channel *channel);

/* Makes the channel that is not there, idle. Errors: LIMIT, MEMORY. */
int tow_hub_make_channel(tow_hub *hub, tow_hold *hold, tow_slice name);

/* What holds for a channel that is there; lives as long as the hub. Takes its order for that. */
const tow_channel_policy *tow_hub_policy_of(tow_hub *hub, tow_channel *channel);

/* What somebody may name a channel: internal names too. */
bool tow_hub_name_is_good(tow_slice name);

/* A channel that is there has such a name. Errors: ARGUMENT. */
static inline int tow_hold_check(const tow_hold *hold, tow_slice name) {
    return hold->channel != NULL || tow_hub_name_is_good(name) ? 0 : TOW_ERROR_ARGUMENT;
}

/* Milliseconds since 1970. */
static inline int64_t tow_hub_now(const tow_hub *hub) {
    return tow_loop_wall_milliseconds(hub->loop);
}

/* A channel has lost its last subscriber: it stands in a list of those from now on. In order. */
void tow_hub_note_idle(tow_hub *hub, const tow_hold *hold);

/* What an idle channel stays for may have changed. In order. */
void tow_hub_rest(tow_hub *hub, const tow_hold *hold);

/* Something that would have had a number was published to a channel that is not there. In order. */
void tow_hub_note_unheard(tow_hub *hub, const tow_hold *hold);

/* One that is idle goes. In order. */
void tow_hub_drop_idle(tow_hub *hub, tow_shard *shard, tow_channel *channel);

/* What the store has in a channel: whether that is anything, once it is cut to what the policy keeps; and it
 * goes. In order. */
static inline bool tow_hub_keeps(const tow_hub *hub, tow_channel *channel) {
    return hub->store->class->keeps != NULL && hub->store->class->keeps(hub->store, channel);
}
static inline void tow_hub_forget_kept(const tow_hub *hub, tow_channel *channel) {
    if (hub->store->class->forget != NULL)
        hub->store->class->forget(hub->store, channel);
}

/* A lease of a subscription, or NULL, is given back. In order. */
static inline void tow_hub_give_lease_back(const tow_hub *hub, tow_hold *hold, tow_lease **lease) {
    const tow_store_ask ask = {.hold = hold, .name = tow_channel_name(hold->channel)};
    if (*lease != NULL)
        hub->store->class->leave(hub->store, &ask, *lease);
    *lease = NULL;
}

/* Nobody is subscribed to a channel any more. In order. */
static inline void tow_hub_lose_interest(const tow_hub *hub, const tow_channel *channel) {
    if (hub->store->class->unsubscribe != NULL)
        hub->store->class->unsubscribe(hub->store, tow_channel_name(channel));
}

/* tow_hub_publish, which fills in what became of it; or it is TOW_STORE_LATER, and the call tells. */
typedef struct tow_publishing {
    tow_hub_part *part; /* who wants to know; may be zeroed */
    void *asker;
    void (*arrive)(tow_store_call *call, tow_hold *hold);
    tow_store_call *call;
    tow_hub_answer answer;
} tow_publishing;
int tow_hub_publish_for(tow_hub *hub, tow_slice name, const tow_draft *draft, tow_publishing *what);

void tow_hub_add_counters(tow_hub_counters *sum, const tow_hub_counters *counters);

/* Somebody will look whether idle channels are still needed. Any thread, not in order. */
void tow_hub_sweep_soon(tow_hub *hub);

#endif
