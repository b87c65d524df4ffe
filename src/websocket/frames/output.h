/* output: messages become frames, which go into the cork, at once to the network when they are large, or into
 * the queue while the network takes nothing. */
#ifndef TOW_WEBSOCKET_FRAMES_OUTPUT_H
#define TOW_WEBSOCKET_FRAMES_OUTPUT_H

#include "../extra.h"
#include "protocol/frame.h"
#include "websocket/websocket.h"

/* What is sent as one frame. */
typedef struct tow_outgoing {
    tow_opcode opcode;
    uint8_t reserved_bits;
    bool unfinished; /* more fragments of the message follow */
    const void *data;
    size_t length;
} tow_outgoing;

/* Sends a control frame. Errors: MEMORY. */
int tow_frames_send_control(tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length);

/* Sends a Close, without a code if that is 0. Errors: MEMORY. */
int tow_frames_send_close(tow_websocket *socket, uint16_t code, const char *reason);

/* Sends bytes that need be no frames. Errors: MEMORY. */
int tow_frames_send_bytes(tow_websocket *socket, const uint8_t *bytes, size_t length);

/* What the other ways of sending have in common with these. */

/* Whether frames wait for the network. */
static inline bool tow_send_is_waiting(const tow_websocket *socket) {
    return socket->extra != NULL && !tow_queue_is_empty(&socket->extra->queue);
}

/* How much application data is not with the network yet. */
static inline int64_t tow_frames_buffered(const tow_websocket *socket) {
    int64_t corked = tow_stream_corked_payload(&socket->stream);
    return socket->extra == NULL ? corked : corked + (int64_t)socket->extra->queue.payload;
}

/* Whether a message of this length is to be compressed. */
static inline bool tow_send_is_compressed(const tow_websocket *socket, size_t length) {
    const tow_limits *limits = &socket->behaviour->limits;
    return socket->agreement != 0 && limits->compression_min != TOW_OFF &&
           length >= (uint64_t)limits->compression_min && length <= (uint64_t)limits->compression_max;
}

/* Sends a frame, or a message as one frame if compressing gains anything. While frames wait all others go
 * behind them. Errors: MEMORY. */
int tow_send_frame(tow_websocket *socket, const tow_outgoing *frame);
int tow_send_compressed(tow_websocket *socket, const tow_outgoing *message);

/* Sends a message. Errors: MEMORY. */
static inline int tow_frames_send(
    tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    const tow_outgoing message = {.opcode = (tow_opcode)type, .data = data, .length = length};
    return tow_send_is_compressed(socket, length) ? tow_send_compressed(socket, &message)
                                                  : tow_send_frame(socket, &message);
}

/* After bytes were added to the queue, which was empty or not: the stall clock starts with the first of them,
 * and above the high mark we stop reading. */
void tow_send_queue_grew(tow_websocket *socket, bool was_empty);

/* Half a frame is gone, and the other half is lost: nothing can follow it. */
void tow_send_lose(tow_websocket *socket);

/* Gives the network as much of the queue, which is there, as it takes in a round. */
void tow_send_queue(tow_websocket *socket);

/* The stream's on_unsent. */
void tow_send_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken);

#endif
