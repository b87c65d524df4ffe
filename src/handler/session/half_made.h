/* half_made: sessions of a worker that have begun, and to which nobody has come back yet, oldest first. A
 * client that only begins sessions so ends its own. */
#ifndef TOW_HANDLER_SESSION_HALF_MADE_H
#define TOW_HANDLER_SESSION_HALF_MADE_H

#include "base/ring.h"
#include "server/metric.h"

#define TOW_HALF_MADE_DEFAULT 1000

typedef struct tow_half_made {
    tow_ring ring;
    int64_t count;
} tow_half_made;

static inline void tow_half_made_init(tow_half_made *half_made) {
    *half_made = (tow_half_made){0};
    tow_ring_init(&half_made->ring);
}

/* Adds a session's link, zeroed while it is in no list. Returns the oldest's, which has to be taken out and
 * ended, where they are more than `max`; else NULL. */
static inline tow_ring *tow_half_made_add(
    tow_half_made *half_made, tow_ring *link, int64_t max, tow_metric *gauge) {
    tow_ring_add_last(&half_made->ring, link);
    tow_metric_add(gauge, 1);
    return ++half_made->count > max ? half_made->ring.next : NULL;
}

/* Takes it out, if it is in. */
static inline void tow_half_made_remove(tow_half_made *half_made, tow_ring *link, tow_metric *gauge) {
    if (link->next == NULL)
        return;
    tow_ring_remove(link);
    *link = (tow_ring){0};
    tow_metric_add(gauge, -1);
    half_made->count--;
}

#endif
