/* closing: the closing handshake and every other end of a connection (RFC 6455, section 7).
 *
 * Whatever ends it, the way is one: CLOSING, in which nothing is sent after our Close and no message is
 * delivered any more; then the stream is closed; and when that is done, CLOSED and the events. No callback
 * runs inside a call that ends a connection. */
#ifndef TOW_WEBSOCKET_CLOSING_H
#define TOW_WEBSOCKET_CLOSING_H

#include "websocket/websocket.h"

/* The peer's Close came; the reason is a copy's source, and need not end with a zero. */
void tow_closing_received(tow_websocket *socket, uint16_t code, const char *reason, size_t reason_length);

/* Whether the end is a clean one, as far as it has come. */
bool tow_closing_is_clean(const tow_websocket *socket);

/* The connection has failed, unless it had before; what follows of that is the caller's. */
void tow_closing_note_failure(tow_websocket *socket, tow_cause cause, int error);

/* What carried the socket is gone, and nothing of it is in use any more: the events, then the owner's `gone`.
 */
void tow_closing_over(tow_websocket *socket);

#endif
