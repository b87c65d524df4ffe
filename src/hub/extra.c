#include "extra.h"

#include "part.h"

#include <assert.h>
#include <stdlib.h>

tow_extra *tow_extra_of(const tow_hub_part *part, const tow_subscription *subscription) {
    return subscription->extra == 0 ? NULL : tow_slab_at(&part->extras, subscription->extra - 1);
}

tow_extra *tow_hub_extra_need(tow_hub_part *part, tow_subscription *subscription) {
    uint32_t number;
    if (subscription->extra != 0)
        return tow_extra_of(part, subscription);
    tow_extra *made = tow_slab_take(&part->extras, &number);
    if (made == NULL)
        return NULL;
    made->subscription = subscription;
    subscription->extra = number + 1;
    return made;
}

void tow_extra_delist(tow_extra *extra) {
    if (extra->link.next == NULL)
        return;
    tow_ring_remove(&extra->link);
    extra->link = (tow_ring){0};
}

void tow_extra_enlist(tow_extra *extra, tow_ring *list) {
    tow_extra_delist(extra);
    tow_ring_add_last(list, &extra->link);
}

void tow_told_free(tow_told *told) {
    if (told == NULL)
        return;
    for (size_t i = 0; i < told->what.member_count; i++)
        tow_published_release(told->present[i]);
    free(told->present);
    free(told);
}

void tow_extra_free(tow_hub_part *part, tow_subscription *subscription) {
    tow_extra *extra = tow_extra_of(part, subscription);
    if (extra == NULL)
        return;
    assert(extra->present == NULL);
    tow_extra_delist(extra);
    tow_told_free(extra->told);
    tow_hub_part_waits(part, extra->backlog.bytes, 0);
    tow_backlog_clear(&extra->backlog);
    tow_slab_give(&part->extras, subscription->extra - 1);
    subscription->extra = 0;
}

void tow_extra_settle(tow_hub_part *part, tow_subscription *subscription) {
    const tow_extra *extra = tow_extra_of(part, subscription);
    if (extra == NULL || extra->told != NULL || extra->present != NULL ||
        !tow_backlog_is_empty(&extra->backlog))
        return;
    tow_extra_free(part, subscription);
}
