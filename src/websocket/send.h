/* send: messages become frames, which go into the cork, at once to the network when they are large, or into
 * the queue while the network takes nothing. */
#ifndef TOW_WEBSOCKET_SEND_H
#define TOW_WEBSOCKET_SEND_H

#include "protocol/frame.h"
#include "websocket/websocket.h"

enum {
    TOW_HIGH_MARK = 256 * 1024, /* more waits: our own receiving pauses */
    TOW_LOW_MARK = 64 * 1024    /* less waits again: on_drain, and receiving goes on */
};

/* Sends a control frame. Errors: MEMORY. */
int tow_send_control(tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length);

/* Whether frames wait for the network. */
bool tow_send_is_waiting(const tow_websocket *socket);

/* Counts application data that was neither sent nor queued and never will be. */
void tow_send_discard(tow_websocket *socket, size_t length);

/* The stream's on_writable and on_unsent. */
void tow_send_writable(tow_stream *stream);
void tow_send_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken);

#endif
