#include "receive.h"

#include "carry.h"
#include "frames/piecewise.h"
#include "stage.h"

/* What was kept goes first: no more is read before it is delivered. */
void tow_receive_adjust(tow_websocket *socket) {
    bool stop = tow_stage_hears(socket) && (!tow_receive_may_deliver(socket) || tow_receive_has_kept(socket));
    if (stop == socket->reading_paused || socket->stream_closed)
        return;
    socket->reading_paused = stop;
    tow_carry_reading(socket, !stop);
}

/* Public. */

void tow_websocket_pause(tow_websocket *socket) {
    if (socket == NULL)
        return;
    if (!tow_stage_wants_messages(socket))
        return;
    socket->flow = TOW_FLOW_PAUSED;
    if (!socket->delivering)
        tow_receive_adjust(socket);
}

/* No callback runs inside this call: what was kept is delivered in the next round. */
void tow_websocket_resume(tow_websocket *socket) {
    if (socket == NULL || !tow_stage_wants_messages(socket) || socket->flow != TOW_FLOW_PAUSED)
        return;
    socket->flow = TOW_FLOW_ON;
    tow_carry_resumed(socket);
}
