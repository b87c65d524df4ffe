/* carry: what carries a socket's messages is asked here, and nowhere else: RFC 6455's frames over its stream,
 * which are called directly, or the carrier of its behaviour. */
#ifndef TOW_WEBSOCKET_CARRY_H
#define TOW_WEBSOCKET_CARRY_H

#include "context.h"
#include "extra.h"
#include "frames/ending.h"
#include "frames/output.h"
#include "frames/reading.h"
#include "timing.h"
#include "receive.h"
#include "websocket/carrier.h"

/* What a carrier is given is noted, gathered, or lost at the end. A message that a piece makes too large
 * (MESSAGE_TOO_LARGE) is over. */
int tow_carried_send(tow_websocket *socket, tow_message_type type, const void *data, size_t length);
int tow_carried_send_piece(tow_websocket *socket, const tow_message_piece *piece);
void tow_carried_reading(tow_websocket *socket, bool on);
void tow_carried_closing(tow_websocket *socket);
void tow_carried_reset(tow_websocket *socket);

/* The carrier, or NULL: frames. */
static inline const tow_carrier *tow_carrier_of(const tow_websocket *socket) {
    return socket->behaviour->carrier;
}

/* Sends a Ping or Pong, or our Close (`code` 0: without one; `reason` may be NULL). Errors: MEMORY. */
static inline int tow_carry_control(
    tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length) {
    return tow_carrier_of(socket) == NULL ? tow_frames_send_control(socket, opcode, payload, length) : 0;
}

static inline int tow_carry_close(tow_websocket *socket, uint16_t code, const char *reason) {
    const tow_carrier *carrier = tow_carrier_of(socket);
    return carrier == NULL ? tow_frames_send_close(socket, code, reason)
                           : carrier->close(socket, code, reason);
}

/* Bytes that wait, by which limits and marks go; and how much application data is not with the network yet.
 */
static inline uint64_t tow_carry_waiting(const tow_websocket *socket) {
    const tow_carrier *carrier = tow_carrier_of(socket);
    if (carrier != NULL)
        return carrier->buffered(socket);
    return socket->extra == NULL ? 0 : socket->extra->queue.bytes;
}

static inline int64_t tow_carry_buffered(const tow_websocket *socket) {
    const tow_carrier *carrier = tow_carrier_of(socket);
    if (carrier != NULL) /* of which nothing is left when the socket is closed */
        return socket->stage == TOW_STAGE_CLOSED ? 0 : (int64_t)carrier->buffered(socket);
    return tow_frames_buffered(socket);
}

/* Stops or starts reading, with the clocks that run against the peer. */
static inline void tow_carry_reading(tow_websocket *socket, bool on) {
    if (tow_carrier_of(socket) != NULL)
        tow_carried_reading(socket, on);
    else if (on)
        tow_reading_start(socket);
    else
        tow_reading_stop(socket);
}

/* The application resumed: what waited for that comes in a later round. */
static inline void tow_carry_resumed(tow_websocket *socket) {
    if (tow_carrier_of(socket) == NULL)
        socket->context->above->resumed(socket);
    else if (!socket->delivering)
        tow_receive_adjust(socket);
}

/* Nothing stands against reading any more. Runs callbacks unless the connection is closing. */
static inline void tow_carry_go_on(tow_websocket *socket) {
    if (tow_carrier_of(socket) == NULL)
        socket->context->above->go_on(socket);
    else
        tow_receive_adjust(socket);
}

/* Gives up whole messages, oldest first, until no more than `max` bytes wait. Returns how many. */
static inline size_t tow_carry_drop(tow_websocket *socket, uint64_t max) {
    const tow_carrier *carrier = tow_carrier_of(socket);
    return carrier == NULL ? tow_queue_drop(&socket->extra->queue, max) : carrier->drop(socket, max);
}

/* One side has closed, or failed: the end follows as far as it can. */
static inline void tow_carry_closing(tow_websocket *socket) {
    if (tow_carrier_of(socket) == NULL)
        tow_ending_begin(socket);
    else
        tow_carried_closing(socket);
}

/* Ends it at once; what waits is given up. */
static inline void tow_carry_reset(tow_websocket *socket) {
    if (tow_carrier_of(socket) == NULL)
        tow_ending_reset(socket);
    else
        tow_carried_reset(socket);
}

#endif
