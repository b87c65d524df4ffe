#include "turn.h"

#include "transport/loop.h"

/* In the receiver's spare bytes: the round's number and the work that was done in it, both cut to a byte. A
 * number that fits by chance costs no more than a turn that ends early. */
enum { ROUND_BITS = 8, PART = TOW_TURN / 128 };

static uint16_t round_of(const tow_websocket *socket) {
    return (uint16_t)(tow_loop_count(socket->context->loop)->rounds << ROUND_BITS);
}

uint32_t tow_turn_begin(tow_websocket *socket) {
    uint32_t outer = socket->context->work;
    uint16_t noted = socket->receiver.spare ^ round_of(socket);
    socket->context->work = noted >> ROUND_BITS == 0 ? (uint32_t)noted * PART : 0;
    return outer;
}

void tow_turn_end(tow_websocket *socket, uint32_t outer) {
    uint32_t work = socket->context->work;
    uint32_t parts = work < TOW_TURN ? work / PART : TOW_TURN / PART;
    socket->receiver.spare = (uint16_t)(round_of(socket) | parts);
    socket->context->work = outer;
}
