/* aside: what only some subscriptions need, as long as they do: the news that they stand, what waits for
 * them, and who is present by them. */
#ifndef TOW_HUB_ASIDE_H
#define TOW_HUB_ASIDE_H

#include "backlog.h"
#include "told.h"

typedef struct tow_hub_part tow_hub_part;

typedef struct tow_aside {
    tow_ring link; /* in one of the part's lists; `next` is NULL: in none */
    tow_subscription *subscription;
    tow_told *told;       /* NULL: that has been said */
    tow_lease *lease;     /* NULL: none */
    tow_store_call *call; /* the store has not answered yet; NULL: it has */
    tow_backlog backlog;
} tow_aside;

/* The aside of a subscription, or NULL; and the same made if there is none: NULL without memory. */
tow_aside *tow_aside_of(const tow_hub_part *part, const tow_subscription *subscription);
tow_aside *tow_aside_need(tow_hub_part *part, tow_subscription *subscription);

/* What the store has answered: it is told, and what was missed waits. Errors: MEMORY. */
int tow_aside_tell(tow_hub_part *part, tow_aside *aside, tow_store_result *result);

/* Whether somebody is present by it, or will be. */
static inline bool tow_aside_is_member(const tow_aside *aside) {
    return aside->lease != NULL || (aside->call != NULL && aside->call->ask.member != NULL);
}

/* Puts it into a list, out of another. */
void tow_aside_enlist(tow_aside *aside, tow_ring *list);
void tow_aside_delist(tow_aside *aside);

/* Frees it if nothing of it is needed (any more). */
void tow_aside_settle(tow_hub_part *part, tow_subscription *subscription);

/* Frees it. Its lease was given back. */
void tow_aside_free(tow_hub_part *part, tow_subscription *subscription);

#endif
