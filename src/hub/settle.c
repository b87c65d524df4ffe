/* settle: what a place holds goes, and the place itself when nobody needs it. */
#include "place.h"

#include <assert.h>
#include <stdlib.h>

static void drop_batch(tow_hub_part *part, tow_batch *batch) {
    if (batch == NULL)
        return;
    atomic_fetch_sub_explicit(&part->pending, (int64_t)tow_batch_size(batch), memory_order_relaxed);
    tow_batch_free(batch);
}

void tow_place_end_batch(tow_place *place) {
    drop_batch(place->part, place->batch);
    place->batch = NULL;
}

/* The part may be gone when the letter comes home: all that is left then is the place itself. */
void tow_place_settle(tow_place *place) {
    if (place->channel != NULL)
        return;
    drop_batch(place->part, place->pending);
    place->pending = NULL;
    if (place->delivering)
        return;
    tow_place_end_batch(place);
    if (!place->posted)
        free(place);
}

void tow_place_drop(tow_letter *letter) {
    tow_place *place = (tow_place *)letter;
    assert(place->channel == NULL);
    free(place);
}
