#include "websocket/websocket.h"

#include "carry.h"
#include "context.h"
#include "extra.h"
#include "extra_end.h"
#include "frames/compressing.h"
#include "due.h"
#include "frames/input.h"
#include "frames/peer_end.h"
#include "send.h"
#include "stage.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The stream takes more. */
static void writable(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (socket->stream_closed || socket->lost)
        return;
    if (tow_send_is_waiting(socket))
        tow_send_queue(socket);
    if (!tow_stage_is_open(socket))
        tow_ending_advance(socket);
    else
        tow_send_less_waits(socket);
}

static const tow_stream_events stream_events = {
    .on_bytes = tow_receive_bytes,
    .on_unsent = tow_send_unsent,
    .on_writable = writable,
    .on_end = tow_peer_end_came,
    .on_fin = tow_peer_end_fin,
    .on_error = tow_peer_end_failed,
    .on_closed = tow_peer_end_closed,
    .receive_into = tow_receive_into,
    .on_turn = tow_receive_turn,
};

static const tow_frames_above above = {
    .go_on = tow_input_go_on,
    .resumed = tow_input_resumed,
    .time_is_up = tow_due_fired,
};

static int store_protocol(tow_websocket *socket, tow_slice protocol) {
    if (protocol.length == 0)
        return 0;
    int number = tow_names_take(&socket->context->protocols, protocol);
    if (number < 0)
        return number;
    socket->protocol = (uint32_t)number & 127U;
    if (number > 0)
        return 0;
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    socket->extra->protocol = tow_extra_text(protocol.data, protocol.length);
    if (socket->extra->protocol != NULL)
        return 0;
    tow_extra_clear(socket);
    return TOW_ERROR_MEMORY;
}

static void start_hearing(tow_websocket *socket) {
    if (socket->behaviour->carrier == NULL)
        socket->stream.events = &stream_events;
    socket->context->above = &above;
    tow_timing_heard(socket);
    tow_timing_update(socket);
}

int tow_websocket_start(tow_websocket *socket, tow_websocket_context *context, const tow_behaviour *behaviour,
    tow_slice protocol, const tow_compression_agreement *agreement, uint8_t *rest, size_t rest_length) {
    socket->context = context;
    socket->behaviour = behaviour;
    int error = store_protocol(socket, protocol);
    if (error != 0)
        return error;
    socket->agreement = tow_agreement_pack(agreement) & 0x1ffU;
    tow_stage_change(socket, TOW_STAGE_OPEN);
    socket->tally = NULL;
    tow_count(&context->counters.opened);
    start_hearing(socket);
    if (behaviour->on_open != NULL)
        behaviour->on_open(socket);
    if (rest_length > 0)
        tow_receive_bytes(&socket->stream, rest, rest_length);
    return 0;
}

void tow_websocket_clear(tow_websocket *socket) {
    if (socket->context != NULL)
        tow_extra_clear(socket);
    if (socket->protocol != 0)
        tow_names_give(&socket->context->protocols, socket->protocol);
    socket->protocol = 0;
    if (!tow_stage_is_connecting(socket)) {
        free(socket->tally);
        socket->tally = NULL;
    }
    tow_receiver_clear(&socket->receiver);
}

const char *tow_websocket_protocol(const tow_websocket *socket) {
    if (socket != NULL && socket->protocol != 0)
        return tow_names_text(&socket->context->protocols, socket->protocol);
    if (socket == NULL || socket->extra == NULL || socket->extra->protocol == NULL)
        return "";
    return socket->extra->protocol;
}

const char *tow_websocket_extensions(const tow_websocket *socket) {
    if (socket == NULL)
        return "";
    return tow_agreement_text(socket->context, (uint16_t)socket->agreement);
}

const char *tow_websocket_url(const tow_websocket *socket) {
    return socket == NULL || socket->behaviour->url == NULL ? "" : socket->behaviour->url;
}

void *tow_websocket_user(const tow_websocket *socket) {
    return socket == NULL ? NULL : socket->user;
}

void tow_websocket_set_user(tow_websocket *socket, void *user) {
    if (socket == NULL)
        return;
    socket->user = user;
}

tow_loop *tow_websocket_loop(const tow_websocket *socket) {
    return socket == NULL ? NULL : socket->context->loop;
}
