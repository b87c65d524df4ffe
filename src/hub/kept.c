#include "kept.h"

#include <stdlib.h>

static tow_history *least_recent(const tow_shard *shard) {
    if (tow_ring_is_empty(&shard->kept))
        return NULL;
    return (tow_history *)((char *)shard->kept.next - offsetof(tow_history, link));
}

/* For others to see without the shard's order; it may be older than what there is now. */
static void show_age(tow_shard *shard) {
    const tow_history *first = least_recent(shard);
    int64_t age = first == NULL ? INT64_MAX : tow_history_at(first, first->count - 1)->milliseconds;
    atomic_store_explicit(&shard->kept_since, age, memory_order_relaxed);
}

void tow_kept_note(tow_shard *shard, tow_history *history) {
    if (history->link.next != NULL)
        tow_ring_remove(&history->link);
    tow_ring_add_last(&shard->kept, &history->link);
    show_age(shard);
}

static bool is_over(const tow_hub *hub) {
    return atomic_load_explicit(&hub->history_bytes, memory_order_relaxed) > hub->max_history_bytes;
}

static void drop_oldest(tow_hub *hub, tow_history *history) {
    uint64_t before = history->bytes;
    tow_history_drop_oldest(history);
    atomic_fetch_sub_explicit(&hub->history_bytes, (int64_t)(before - history->bytes), memory_order_relaxed);
    atomic_fetch_add_explicit(&hub->counters.history_dropped, 1, memory_order_relaxed);
}

static void cut_shard(tow_hub *hub, tow_shard *shard) {
    tow_history *history = least_recent(shard);
    while (history != NULL && history->count > 0 && is_over(hub))
        drop_oldest(hub, history);
    if (history != NULL && history->count == 0)
        tow_history_free(history);
    show_age(shard);
}

/* The one in which something is kept for the longest time, of those that were not tried. */
static tow_shard *oldest(tow_hub *hub, uint64_t tried) {
    tow_shard *found = NULL;
    int64_t age = INT64_MAX;
    for (size_t i = 0; i < TOW_HUB_SHARDS; i++) {
        int64_t since = atomic_load_explicit(&hub->shards[i].kept_since, memory_order_relaxed);
        if ((tried >> i & 1) != 0 || since >= age)
            continue;
        age = since;
        found = &hub->shards[i];
    }
    return found;
}

/* Orders of others are not waited for, as who has one may want this one: then it is the next one's turn. */
void tow_kept_cut(tow_hub *hub, tow_shard *own) {
    _Static_assert(TOW_HUB_SHARDS == 64, "a bit for each shard");
    uint64_t tried = 0;
    while (is_over(hub)) {
        tow_shard *shard = oldest(hub, tried);
        if (shard == NULL)
            return;
        if (shard == own) {
            cut_shard(hub, shard);
        } else if (pthread_mutex_trylock(&shard->mutex) == 0) {
            cut_shard(hub, shard);
            pthread_mutex_unlock(&shard->mutex);
        } else {
            tried |= UINT64_C(1) << (shard - hub->shards);
        }
    }
}
