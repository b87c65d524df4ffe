/* send: what is asked to be sent is checked, given to the carrier, and counted. */
#ifndef TOW_WEBSOCKET_SEND_H
#define TOW_WEBSOCKET_SEND_H

#include "websocket/websocket.h"

#include <towline/shared.h>

/* What the other ways of sending (send_shared.c, send_piece.c) have in common with messages. */

/* 0 if a message may be sent, else CONNECTING, CLOSED (what can't be sent is counted) or STATE: one is being
 * sent in pieces. */
int tow_send_message_check(tow_websocket *socket, size_t length);

/* Sends a shared message, as tow_websocket_send_shared does when nothing stands against it. */
int64_t tow_send_shared(tow_websocket *socket, tow_shared *shared);

/* So many bytes, and with them the ends of so many messages, are on their way: counts them and returns the
 * buffered amount. */
int64_t tow_send_done(tow_websocket *socket, size_t length, size_t ends);

/* Less waits than before: on_drain comes if it is little enough now. Runs callbacks. */
void tow_send_less_waits(tow_websocket *socket);

#endif
