/* counts: what the hub tells of itself, to any thread. */
#include "listing.h"
#include "state.h"

#include <towline/error.h>

uint64_t tow_hub_subscriber_count(tow_hub *hub, tow_slice name) {
    tow_hold hold = tow_hub_hold(hub, name);
    uint64_t count = hold.channel == NULL ? 0 : hold.channel->subscribers;
    tow_hub_let_go(&hold);
    return count;
}

int64_t tow_hub_each_channel(
    tow_hub *hub, tow_slice prefix, void (*each)(void *user, const tow_channel_count *count), void *user) {
    tow_hub_answer answer = {0};
    tow_hub_listing *listing = tow_hub_listing_new(prefix, (tow_slice){0}, SIZE_MAX);
    if (listing == NULL)
        return TOW_ERROR_MEMORY;
    while (!tow_hub_listing_go_on(listing, hub)) {
    }
    tow_hub_listing_finish(listing, &answer);
    for (size_t i = 0; i < answer.count; i++)
        each(user, &answer.channels[i]);
    tow_hub_listing_free(listing);
    return answer.error != 0 ? answer.error : (int64_t)answer.count;
}

void tow_hub_add_counters(tow_hub_counters *sum, const tow_hub_counters *counters) {
#define ADD(field, text) sum->field += tow_count_read(&counters->field);
    TOW_HUB_COUNTERS(ADD)
#undef ADD
}

static void add_shared(const tow_hub *hub, tow_hub_counters *sum) {
    sum->published += atomic_load_explicit(&hub->counters.published, memory_order_relaxed);
    sum->unheard += atomic_load_explicit(&hub->counters.unheard, memory_order_relaxed);
    sum->over_pending += atomic_load_explicit(&hub->counters.over_pending, memory_order_relaxed);
    sum->history_dropped += atomic_load_explicit(&hub->counters.history_dropped, memory_order_relaxed);
    sum->store_errors += atomic_load_explicit(&hub->counters.store_errors, memory_order_relaxed);
    sum->over_channels += atomic_load_explicit(&hub->counters.over_channels, memory_order_relaxed);
    sum->over_members += atomic_load_explicit(&hub->counters.over_members, memory_order_relaxed);
    sum->too_large += atomic_load_explicit(&hub->counters.too_large, memory_order_relaxed);
    sum->memory_failures += atomic_load_explicit(&hub->counters.memory_failures, memory_order_relaxed);
}

static uint64_t amount(const _Atomic int64_t *gauge) {
    int64_t value = atomic_load_explicit(gauge, memory_order_relaxed);
    return value > 0 ? (uint64_t)value : 0;
}

void tow_hub_read(tow_hub *hub, tow_hub_counters *counters, tow_hub_gauges *gauges) {
    *counters = (tow_hub_counters){0};
    *gauges = (tow_hub_gauges){.channels = amount(&hub->channels),
        .members = amount(&hub->members),
        .history_bytes = amount(&hub->history_bytes),
        .asked_bytes = amount(&hub->asked_bytes)};
    pthread_mutex_lock(&hub->mutex);
    tow_hub_add_counters(counters, &hub->gone);
    for (size_t i = 0; i < hub->part_count; i++) {
        const tow_hub_part *part = hub->parts[i];
        if (part == NULL)
            continue;
        tow_hub_add_counters(counters, &part->counters);
        gauges->subscriptions += tow_count_read(&part->subscriptions);
        gauges->waiting_bytes += tow_count_read(&part->waiting_bytes);
        gauges->pending_bytes += amount(&part->pending);
    }
    pthread_mutex_unlock(&hub->mutex);
    add_shared(hub, counters);
}
