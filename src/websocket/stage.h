/* stage: the one machine that a connection's life is, and what can be told from where it stands.
 *
 * CONNECTING, OPEN and what follows lie in an order, so that most questions are one comparison. */
#ifndef TOW_WEBSOCKET_STAGE_H
#define TOW_WEBSOCKET_STAGE_H

#include "websocket/websocket.h"

/* All changes but the first, from zero, are made here; those that can't be are asserted. */
void tow_stage_change(tow_websocket *socket, tow_stage stage);

#define TOW_STAGE_BIT(name) (1U << TOW_STAGE_##name)

/* Whether the stage is among those whose bits are set. */
static inline bool tow_stage_is_among(const tow_websocket *socket, unsigned stages) {
    return ((stages >> socket->stage) & 1U) != 0;
}

static inline bool tow_stage_is_connecting(const tow_websocket *socket) {
    return socket->stage == TOW_STAGE_CONNECTING;
}

/* As the ready state says. */
static inline bool tow_stage_is_open(const tow_websocket *socket) {
    return socket->stage == TOW_STAGE_OPEN || socket->stage == TOW_STAGE_PEER_ENDED;
}

static inline bool tow_stage_is_closing(const tow_websocket *socket) {
    return socket->stage >= TOW_STAGE_WE_ENDED && socket->stage < TOW_STAGE_CLOSED;
}

/* Whether our side may be ended: it has not been, or it alone. */
static inline bool tow_stage_may_close(const tow_websocket *socket) {
    return tow_stage_is_open(socket) || socket->stage == TOW_STAGE_WE_ENDED;
}

/* Whether what the peer says is heard. RFC 6455, section 7.1.7: nothing is processed after a failure; section
 * 5.5.1: nothing comes after a Close. */
static inline bool tow_stage_hears(const tow_websocket *socket) {
    return tow_stage_is_among(socket, TOW_STAGE_BIT(OPEN) | TOW_STAGE_BIT(WE_ENDED) | TOW_STAGE_BIT(CLOSING));
}

/* Whether messages are of interest: as in the WHATWG standard, not when closing any more, unless only our
 * side has ended. What had come before the peer's Close may still wait to be delivered. */
static inline bool tow_stage_wants_messages(const tow_websocket *socket) {
    return socket->stage >= TOW_STAGE_OPEN && socket->stage <= TOW_STAGE_WE_ENDED;
}

#endif
