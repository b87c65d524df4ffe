/* ending: the log's line of a WebSocket connection's end: who, where, why, and what was carried. */
#ifndef TOW_SERVER_ENDING_H
#define TOW_SERVER_ENDING_H

#include "slot.h"

/* When its socket is closed. */
void tow_ending_report(const tow_connection *connection);

/* Who ended it: "client", "server" or "network". */
const char *tow_ending_ender(tow_cause cause);

#endif
