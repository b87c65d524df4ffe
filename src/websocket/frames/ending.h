/* ending: how the stream ends when both sides have said that they close, or one has failed (RFC 6455, section
 * 7.1). */
#ifndef TOW_WEBSOCKET_FRAMES_ENDING_H
#define TOW_WEBSOCKET_FRAMES_ENDING_H

#include "websocket/websocket.h"

/* After this a closing connection that is still there is looked at; most are gone by then. */
#define TOW_ENDING_FIRST_LOOK (TOW_SECOND / 2)

/* Whether nothing but the end of the stream is left. */
bool tow_ending_is_due(const tow_websocket *socket);

/* Whether nothing of ours waits any more. */
bool tow_ending_all_is_sent(const tow_websocket *socket);

/* Goes on as far as possible: after the queue has become shorter. */
void tow_ending_advance(tow_websocket *socket);

/* The end begins, or another step of it: its time runs from now. */
void tow_ending_begin(tow_websocket *socket);

/* Closes the stream; or resets it: what is in the cork is dropped. */
void tow_ending_close(tow_websocket *socket);
void tow_ending_reset(tow_websocket *socket);

#endif
