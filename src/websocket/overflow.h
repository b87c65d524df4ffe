/* overflow: what happens to a message while more than max-queue waits to be sent (tow_overflow). */
#ifndef TOW_WEBSOCKET_OVERFLOW_H
#define TOW_WEBSOCKET_OVERFLOW_H

#include "carry.h"

/* Whether more than max-queue waits. What was posted waits for the end of a message in pieces and counts for
 * other messages only: it keeps no piece of that one from being sent. */
static inline bool tow_overflow_is(const tow_websocket *socket, bool is_message) {
    int64_t max = socket->behaviour->limits.max_queue;
    const tow_websocket_extra *extra = socket->extra;
    if ((extra == NULL && tow_carrier_of(socket) == NULL) || max == TOW_OFF)
        return false;
    uint64_t posted = extra != NULL && is_message ? extra->posted.bytes : 0;
    return tow_carry_waiting(socket) + posted > (uint64_t)max;
}

/* What the policy makes of it: 0 when others were dropped, so that this may be added, else QUEUE_FULL. */
int tow_overflow_handle(tow_websocket *socket, size_t length, bool is_message);

/* 0 if there is room for a message. Errors: QUEUE_FULL; the connection has failed, unless the policy refuses.
 */
static inline int tow_overflow_check(tow_websocket *socket, size_t length) {
    return tow_overflow_is(socket, true) ? tow_overflow_handle(socket, length, true) : 0;
}

/* The same for what could not be dropped later: a piece or a Ping is refused where dropping is not enough, as
 * any message of a carrier is. */
static inline int tow_overflow_check_piece(tow_websocket *socket, size_t length) {
    return tow_overflow_is(socket, false) ? tow_overflow_handle(socket, length, false) : 0;
}

/* Counts messages that will not be sent, and of which nobody else hears. */
void tow_overflow_note_dropped(tow_websocket *socket, size_t count);

#endif
