#include "input.h"

#include "../closing.h"
#include "../context.h"
#include "../control.h"
#include "../delivery.h"
#include "../extra.h"
#include "../receive.h"
#include "../stage.h"
#include "assembly.h"
#include "base/apart.h"
#include "peer_end.h"
#include "piecewise.h"
#include "protocol/close.h"
#include "../timing.h"
#include "turn.h"
#include "unfinished.h"

#include <towline/error.h>

/* Messages. */

static void fail_receiving(tow_websocket *socket, int error) {
    if (error == TOW_ERROR_MEMORY)
        tow_count(&socket->context->counters.memory_failures);
    tow_websocket_fail(socket, tow_cause_of_error(error), error);
}

static void deliver_compressed(
    tow_websocket *socket, tow_message_type type, const uint8_t *data, size_t length, tow_buffer *owner) {
    int error = tow_piecewise_receive_whole(socket, type, data, length, owner);
    if (error != 0)
        fail_receiving(socket, error);
}

/* The message is all there: its memory leaves the connection before the callback, and goes back to the
 * context after it. */
static void deliver_assembled(tow_websocket *socket, tow_message_type type, bool compressed) {
    tow_websocket_context *context = socket->context;
    tow_websocket_extra *extra = socket->extra;
    tow_buffer assembly = extra->assembly;
    uint8_t *data = assembly.data + extra->assembly_offset;
    size_t length = assembly.length - extra->assembly_offset;
    extra->assembly = (tow_buffer){0};
    extra->assembly_offset = 0;
    tow_assembly_note_size(socket, length);
    if (compressed)
        deliver_compressed(socket, type, data, length, &assembly);
    else
        tow_delivery_make(socket, &(tow_message){.type = type, .data = data, .length = length}, &assembly);
    tow_context_give_buffer(context, &assembly);
}

static void assemble(tow_websocket *socket, const tow_received *piece) {
    int error = tow_assembly_add(socket, piece);
    if (error != 0)
        fail_receiving(socket, error);
    else if (piece->last)
        deliver_assembled(socket, (tow_message_type)piece->type, piece->compressed);
}

static void receive_piece(tow_websocket *socket, const tow_received *piece) {
    int error = tow_piecewise_receive(socket, piece);
    if (error != 0)
        fail_receiving(socket, error);
}

/* A message of which more is to come has the longer, the more has come. */
static void count_part(tow_websocket *socket, const tow_received *piece) {
    if (piece->last || tow_extra_need(socket) == NULL)
        return;
    tow_websocket_extra *extra = socket->extra;
    extra->message_bytes = (piece->first ? 0 : extra->message_bytes) + piece->length;
}

/* A message that did not come at once. */
static void receive_part(tow_websocket *socket, const tow_received *piece) {
    count_part(socket, piece);
    if (socket->behaviour->on_piece != NULL)
        receive_piece(socket, piece);
    else
        assemble(socket, piece);
}

/* One that did, compressed. */
static void receive_compressed(tow_websocket *socket, const tow_received *piece) {
    if (socket->behaviour->on_piece != NULL)
        receive_piece(socket, piece);
    else
        deliver_compressed(socket, (tow_message_type)piece->type, piece->data, piece->length, NULL);
}

static void receive_data(tow_websocket *socket, const tow_received *piece) {
    if (!tow_stage_wants_messages(socket))
        return;
    tow_message_type type = (tow_message_type)piece->type;
    if (!piece->first || !piece->last)
        receive_part(socket, piece);
    else if (piece->compressed)
        receive_compressed(socket, piece);
    else
        tow_delivery_make(socket, &(tow_message){.type = type, .data = piece->data, .length = piece->length},
            tow_assembly_owner(socket, piece));
}

static void receive_close(tow_websocket *socket, const tow_received *received) {
    uint16_t code;
    const char *reason;
    size_t length;
    if (tow_close_payload_read(received->data, received->length, &code, &reason, &length) == 0)
        tow_closing_received(socket, code, reason, length); /* the receiver lets nothing else through */
}

static void receive_event(tow_websocket *socket, tow_received_kind kind, const tow_received *event) {
    switch (kind) {
    case TOW_RECEIVED_DATA:
        receive_data(socket, event);
        break;
    case TOW_RECEIVED_PING:
        tow_control_ping(socket, event->data, event->length);
        break;
    case TOW_RECEIVED_PONG:
        tow_control_pong(socket, event->data, event->length);
        break;
    case TOW_RECEIVED_CLOSE:
        receive_close(socket, event);
        break;
    case TOW_RECEIVED_FAILED:
        fail_receiving(socket, event->error);
        break;
    case TOW_RECEIVED_NOTHING:
        break;
    }
}

/* Delivers until the bytes are used up or delivery has to stop; returns how many bytes at the end are left.
 */
static size_t deliver_all(tow_websocket *socket, uint8_t *bytes, size_t length) {
    int64_t max = socket->behaviour->limits.max_message;
    tow_receiver_rules rules = {.role = socket->behaviour->role,
        .compression = socket->agreement != 0,
        .max_message = max == TOW_OFF ? UINT64_MAX : (uint64_t)max};
    tow_received event;
    socket->delivering = true;
    while (length > 0 && tow_turn_goes_on(socket)) {
        tow_turn_add(socket->context, TOW_WORK_EVENT);
        receive_event(socket, tow_receiver_next(&socket->receiver, &rules, &bytes, &length, &event), &event);
    }
    socket->delivering = false;
    return length;
}

