/* watchlist: the users of whom a client wants to know whether they are online: whether any connection has
 * signed in as them. All of them are told first, then each that changes. */
#ifndef TOW_HANDLER_PUSHER_WATCHLIST_H
#define TOW_HANDLER_PUSHER_WATCHLIST_H

#include "connection.h"

typedef struct tow_pusher_watchlist tow_pusher_watchlist;

/* Of user_data; NULL where it has none. Errors: LIMIT (more than 100), MEMORY, those of tow_subscribe. */
int tow_pusher_watchlist_new(tow_pusher_watchlist **list, tow_pusher_connection *connection, tow_slice data);

/* NULL is allowed. */
void tow_pusher_watchlist_free(tow_pusher_watchlist *list);

#endif
