/* carry: what carries a socket's messages is asked here: RFC 6455's frames over its stream. */
#ifndef TOW_WEBSOCKET_CARRY_H
#define TOW_WEBSOCKET_CARRY_H

#include "extra.h"
#include "frames/ending.h"
#include "frames/input.h"
#include "frames/output.h"
#include "frames/timing.h"

/* Sends a message, a Ping or Pong, or our Close (`code` 0: without one; `reason` may be NULL). Errors:
 * MEMORY.
 */
static inline int tow_carry_message(
    tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    return tow_frames_send(socket, type, data, length);
}

static inline int tow_carry_control(
    tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length) {
    return tow_frames_send_control(socket, opcode, payload, length);
}

static inline int tow_carry_close(tow_websocket *socket, uint16_t code, const char *reason) {
    return tow_frames_send_close(socket, code, reason);
}

/* Bytes that wait, by which limits and marks go; and how much application data is not with the network yet.
 */
static inline uint64_t tow_carry_waiting(const tow_websocket *socket) {
    return socket->extra == NULL ? 0 : socket->extra->queue.bytes;
}

static inline int64_t tow_carry_buffered(const tow_websocket *socket) {
    int64_t corked = tow_stream_corked_payload(&socket->stream);
    return socket->extra == NULL ? corked : corked + (int64_t)socket->extra->queue.payload;
}

/* Stops or starts reading. */
static inline void tow_carry_reading(tow_websocket *socket, bool on) {
    if (on)
        tow_input_start(socket);
    else
        tow_input_stop(socket);
}

/* The application resumed: what waited for that comes in a later round. */
static inline void tow_carry_resumed(tow_websocket *socket) {
    tow_input_resumed(socket);
}

/* Nothing stands against reading any more. Runs callbacks unless the connection is closing. */
static inline void tow_carry_go_on(tow_websocket *socket) {
    tow_input_go_on(socket);
}

/* The peer's Close was its end alone: other limits hold. */
static inline void tow_carry_half_closed(tow_websocket *socket) {
    tow_timing_update(socket);
}

/* One side has closed, or failed: the end follows as far as it can. */
static inline void tow_carry_closing(tow_websocket *socket) {
    tow_ending_begin(socket);
}

/* Ends it at once; what waits is given up. */
static inline void tow_carry_reset(tow_websocket *socket) {
    tow_ending_reset(socket);
}

#endif
