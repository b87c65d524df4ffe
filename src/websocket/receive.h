/* receive: whether what the carrier brings is delivered: the application, or too much that waits to be sent,
 * may stand against it. */
#ifndef TOW_WEBSOCKET_RECEIVE_H
#define TOW_WEBSOCKET_RECEIVE_H

#include "stage.h"
#include "websocket/websocket.h"

/* Whether so much waits to be sent that nothing is read: a server's peer gets no more answers than it takes.
 * A client reads on: if both ends did not, two that send much at once would wait for each other for ever. So
 * does a stream, whose directions have nothing to do with each other. */
static inline bool tow_receive_is_held(const tow_websocket *socket) {
    return socket->above_high && socket->behaviour->role == TOW_ROLE_SERVER &&
           !tow_behaviour_has_two_ends(socket->behaviour);
}

/* Whether what was received may be delivered now: no message while paused, say. A closing connection goes on,
 * as it waits for the peer's Close, and has no interest in messages. The first test is of bits that lie
 * together, and enough for nearly all. */
static inline bool tow_receive_may_deliver(const tow_websocket *socket) {
    if (socket->stage == TOW_STAGE_OPEN && socket->flow == TOW_FLOW_ON && !socket->above_high)
        return true;
    bool is_stopped = socket->flow != TOW_FLOW_ON || tow_receive_is_held(socket);
    return tow_stage_hears(socket) && (!tow_stage_wants_messages(socket) || !is_stopped);
}

/* Stops or starts reading as the socket's state asks for. */
void tow_receive_adjust(tow_websocket *socket);

#endif
