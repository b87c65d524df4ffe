/* ending: the log's line of a WebSocket connection's end: who, where, why, and what was carried.
 *
 * Where nobody wants the line, nothing is remembered for it. Else an idle connection has all of it in its
 * slot: an IPv4 client's address and port, and its path, which is the route's. What does not fit there (other
 * addresses, what lies below a prefix) is a note in the tally. */
#ifndef TOW_SERVER_ENDING_H
#define TOW_SERVER_ENDING_H

#include "slot.h"

/* When it is opened, while worker->opening is its request. */
void tow_ending_note(tow_connection *connection);

/* When its socket is closed. */
void tow_ending_report(const tow_connection *connection);

/* Who ended it: "client", "server" or "network". */
const char *tow_ending_ender(tow_cause cause);

#endif
