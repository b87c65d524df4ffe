#include "answered.h"

#include "call.h"
#include "give.h"

static void begin(tow_hub_part *part, tow_aside *aside, const tow_store_call *call) {
    if (call->ask.since.epoch != 0)
        tow_hub_count_return(part, aside->told->what.is_whole);
    aside->subscription->seen = call->order & TOW_SEEN_MAX;
    tow_aside_enlist(aside, &part->fresh);
    tow_hub_part_wake(part);
}

static void settle(tow_store_call *call) {
    tow_subscription *subscription = call->asker;
    tow_aside *aside = tow_aside_of(call->part, subscription);
    aside->call = NULL;
    int error = call->error;
    if (error == 0)
        error = tow_aside_tell(call->part, aside, &call->result);
    tow_hub_count_failure(call->part, error);
    if (error == 0)
        begin(call->part, aside, call);
    else
        tow_give_end(
            subscription, tow_call_is_over_members(call) ? TOW_SUBSCRIPTION_FULL : TOW_SUBSCRIPTION_REFUSED);
}

void tow_answered_settle_all(tow_hub_part *part) {
    for (tow_letter *letter = atomic_exchange_explicit(&part->answered, NULL, memory_order_acquire), *next;
         letter != NULL; letter = next) {
        tow_store_call *call = (tow_store_call *)letter;
        next = letter->next;
        if (call->asker != NULL)
            settle(call);
        tow_call_free(call);
    }
}
