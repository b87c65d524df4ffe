#include "turn.h"

#include "transport/loop.h"

/* In the receiver's spare bytes: the round's number and the work that was done in it, in parts, both cut to a
 * byte; 0: none. A number that fits by chance costs no more than a turn that ends early. */
enum { ROUND_BITS = 8 };

static uint16_t round_of(const tow_websocket *socket) {
    return (uint16_t)(tow_loop_count(socket->context->loop)->rounds << ROUND_BITS);
}

uint32_t tow_turn_noted(const tow_websocket *socket) {
    uint16_t noted = socket->receiver.spare ^ round_of(socket);
    return noted >> ROUND_BITS == 0 ? (uint32_t)noted * TOW_TURN_PART : 0;
}

void tow_turn_note(tow_websocket *socket) {
    uint32_t work = socket->context->work;
    uint32_t parts = (work < TOW_TURN ? work : TOW_TURN) / TOW_TURN_PART;
    socket->receiver.spare = parts == 0 ? 0 : (uint16_t)(round_of(socket) | parts);
}

void tow_turn_measure(tow_websocket_context *context) {
    uint32_t round = (uint32_t)tow_loop_count(context->loop)->rounds;
    if (round != context->round)
        context->round_work = 0;
    context->round = round;
    uint32_t share = (uint32_t)tow_loop_share(context->loop, TOW_TURN, TOW_ROUND);
    uint32_t left = context->round_work < TOW_ROUND ? TOW_ROUND - context->round_work : 0;
    uint32_t turn = share < left ? share : left;
    context->turn = turn < TOW_TURN_PART ? TOW_TURN_PART : turn;
}

void tow_websocket_note_work(tow_websocket *socket, unsigned work) {
    tow_turn_add(socket->context, work);
}

uint32_t tow_websocket_begin_turn(tow_websocket_context *context) {
    uint32_t outer = context->work;
    tow_turn_measure(context);
    context->work = 0;
    return outer;
}

bool tow_websocket_turn_is_over(const tow_websocket_context *context) {
    return tow_turn_is_over(context);
}

void tow_websocket_end_turn(tow_websocket_context *context, uint32_t outer) {
    context->work += outer;
}

void tow_turn_yield(tow_websocket *socket) {
    if (socket->flow != TOW_FLOW_ON)
        return;
    socket->flow = TOW_FLOW_WAITS;
    tow_stream_yield(&socket->stream);
}
