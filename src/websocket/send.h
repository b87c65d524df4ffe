/* send: messages become frames, which go into the cork, at once to the network when they are large, or into
 * the queue while the network takes nothing. */
#ifndef TOW_WEBSOCKET_SEND_H
#define TOW_WEBSOCKET_SEND_H

#include "protocol/frame.h"
#include "websocket/websocket.h"

#include <towline/shared.h>

/* What is sent as one frame. */
typedef struct tow_outgoing {
    tow_opcode opcode;
    uint8_t reserved_bits;
    bool unfinished; /* more fragments of the message follow */
    const void *data;
    size_t length;
} tow_outgoing;

/* Sends a control frame. Errors: MEMORY. */
int tow_send_control(tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length);

/* Whether frames wait for the network. */
bool tow_send_is_waiting(const tow_websocket *socket);

/* Counts application data that was neither sent nor queued and never will be. */
void tow_send_discard(tow_websocket *socket, size_t length);

/* What the other ways of sending (send_shared.c, send_piece.c) have in common with messages. */

/* 0 if a message may be sent, else CONNECTING, CLOSED (what can't be sent is counted) or STATE: one is being
 * sent in pieces. */
int tow_send_message_check(tow_websocket *socket, size_t length);

/* Whether a message of this length is to be compressed. */
bool tow_send_is_compressed(const tow_websocket *socket, size_t length);

/* Sends a frame, or a message as one frame if compressing gains anything. While frames wait all others go
 * behind them. Errors: MEMORY. */
int tow_send_frame(tow_websocket *socket, const tow_outgoing *frame);
int tow_send_compressed(tow_websocket *socket, const tow_outgoing *message);

/* Sends a shared message, as tow_websocket_send_shared does when nothing stands against it. */
int64_t tow_send_shared(tow_websocket *socket, tow_shared *shared);

/* After bytes were added to the queue, which was empty or not: the stall clock starts with the first of them,
 * and above the high mark we stop reading. */
void tow_send_queue_grew(tow_websocket *socket, bool was_empty);

/* Half a frame is gone, and the other half is lost: nothing can follow it. */
void tow_send_lose(tow_websocket *socket);

/* So many bytes of a message, `last` among them or not, are on their way: counts them and returns the
 * buffered amount. */
int64_t tow_send_done(tow_websocket *socket, size_t length, bool last);

/* The stream's on_writable and on_unsent. */
void tow_send_writable(tow_stream *stream);
void tow_send_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken);

#endif
