/* told: what `subscribed` will say, and what is given behind it: made of what the store answers. */
#ifndef TOW_HUB_TOLD_H
#define TOW_HUB_TOLD_H

#include "hub/store.h"

typedef struct tow_told {
    tow_subscribed what;
    tow_published **present; /* references to the members' events, which hold their texts; NULL: none */
    tow_member members[];
} tow_told;

/* Takes over who is present. NULL without memory. */
tow_told *tow_told_new(tow_store_result *result);
void tow_told_free(tow_told *told); /* NULL is allowed */

/* Those whose events these are; the texts are theirs. NULL without memory. */
tow_member *tow_members_of(tow_published *const *present, size_t count);

/* What a store's arrays hold goes. */
void tow_store_result_drop(tow_store_result *result);
static inline void tow_store_result_clear(tow_store_result *result) {
    if (result->published != NULL || result->present != NULL)
        tow_store_result_drop(result);
}

#endif
