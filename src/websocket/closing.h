/* closing: the closing handshake and every other end of a connection (RFC 6455, section 7).
 *
 * Whatever ends it, the way is one: CLOSING, in which nothing is sent after our Close and no message is
 * delivered any more; then the stream is closed; and when that is done, CLOSED and the events. No callback
 * runs inside a call that ends a connection. */
#ifndef TOW_WEBSOCKET_CLOSING_H
#define TOW_WEBSOCKET_CLOSING_H

#include "websocket/websocket.h"

/* The peer's Close came. */
void tow_closing_received(tow_websocket *socket, const uint8_t *payload, size_t length);

/* Goes on as far as possible: after the queue has become shorter. */
void tow_closing_advance(tow_websocket *socket);

/* The peer's end may have waited for the delivery of what came before it. */
void tow_closing_check_end(tow_websocket *socket);

/* The timer of a closing connection fired. */
void tow_closing_timed_out(tow_websocket *socket);

/* What the peer said before it ended its side is not read any more. */
void tow_closing_give_up_unread(tow_websocket *socket);

/* The stream's on_end, on_fin, on_error and on_closed. */
void tow_closing_stream_ended(tow_stream *stream);
void tow_closing_stream_fin(tow_stream *stream);
void tow_closing_stream_failed(tow_stream *stream, int error);
void tow_closing_stream_closed(tow_stream *stream);

#endif
