#include "receive.h"

#include "carry.h"
#include "context.h"
#include "extra.h"
#include "stage.h"
#include "tally.h"

/* Messages. */

/* Final state first, callback last: what lies behind the message may be closed or gone when it returns. */
void tow_receive_deliver(tow_websocket *socket, const tow_message *message, tow_buffer *assembly) {
    tow_websocket_context *context = socket->context;
    if (socket->extra != NULL)
        socket->extra->message_began = 0;
    tow_count(&context->counters.messages_in);
    tow_count_add(&context->counters.bytes_in, message->length);
    tow_tally_in(socket, message->length, true);
    if (socket->behaviour->on_message == NULL)
        return;
    context->delivery = (tow_delivery){.socket = socket,
        .data = message->data,
        .length = message->length,
        .type = message->type,
        .assembly = assembly};
    socket->behaviour->on_message(socket, message);
    context->delivery.socket = NULL;
}

/* Control frames. */

/* RFC 6455, section 5.5.2: a Ping is answered with its payload, unless a Close was sent. */
void tow_receive_ping(tow_websocket *socket, const void *payload, size_t length) {
    if (!tow_stage_is_open(socket))
        return;
    if (!socket->behaviour->no_pongs)
        tow_websocket_pong(socket, payload, length);
    if (socket->behaviour->on_ping != NULL && tow_stage_is_open(socket))
        socket->behaviour->on_ping(socket, payload, length);
}

void tow_receive_pong(tow_websocket *socket, const void *payload, size_t length) {
    if (!tow_stage_is_open(socket))
        return;
    tow_count(&socket->context->counters.pongs_received);
    if (socket->behaviour->on_pong != NULL)
        socket->behaviour->on_pong(socket, payload, length);
}

/* Reading. */

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
