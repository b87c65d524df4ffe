/* presence: who is a member of a channel: users, each once, with the leases that keep them there. A lease is
 * held by a subscription, and given back when that ends. It knows no lock: that is the channel's. */
#ifndef TOW_HUB_PRESENCE_H
#define TOW_HUB_PRESENCE_H

#include "hub/subscription.h"
#include "made.h"

/* A user. Both events are made when it comes, so that going can't fail. */
typedef struct tow_present {
    tow_published *joined; /* has user and info */
    tow_published *left;
    uint32_t leases;
} tow_present;

typedef struct tow_presence { /* in the order of their users' bytes */
    tow_present **items;
    size_t count;
    size_t capacity;
} tow_presence;

/* One lease more for a user, who is added if it is new; `present` is set on success. Errors: LIMIT (`max`
 * users are there), MEMORY. */
int tow_presence_join(
    tow_presence *presence, tow_present **present, tow_slice channel, const tow_member *member, size_t max);

/* One less. Returns whether it was the last: then the user is out of the list, and the caller has it, for
 * tow_present_free. */
bool tow_presence_leave(tow_presence *presence, tow_present *present);
void tow_present_free(tow_present *present);

/* Whether a user has just come. */
static inline bool tow_present_is_new(const tow_present *present) {
    return present->leases == 1;
}

tow_member tow_present_member(const tow_present *present);

/* The index of the first user behind this one, which need not be there; an empty one is before all. */
size_t tow_presence_after(const tow_presence *presence, tow_slice user);

/* When nobody is there any more: frees the list. */
void tow_presence_clear(tow_presence *presence);

#endif
