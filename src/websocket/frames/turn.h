/* turn: how much one connection may have done for it before others get a turn, whatever its peer sends.
 *
 * Messages, bytes that are inflated and bytes that are compressed for answers are one measure of work, in
 * units of about a microsecond. A turn is what happens in one round of the loop, in however many reads. Where
 * many do much in a round, each has a smaller turn, so that who has a word to say waits no longer for it. */
#ifndef TOW_WEBSOCKET_TURN_H
#define TOW_WEBSOCKET_TURN_H

#include "../context.h"
#include "../receive.h"

enum {
    TOW_TURN = 4096,
    TOW_TURN_PART = TOW_TURN / 128, /* the smallest */
    TOW_ROUND = 4 * TOW_TURN,       /* of all together, but for the smallest turns */
    TOW_WORK_EVENT = 2,             /* a message or a control frame */
    TOW_WORK_INFLATED_KIB = 4,      /* a KiB that comes out of the inflater */
    TOW_WORK_DEFLATED_KIB = 16      /* and one that goes into the compressor */
};

/* What was done in this round already; and notes what was done so far. Less than a part is not noted, so that
 * small reads cost nothing. */
uint32_t tow_turn_noted(const tow_websocket *socket);
void tow_turn_note(tow_websocket *socket);

/* How much a turn may be now: what is left of the round, shared with those who wait. */
void tow_turn_measure(tow_websocket_context *context);

/* Begins, or goes on with, the turn of the socket; returns what tow_turn_end wants. Turns of several sockets
 * may lie in each other, as callbacks may call anything. */
static inline uint32_t tow_turn_begin(tow_websocket *socket) {
    uint32_t outer = socket->context->work;
    if (socket->context->round_work >= TOW_TURN || socket->context->turn != TOW_TURN)
        tow_turn_measure(socket->context);
    socket->context->work = socket->receiver.spare == 0 ? 0 : tow_turn_noted(socket);
    return outer;
}

static inline void tow_turn_end(tow_websocket *socket, uint32_t outer) {
    if (socket->context->work >= TOW_TURN_PART || socket->receiver.spare != 0)
        tow_turn_note(socket);
    socket->context->work = outer;
}

static inline void tow_turn_add(tow_websocket_context *context, uint32_t work) {
    context->work += work;
    context->round_work += work;
}

static inline bool tow_turn_is_over(const tow_websocket_context *context) {
    return context->work >= context->turn;
}

/* Ends the turn: delivery goes on in the next round. */
void tow_turn_yield(tow_websocket *socket);

/* Whether delivery goes on: it may, and the turn is not over. What a closing connection still gets costs next
 * to nothing. */
static inline bool tow_turn_goes_on(tow_websocket *socket) {
    if (tow_turn_is_over(socket->context) && tow_stage_wants_messages(socket))
        tow_turn_yield(socket);
    return tow_receive_may_deliver(socket);
}

#endif
