/* unfinished: the bytes of messages that have not come to their end, or are still being inflated, bounded for
 * each address and for all connections of a worker. */
#ifndef TOW_WEBSOCKET_UNFINISHED_H
#define TOW_WEBSOCKET_UNFINISHED_H

#include "../context.h"

/* Counts what the socket holds by now, after a read. Returns the limit that it is over, or TOW_CAUSE_COUNT.
 */
tow_cause tow_unfinished_update(tow_websocket *socket);

#endif
