#include "unheard.h"

enum { SILENCE_MILLISECONDS = 60 * 1000 };

/* Of several threads one tells. */
static bool is_time(tow_hub *hub) {
    int64_t now = tow_hub_now(hub);
    int64_t last = atomic_load_explicit(&hub->unheard_told, memory_order_relaxed);
    bool is_early = last != 0 && now >= last && now - last < SILENCE_MILLISECONDS;
    return !is_early && atomic_compare_exchange_strong(&hub->unheard_told, &last, now);
}

void tow_unheard_note(tow_hub *hub, const tow_store_call *call) {
    atomic_fetch_add_explicit(&hub->counters.unheard, 1, memory_order_relaxed);
    if (hub->on_unheard != NULL && is_time(hub))
        hub->on_unheard(hub->unheard_user, call->ask.name, call->error);
}
