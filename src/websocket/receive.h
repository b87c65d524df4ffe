/* receive: what the carrier brings becomes callbacks, unless the application, or too much that waits to be
 * sent, stands against it. */
#ifndef TOW_WEBSOCKET_RECEIVE_H
#define TOW_WEBSOCKET_RECEIVE_H

#include "base/buffer.h"
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

/* Delivers a whole message. The send queue may take over `assembly`, which holds it and nothing else that is
 * needed; it may be NULL. */
void tow_receive_deliver(tow_websocket *socket, const tow_message *message, tow_buffer *assembly);

/* A Ping, which is answered, or a Pong. */
void tow_receive_ping(tow_websocket *socket, const void *payload, size_t length);
void tow_receive_pong(tow_websocket *socket, const void *payload, size_t length);

/* Stops or starts reading as the socket's state asks for. */
void tow_receive_adjust(tow_websocket *socket);

#endif
