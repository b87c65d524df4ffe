/* piecewise: messages that are delivered in pieces, as they come, without being assembled.
 *
 * A piece that is not compressed is lent where it lies. A compressed one is inflated a bounded part at a
 * time, and what of it is still to be inflated is kept when delivery has to stop in between: because it was
 * paused, because too much waits to be sent, or because one message has had its share of this round. */
#ifndef TOW_WEBSOCKET_PIECEWISE_H
#define TOW_WEBSOCKET_PIECEWISE_H

#include "websocket/websocket.h"

/* Delivers what was received of a message, which the behaviour wants in pieces. Returns 0, or why the message
 * fails: COMPRESSED_DATA, MESSAGE_TOO_LARGE, UTF8, MEMORY. */
int tow_piecewise_receive(tow_websocket *socket, const tow_received *received);

/* Whether a compressed piece was delivered in part; and: goes on with it, as above. */
bool tow_piecewise_waits(const tow_websocket *socket);
int tow_piecewise_go_on(tow_websocket *socket);

/* Frees what the connection has of a message. */
void tow_piecewise_end(tow_websocket *socket);

#endif
