/* stay: what a keeper knows of a guest: what it was granted, until when, and what a back end is told of it.
 */
#ifndef TOW_HANDLER_TOKENS_STAY_H
#define TOW_HANDLER_TOKENS_STAY_H

#include "grant.h"
#include "guest_book.h"
#include "handler/channel_keeper.h"
#include "transport/timer.h"

typedef struct tow_stay {
    tow_channel_guest *guest;
    tow_guest_book *book;
    tow_grant *grant;         /* NULL: nobody in particular */
    tow_header_field *fields; /* of its request, for a back end; NULL: there is none */
    tow_timer expiry;
    tow_booked booked;
} tow_stay;

/* Begins one of a guest that has a loop; it is what is known of it then. NULL without memory. */
tow_stay *tow_stay_begin(tow_channel_guest *guest, tow_guest_book *book);

/* Whether that would leave it the user that it is, where it is one and is in. */
bool tow_stay_may_take_grant(const tow_stay *stay, const tow_grant *grant);
#define TOW_STAY_IS_ANOTHERS "this connection is another user's"

/* Another grant in place of the one before; it is the stay's from now on, and may be NULL. */
void tow_stay_take_grant(tow_stay *stay, tow_grant *grant);

/* NULL is allowed. */
void tow_stay_end(tow_stay *stay);

#endif
