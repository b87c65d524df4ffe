#include "aside.h"

#include "part.h"

#include <assert.h>
#include <towline/error.h>

tow_aside *tow_aside_of(const tow_hub_part *part, const tow_subscription *subscription) {
    return subscription->aside == 0 ? NULL : tow_slab_at(&part->asides, subscription->aside - 1);
}

tow_aside *tow_aside_need(tow_hub_part *part, tow_subscription *subscription) {
    uint32_t number;
    if (subscription->aside != 0)
        return tow_aside_of(part, subscription);
    tow_aside *made = tow_slab_take(&part->asides, &number);
    if (made == NULL)
        return NULL;
    made->subscription = subscription;
    subscription->aside = number + 1;
    return made;
}

void tow_aside_delist(tow_aside *aside) {
    if (aside->link.next == NULL)
        return;
    tow_ring_remove(&aside->link);
    aside->link = (tow_ring){0};
}

void tow_aside_enlist(tow_aside *aside, tow_ring *list) {
    tow_aside_delist(aside);
    tow_ring_add_last(list, &aside->link);
}

int tow_aside_tell(tow_hub_part *part, tow_aside *aside, tow_store_result *result) {
    aside->lease = result->lease;
    aside->told = tow_told_new(result);
    if (aside->told == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_backlog_load(&aside->backlog, result->published, result->count);
    tow_hub_part_waits(part, 0, aside->backlog.bytes);
    return error;
}

void tow_aside_free(tow_hub_part *part, tow_subscription *subscription) {
    tow_aside *aside = tow_aside_of(part, subscription);
    if (aside == NULL)
        return;
    assert(aside->lease == NULL && aside->call == NULL);
    tow_aside_delist(aside);
    tow_told_free(aside->told);
    tow_hub_part_waits(part, aside->backlog.bytes, 0);
    tow_backlog_clear(&aside->backlog);
    tow_slab_give(&part->asides, subscription->aside - 1);
    subscription->aside = 0;
}

void tow_aside_settle(tow_hub_part *part, tow_subscription *subscription) {
    const tow_aside *aside = tow_aside_of(part, subscription);
    if (aside == NULL || aside->told != NULL || aside->lease != NULL || aside->call != NULL ||
        !tow_backlog_is_empty(&aside->backlog))
        return;
    tow_aside_free(part, subscription);
}
