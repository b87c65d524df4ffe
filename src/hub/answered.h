/* answered: subscriptions that the store has answered begin, or are refused. */
#ifndef TOW_HUB_ANSWERED_H
#define TOW_HUB_ANSWERED_H

#include "part.h"

/* Those that are answered now. */
static inline bool tow_answered_are_some(const tow_hub_part *part) {
    return atomic_load_explicit(&part->answered, memory_order_relaxed) != NULL;
}

void tow_answered_settle_all(tow_hub_part *part);
static inline void tow_answered_settle(tow_hub_part *part) {
    if (tow_answered_are_some(part))
        tow_answered_settle_all(part);
}

#endif
