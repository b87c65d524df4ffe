#include "waiting.h"

#include "call.h"

/* On the thread that answers. */
static void arrive(tow_store_call *call, tow_hold *hold) {
    tow_place *place = ((const tow_subscription *)call->asker)->place;
    tow_hub_part *part = call->part;
    call->order = hold->channel->order;
    call->letter.next = atomic_load_explicit(&part->answered, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(
        &part->answered, &call->letter.next, &call->letter, memory_order_release, memory_order_relaxed)) {
    }
    tow_place_post(place); /* the call may be gone already */
}

void tow_waiting_begin(tow_hub_part *part, tow_aside *aside, tow_store_call *call) {
    aside->call = call;
    aside->subscription->seen = TOW_SEEN_MAX;
    aside->subscription->flags |= TOW_SUBSCRIPTION_WAITS;
    tow_call_expect(call, part, aside->subscription, arrive);
}

/* If it is answered it stands in the list, and goes with that; its place may be gone by then. */
void tow_waiting_end(tow_aside *aside, tow_hold *hold) {
    tow_store_call *call = aside->call;
    if (call == NULL)
        return;
    tow_call_give_up(call, hold);
    if (call->is_answered)
        tow_hub_part_wake(call->part);
    aside->call = NULL;
}
