/* remembered: what a WebSocket connection remembers of its opening: when it was, the client's address, the
 * path for the log's line of its end, and the request, if its route asks for it.
 *
 * An idle connection has all of it in its slot: an IPv4 client's address and port, and its path, which is the
 * route's. What does not fit there is a note in the tally: other addresses, the path below a prefix where
 * somebody wants the line, the request. */
#ifndef TOW_SERVER_REMEMBERED_H
#define TOW_SERVER_REMEMBERED_H

#include "slot.h"

/* When it is opened, while worker->opening is its request. */
void tow_remember_opening(tow_connection *connection);

/* When on_close has returned: the request goes. */
void tow_forget_request(tow_connection *connection);

/* How long it has been open, in milliseconds. */
int64_t tow_remembered_age(const tow_connection *connection);

/* "127.0.0.1:50001", "192.0.2.1" when the port is not known, "unix"; `room` may hold it. */
const char *tow_remembered_peer(const tow_connection *connection, char room[TOW_ADDRESS_TEXT_MAX]);

/* Without the query; the prefix where nobody wanted to know. */
const char *tow_remembered_path(const tow_connection *connection);

/* NULL: its route did not ask for it, or it is gone. */
const tow_request *tow_remembered_request(const tow_connection *connection);

#endif
