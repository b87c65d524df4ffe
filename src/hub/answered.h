/* answered: subscriptions that the store has answered begin, or are refused. */
#ifndef TOW_HUB_ANSWERED_H
#define TOW_HUB_ANSWERED_H

#include "part.h"

/* Those that are answered now. */
void tow_answered_settle_all(tow_hub_part *part);
static inline void tow_answered_settle(tow_hub_part *part) {
    if (atomic_load_explicit(&part->answered, memory_order_relaxed) != NULL)
        tow_answered_settle_all(part);
}

#endif
