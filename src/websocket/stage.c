#include "stage.h"

#include <assert.h>

/* What may follow each stage. */
static const uint16_t following[] = {
    [TOW_STAGE_CONNECTING] = TOW_STAGE_BIT(OPEN) | TOW_STAGE_BIT(ABANDONED) | TOW_STAGE_BIT(CLOSED),
    [TOW_STAGE_OPEN] = TOW_STAGE_BIT(PEER_ENDED) | TOW_STAGE_BIT(WE_ENDED) | TOW_STAGE_BIT(CLOSING) |
                       TOW_STAGE_BIT(CROSSED) | TOW_STAGE_BIT(FAILED),
    [TOW_STAGE_PEER_ENDED] = TOW_STAGE_BIT(CROSSED) | TOW_STAGE_BIT(FAILED),
    [TOW_STAGE_WE_ENDED] = TOW_STAGE_BIT(CLOSING) | TOW_STAGE_BIT(CROSSED) | TOW_STAGE_BIT(FAILED),
    [TOW_STAGE_CLOSING] = TOW_STAGE_BIT(CROSSED) | TOW_STAGE_BIT(FAILED),
    [TOW_STAGE_CROSSED] = TOW_STAGE_BIT(FAILED) | TOW_STAGE_BIT(CLOSED),
    [TOW_STAGE_FAILED] = TOW_STAGE_BIT(CLOSED),
    [TOW_STAGE_ABANDONED] = TOW_STAGE_BIT(CLOSED),
    [TOW_STAGE_CLOSED] = 0,
};

void tow_stage_change(tow_websocket *socket, tow_stage stage) {
    bool may_follow = (following[socket->stage] & (1U << stage)) != 0;
    assert(may_follow);
    (void)may_follow;
    socket->stage = (uint32_t)stage & 15U;
}

void tow_websocket_give_up(tow_websocket *socket) {
    tow_stage_change(socket, TOW_STAGE_ABANDONED);
}

void tow_websocket_not_opened(tow_websocket *socket) {
    tow_stage_change(socket, TOW_STAGE_CLOSED);
}

tow_ready_state tow_websocket_ready_state(const tow_websocket *socket) {
    if (socket == NULL || socket->stage == TOW_STAGE_CLOSED)
        return TOW_CLOSED;
    if (tow_stage_is_connecting(socket))
        return TOW_CONNECTING;
    return tow_stage_is_open(socket) ? TOW_OPEN : TOW_CLOSING;
}

/* A close leaves CONNECTING and OPEN at once, where there is no `end`. */
bool tow_websocket_was_asked_to_close(const tow_websocket *socket) {
    return tow_websocket_ready_state(socket) >= TOW_CLOSING && socket->end.was_asked;
}
