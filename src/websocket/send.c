#include "send.h"

#include "base/apart.h"
#include "carry.h"
#include "closing.h"
#include "context.h"
#include "extra.h"
#include "overflow.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "receive.h"
#include "stage.h"
#include "tally.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* The text under delivery is known to be UTF-8. */
static bool is_checked(const tow_websocket *socket, const void *data, size_t length) {
    const tow_delivery *delivery = &socket->context->delivery;
    return delivery->socket == socket && delivery->data == data && delivery->length == length &&
           delivery->type == TOW_TEXT;
}

static bool may_send_message(const tow_websocket *socket) {
    bool is_usual = socket->stage == TOW_STAGE_OPEN && !socket->sends_pieces; /* one test */
    return is_usual || (tow_stage_is_open(socket) && !socket->sends_pieces);
}

static int refuse_message(tow_websocket *socket, size_t length) {
    if (tow_stage_is_open(socket))
        return TOW_ERROR_STATE;
    if (tow_stage_is_connecting(socket))
        return TOW_ERROR_CONNECTING;
    tow_extra_discard(socket, length);
    return TOW_ERROR_CLOSED;
}

int tow_send_message_check(tow_websocket *socket, size_t length) {
    return may_send_message(socket) ? 0 : refuse_message(socket, length);
}

static inline void count_sent(tow_websocket *socket, size_t length, size_t ends) {
    tow_count_add(&socket->context->counters.messages_out, ends);
    tow_count_add(&socket->context->counters.bytes_out, length);
    tow_tally_out(socket, length, ends);
    if (tow_stream_corked_payload(&socket->stream) >= (uint64_t)socket->behaviour->limits.high_mark)
        tow_stream_flush(&socket->stream); /* so that on_drain follows whenever this much is left waiting */
    if (socket->above_high && !socket->delivering)
        tow_receive_adjust(socket);
}

/* With what is waiting here, before whatever carries it. */
static inline int64_t amount_with(const tow_websocket *socket, int64_t carried) {
    if (socket->extra == NULL)
        return carried;
    return carried + (int64_t)socket->extra->posted.payload + socket->extra->discarded;
}

int64_t tow_send_done(tow_websocket *socket, size_t length, size_t ends) {
    count_sent(socket, length, ends);
    return tow_websocket_buffered_amount(socket);
}

TOW_APART static int64_t send_carried(
    tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    int error = tow_overflow_check(socket, length);
    if (error == 0)
        error = tow_carried_send(socket, type, data, length);
    return error != 0 ? error : tow_send_done(socket, length, 1);
}

/* Nothing waits where there is no extra. */
static inline int64_t send_over_frames(
    tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    int error = socket->extra == NULL ? 0 : tow_overflow_check(socket, length);
    if (error == 0)
        error = tow_frames_send(socket, type, data, length);
    if (error != 0)
        return error;
    count_sent(socket, length, 1);
    return amount_with(socket, tow_frames_buffered(socket));
}

int64_t tow_websocket_send(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    if (socket == NULL || (data == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    if (!may_send_message(socket))
        return refuse_message(socket, length);
    if (type == TOW_TEXT) {
        if (!is_checked(socket, data, length) && !tow_utf8_valid(data, length))
            return TOW_ERROR_UTF8;
    } else if (type != TOW_BINARY) {
        return TOW_ERROR_ARGUMENT;
    }
    return tow_carrier_of(socket) == NULL ? send_over_frames(socket, type, data, length)
                                          : send_carried(socket, type, data, length);
}

/* A part of them may have left: without memory for the rest nothing can follow. */
int tow_websocket_send_bytes(tow_websocket *socket, const void *bytes, size_t length) {
    if (!tow_stage_is_open(socket))
        return TOW_ERROR_CLOSED;
    int error = length == 0 ? 0 : tow_frames_send_bytes(socket, bytes, length);
    if (error != 0)
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, error);
    return error;
}

/* Control frames. */

static int control_check(const tow_websocket *socket, const void *payload, size_t length) {
    if (socket == NULL || length > TOW_CONTROL_PAYLOAD_MAX || (payload == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    if (tow_stage_is_connecting(socket))
        return TOW_ERROR_CONNECTING;
    return tow_stage_is_open(socket) ? 0 : TOW_ERROR_CLOSED;
}

/* A control frame is never dropped while the connection lives: without memory for it the connection ends. */
static int send_control_or_abort(
    tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length) {
    int error = tow_overflow_check_piece(socket, 0);
    if (error != 0)
        return error;
    error = tow_carry_control(socket, opcode, payload, length);
    if (error != 0)
        tow_websocket_abort(socket, tow_cause_of_error(error), error);
    return error;
}

int tow_websocket_ping(tow_websocket *socket, const void *payload, size_t length) {
    int error = control_check(socket, payload, length);
    if (error == 0)
        error = send_control_or_abort(socket, TOW_OPCODE_PING, payload, length);
    if (error == 0)
        tow_count(&socket->context->counters.pings_sent);
    return error;
}

/* RFC 6455, section 5.5.3: of several Pings only the latest need be answered. */
static int keep_latest_pong(tow_websocket *socket, const void *payload, size_t length) {
    tow_websocket_extra *extra = tow_extra_need(socket);
    if (extra == NULL)
        return TOW_ERROR_MEMORY;
    if (extra->pong == NULL)
        extra->pong = malloc(1 + TOW_CONTROL_PAYLOAD_MAX);
    if (extra->pong == NULL)
        return TOW_ERROR_MEMORY;
    extra->pong[0] = (uint8_t)length;
    if (length > 0)
        memcpy(extra->pong + 1, payload, length);
    return 0;
}

static void send_latest_pong(tow_websocket *socket) {
    uint8_t *pong = socket->extra == NULL ? NULL : socket->extra->pong;
    if (pong == NULL)
        return;
    socket->extra->pong = NULL;
    send_control_or_abort(socket, TOW_OPCODE_PONG, pong + 1, pong[0]);
    free(pong);
}

int tow_websocket_pong(tow_websocket *socket, const void *payload, size_t length) {
    int error = control_check(socket, payload, length);
    if (error != 0)
        return error;
    if (tow_overflow_is(socket, false) && socket->behaviour->limits.overflow != TOW_OVERFLOW_CLOSE)
        socket->above_high = true; /* a Pong is neither refused nor dropped */
    if (socket->above_high)
        return keep_latest_pong(socket, payload, length);
    return send_control_or_abort(socket, TOW_OPCODE_PONG, payload, length);
}

/* Less waits. */

static bool has_drained(const tow_websocket *socket) {
    return tow_carry_waiting(socket) < (uint64_t)socket->behaviour->limits.low_mark &&
           !tow_overflow_is(socket, false);
}

/* Below the low mark again. */
static void drained(tow_websocket *socket) {
    socket->above_high = false;
    send_latest_pong(socket);
    if (socket->context->watcher != NULL && tow_stage_is_open(socket))
        socket->context->watcher->drained(socket);
    if (socket->behaviour->on_drain != NULL && tow_stage_is_open(socket))
        socket->behaviour->on_drain(socket);
    if (tow_stage_is_open(socket))
        tow_carry_go_on(socket);
}

void tow_send_less_waits(tow_websocket *socket) {
    if (socket->above_high && has_drained(socket))
        drained(socket);
    else
        tow_extra_release(socket);
}

bool tow_websocket_is_above_high(const tow_websocket *socket) {
    return socket->above_high;
}

int64_t tow_websocket_buffered_amount(const tow_websocket *socket) {
    return socket == NULL ? 0 : amount_with(socket, tow_carry_buffered(socket));
}
