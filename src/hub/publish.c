/* publish: what is published by whatever thread gets its place in the order of its channel. */
#include "call.h"

#include <assert.h>
#include <towline/error.h>

static int publish(tow_hub *hub, tow_slice name, tow_published *published, tow_publishing *what) {
    tow_hold hold = tow_hub_hold(hub, name);
    int error = tow_hold_check(&hold, name);
    if (error == 0)
        error = hub->store->class->publish(hub->store, &hold, published);
    if (error == TOW_STORE_LATER && what->arrive != NULL)
        tow_call_expect(hold.call, what->part, what->asker, what->arrive);
    what->call = hold.call;
    if (error == 0) /* else it may be numbered meanwhile */
        what->answer.position = published->position;
    if (hold.channel != NULL) {
        what->answer.exists = true;
        what->answer.subscribers = hold.channel->subscribers;
    }
    tow_hub_let_go(&hold);
    return error;
}

static void count_publish(tow_hub *hub, int error) {
    _Atomic uint64_t *counter = error >= 0                      ? &hub->counters.published
                                : error == TOW_ERROR_QUEUE_FULL ? &hub->counters.over_pending
                                : error == TOW_ERROR_MEMORY     ? &hub->counters.memory_failures
                                                                : NULL;
    if (counter != NULL)
        atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

int tow_hub_publish_for(tow_hub *hub, tow_slice name, const tow_draft *draft, tow_publishing *what) {
    tow_published *published;
    if (!tow_hub_has_begun(hub))
        return TOW_ERROR_STATE;
    if (name.length > TOW_CHANNEL_NAME_MAX)
        return TOW_ERROR_ARGUMENT;
    if (draft->data.length > (uint64_t)hub->max_publication) {
        atomic_fetch_add_explicit(&hub->counters.too_large, 1, memory_order_relaxed);
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    }
    assert(!draft->is_count || draft->not_kept);
    int error = tow_published_new(
        &published, draft->is_count ? TOW_PUBLISHED_COUNT : TOW_PUBLISHED_MESSAGE, name, draft);
    if (error == 0) {
        error = publish(hub, name, published, what);
        if (error < 0)
            tow_published_give_back(published);
        tow_published_release(published);
    }
    count_publish(hub, error);
    if (what->answer.exists && what->answer.subscribers == 0)
        tow_hub_sweep_soon(hub);
    return error;
}

int tow_hub_publish(tow_hub *hub, tow_slice name, const tow_draft *draft) {
    tow_publishing what = {0};
    int error = tow_hub_publish_for(hub, name, draft, &what);
    return error == TOW_STORE_LATER ? 0 : error;
}
