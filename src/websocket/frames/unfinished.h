/* unfinished: the bytes of a socket's message that has not come to its end, or is still being inflated. */
#ifndef TOW_WEBSOCKET_UNFINISHED_H
#define TOW_WEBSOCKET_UNFINISHED_H

#include "../context.h"

/* Counts what the socket holds by now, after a read. Returns the limit that it is over, or TOW_CAUSE_COUNT.
 */
tow_cause tow_unfinished_update(tow_websocket *socket);

#endif
