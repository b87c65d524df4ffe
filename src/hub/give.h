/* give: what one subscriber hears: that it is subscribed, publications, what waited for it, what is missing,
 * and that it is over. Anything may have been ended by a callback when these return. */
#ifndef TOW_HUB_GIVE_H
#define TOW_HUB_GIVE_H

#include "part.h"

/* Ends it for a reason, and tells it. */
void tow_give_end(tow_subscription *subscription, tow_subscription_end why);

/* Whether it takes a burst now; if not, it is unready from now on. */
static inline bool tow_give_may(tow_subscription *subscription) {
    if (subscription->flags & TOW_SUBSCRIPTION_UNREADY)
        return false;
    if (subscription->kind->takes == NULL || subscription->kind->takes(subscription))
        return true;
    subscription->flags |= TOW_SUBSCRIPTION_UNREADY;
    return false;
}

/* Gives it a burst, which it takes. */
void tow_give_burst(tow_subscription *subscription, tow_burst *burst);

/* Keeps what it does not take now; ends it where that is too much. */
void tow_give_later(tow_subscription *subscription, const tow_burst *burst);

/* It is subscribed. */
void tow_give_subscribed(tow_hub_part *part, tow_aside *aside);

/* The next of what waited. */
void tow_give_waiting(tow_hub_part *part, tow_aside *aside);

/* Nothing waits for it any more, or it takes nothing: it is out of the lists. */
void tow_give_rest(tow_hub_part *part, tow_subscription *subscription);

#endif
