/* ending: how the stream ends when both sides have said that they close, or one has failed (RFC 6455, section
 * 7.1), and what the peer is given time for. */
#ifndef TOW_WEBSOCKET_FRAMES_ENDING_H
#define TOW_WEBSOCKET_FRAMES_ENDING_H

#include "websocket/websocket.h"

/* Goes on as far as possible: after the queue has become shorter. */
void tow_ending_advance(tow_websocket *socket);

/* The end begins, or another step of it: its time runs from now. */
void tow_ending_begin(tow_websocket *socket);

/* The peer's end may have waited for the delivery of what came before it. */
void tow_ending_check(tow_websocket *socket);

/* The timer of a closing connection fired. */
void tow_ending_timed_out(tow_websocket *socket);

/* What the peer said before it ended its side is not read any more. */
void tow_ending_give_up_unread(tow_websocket *socket);

/* Resets the stream; what is in the cork is dropped. */
void tow_ending_reset(tow_websocket *socket);

/* The stream's on_end, on_fin, on_error and on_closed. */
void tow_ending_ended(tow_stream *stream);
void tow_ending_fin(tow_stream *stream);
void tow_ending_failed(tow_stream *stream, int error);
void tow_ending_closed(tow_stream *stream);

#endif
