#include "sweep.h"

#include "state.h"

enum { LOOKED_AT_A_LIST = 256 /* each time, so that a look stays short */ };

#define INTERVAL TOW_SECOND

static bool is_over(tow_hub *hub, tow_channel *channel) {
    return !tow_hub_keeps(hub, channel) &&
           tow_hub_now(hub) / 1000 - (int64_t)channel->idle_since >= channel->policy->linger_seconds;
}

/* What stays goes behind the others, so that all are looked at in turns. */
static void sweep_list(tow_hub *hub, tow_shard *shard, tow_rest rest) {
    const tow_channel *last = NULL;
    for (int i = 0; i < LOOKED_AT_A_LIST; i++) {
        tow_channel *channel = tow_shard_oldest_idle(shard, rest);
        if (channel == NULL || channel == last)
            break;
        if (is_over(hub, channel)) {
            tow_hub_drop_idle(hub, shard, channel);
            continue;
        }
        tow_shard_move(shard, channel, rest);
        last = last == NULL ? channel : last;
    }
}

static void sweep_shard(tow_hub *hub, tow_shard *shard) {
    pthread_mutex_lock(&shard->mutex);
    for (tow_rest rest = TOW_REST_KEPT; rest < TOW_RESTS; rest++)
        sweep_list(hub, shard, rest);
    pthread_mutex_unlock(&shard->mutex);
}

static void set_timer(tow_hub_part *part);

static void fired(tow_timer *timer) {
    tow_hub_part *part = (tow_hub_part *)((char *)timer - offsetof(tow_hub_part, sweep_timer));
    tow_hub *hub = part->hub;
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++)
        sweep_shard(hub, &hub->shards[i]);
    if (atomic_load(&hub->idle) > 0) {
        set_timer(part);
        return;
    }
    atomic_store(&hub->sweeping, false);
    if (atomic_load(&hub->idle) > 0) /* one more since the look */
        tow_hub_sweep_soon(hub);
}

static void set_timer(tow_hub_part *part) {
    tow_timer_set(part->loop, &part->sweep_timer, tow_loop_now(part->loop) + INTERVAL, fired);
}

void tow_sweep_begin(tow_hub_part *part) {
    if (!tow_timer_is_set(&part->sweep_timer))
        set_timer(part);
}

void tow_sweep_stop(tow_hub_part *part) {
    tow_hub *hub = part->hub;
    pthread_mutex_lock(&hub->mutex);
    bool sweeps = part->sweep_posted || tow_timer_is_set(&part->sweep_timer);
    pthread_mutex_unlock(&hub->mutex);
    tow_timer_cancel(part->loop, &part->sweep_timer);
    if (!sweeps)
        return;
    atomic_store(&hub->sweeping, false);
    tow_hub_sweep_soon(hub);
}
