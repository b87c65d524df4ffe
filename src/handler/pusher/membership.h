/* membership: who a client is in the presence channels that it is subscribed to. */
#ifndef TOW_HANDLER_PUSHER_MEMBERSHIP_H
#define TOW_HANDLER_PUSHER_MEMBERSHIP_H

#include "base/slice.h"

typedef struct tow_pusher_membership tow_pusher_membership; /* the first of a list; NULL: none */

/* Errors: MEMORY. */
int tow_pusher_membership_add(tow_pusher_membership **list, tow_slice channel, tow_slice id);

/* Nothing happens if there is none. */
void tow_pusher_membership_remove(tow_pusher_membership **list, tow_slice channel);

/* The user's id there, as long as it is one; length 0: none. */
tow_slice tow_pusher_membership_id(const tow_pusher_membership *list, tow_slice channel);

void tow_pusher_memberships_clear(tow_pusher_membership **list);

#endif