/* Bytes in and out of the store. */

/* The clock of message-seconds runs from the read that left a message unfinished. */
static void note_message_under_way(tow_websocket *socket) {
    if (!tow_receiver_in_message(&socket->receiver)) {
        if (socket->extra != NULL)
            socket->extra->message_began = 0;
        return;
    }
    if (tow_extra_need(socket) == NULL) {
        fail_receiving(socket, TOW_ERROR_MEMORY);
        return;
    }
    if (socket->extra->message_began != 0 || socket->reading_paused)
        return;
    int64_t now = tow_loop_now(socket->context->loop);
    socket->extra->message_began = now == 0 ? 1 : now;
    tow_timing_update(socket);
}

TOW_APART static void keep(tow_websocket *socket, const uint8_t *bytes, size_t length) {
    if (tow_extra_need(socket) == NULL || tow_buffer_append(&socket->extra->kept, bytes, length) != 0)
        fail_receiving(socket, TOW_ERROR_MEMORY);
    else
        tow_count_add(&socket->context->counters.kept, length);
}

static void go_on_reading(tow_websocket *socket) {
    tow_receive_adjust(socket);
    if (tow_stage_is_open(socket))
        note_message_under_way(socket);
}

/* Nobody gets more memory by messages that do not end. */
static void bound_unfinished(tow_websocket *socket) {
    tow_cause over = tow_unfinished_update(socket);
    if (over == TOW_CAUSE_COUNT || !tow_stage_hears(socket))
        return;
    tow_context_give_buffer(socket->context, &socket->extra->assembly);
    socket->extra->assembly_offset = 0;
    tow_piecewise_end(socket);
    tow_unfinished_update(socket);
    tow_websocket_fail(socket, over, TOW_ERROR_LIMIT);
}

/* As after most reads: nothing is left of it, and the next may come. One test of bits that lie together. */
static bool is_settled(const tow_websocket *socket) {
    return socket->stage == TOW_STAGE_OPEN && socket->flow == TOW_FLOW_ON && !socket->above_high &&
           !socket->reading_paused && socket->extra == NULL && !tow_receiver_in_message(&socket->receiver);
}

TOW_APART static void settle_rest(tow_websocket *socket) {
    if (socket->extra != NULL)
        bound_unfinished(socket);
    go_on_reading(socket);
    if (socket->extra != NULL)
        tow_extra_release(socket);
}

static void settle(tow_websocket *socket) {
    if (!is_settled(socket))
        settle_rest(socket);
}

void tow_receive_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (!tow_stage_hears(socket))
        return;
    if (tow_stage_is_open(socket) && !socket->reading_paused)
        tow_timing_heard(socket);
    size_t left = length;
    if (!tow_receive_has_kept(socket)) {
        uint32_t outer = tow_turn_begin(socket);
        tow_assembly_read_begins(socket, bytes, length);
        left = deliver_all(socket, bytes, length);
        tow_assembly_read_ends(socket, length);
        tow_turn_end(socket, outer);
    }
    if (left > 0 && tow_stage_hears(socket))
        keep(socket, bytes + length - left, left);
    settle(socket);
}

/* What is left of a compressed piece goes before all that came behind it. */
static void go_on_with_piece(tow_websocket *socket) {
    socket->delivering = true;
    int error = 0;
    if (tow_stage_wants_messages(socket))
        error = tow_piecewise_go_on(socket);
    else
        tow_piecewise_end(socket);
    if (error != 0)
        fail_receiving(socket, error);
    socket->delivering = false;
}

static void go_on(tow_websocket *socket) {
    if (tow_piecewise_waits(socket) && tow_receive_may_deliver(socket))
        go_on_with_piece(socket);
    tow_websocket_extra *extra = socket->extra;
    if (extra != NULL && extra->kept.length > 0 && tow_receive_may_deliver(socket)) {
        tow_buffer *kept = &extra->kept;
        size_t left = deliver_all(socket, kept->data + extra->kept_offset, kept->length - extra->kept_offset);
        extra->kept_offset = kept->length - left;
        if (left == 0 || !tow_stage_hears(socket)) {
            tow_extra_clear_kept(socket);
        }
    }
}

void tow_input_go_on(tow_websocket *socket) {
    uint32_t outer = tow_turn_begin(socket);
    go_on(socket);
    tow_turn_end(socket, outer);
    settle(socket);
    tow_peer_end_check(socket);
}

void tow_receive_turn(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (socket->flow != TOW_FLOW_WAITS)
        return;
    socket->flow = TOW_FLOW_ON;
    tow_input_go_on(socket);
}

void tow_input_resumed(tow_websocket *socket) {
    tow_timing_left_anew(socket);
    if (socket->delivering || tow_receive_is_held(socket))
        return;
    if (tow_receive_has_kept(socket))
        tow_turn_yield(socket);
    else
        go_on_reading(socket);
}

uint8_t *tow_receive_into(tow_stream *stream, size_t *length) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (!socket->gets_large && (socket->extra == NULL || socket->extra->assembly.data == NULL))
        return NULL; /* as for most reads */
    if (!tow_stage_is_open(socket) || !tow_receive_may_deliver(socket) || tow_receive_has_kept(socket))
        return NULL;
    return tow_assembly_room(socket, length);
}
