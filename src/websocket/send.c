#include "send.h"

#include "closing.h"
#include "context.h"
#include "extra.h"
#include "frames/compressing.h"
#include "frames/timing.h"
#include "overflow.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "receive.h"
#include "stage.h"
#include "tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    SENT_IN_PLACE_MIN = 64 * 1024, /* payloads from this size on are not copied into the cork */
    PIECES = 16
};

bool tow_send_is_waiting(const tow_websocket *socket) {
    return socket->extra != NULL && !tow_queue_is_empty(&socket->extra->queue);
}

static bool masks(const tow_websocket *socket) {
    return socket->behaviour->role == TOW_ROLE_CLIENT;
}

/* What of a frame counts for the buffered amount. */
static size_t application_data(const tow_outgoing *frame) {
    return tow_opcode_is_control((uint8_t)frame->opcode) ? 0 : frame->length;
}

/* Writes the frame: its header, then its payload, masked if we are a client. */
static void fill(tow_websocket *socket, uint8_t *out, const tow_outgoing *frame) {
    tow_frame_header header = {.payload_length = frame->length,
        .opcode = (uint8_t)frame->opcode,
        .reserved_bits = frame->reserved_bits,
        .final = !frame->unfinished,
        .masked = masks(socket)};
    if (header.masked)
        tow_context_masking_key(socket->context, header.masking_key);
    out += tow_frame_header_write(out, &header);
    if (header.masked)
        tow_mask_copy(out, frame->data, frame->length, header.masking_key);
    else if (frame->length > 0)
        memcpy(out, frame->data, frame->length);
}

static size_t frame_length(const tow_websocket *socket, const tow_outgoing *frame) {
    return tow_frame_header_length(frame->length, masks(socket)) + frame->length;
}

/* The queue. */

void tow_send_queue_grew(tow_websocket *socket, bool was_empty) {
    tow_websocket_extra *extra = socket->extra;
    uint64_t high_mark = (uint64_t)socket->behaviour->limits.high_mark; /* TOW_OFF is above all */
    if (extra->queue.bytes > high_mark && tow_stage_is_open(socket))
        socket->above_high = true; /* receive.c looks at it before it goes on */
    if (!was_empty)
        return;
    tow_progress_note(&extra->progress, tow_loop_now(socket->context->loop));
    if (tow_stage_is_open(socket))
        tow_timing_update(socket);
}

static int add_to_queue(tow_websocket *socket, const tow_outgoing *frame) {
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    uint8_t *out = tow_queue_add(&socket->extra->queue, frame_length(socket, frame), application_data(frame));
    if (out == NULL) {
        tow_count(&socket->context->counters.memory_failures);
        return TOW_ERROR_MEMORY;
    }
    fill(socket, out, frame);
    return 0;
}

static int queue_frame(tow_websocket *socket, const tow_outgoing *frame) {
    bool was_empty = !tow_send_is_waiting(socket);
    int error = add_to_queue(socket, frame);
    if (error == 0)
        tow_send_queue_grew(socket, was_empty);
    return error;
}

/* Gives the network as much of the queue as it takes. */
static void write_queue(tow_websocket *socket) {
    tow_queue *queue = &socket->extra->queue;
    while (!tow_queue_is_empty(queue) && !tow_stream_is_blocked(&socket->stream)) {
        struct iovec pieces[PIECES];
        int count = tow_queue_pieces(queue, pieces, PIECES);
        ssize_t taken = tow_stream_write(&socket->stream, pieces, count);
        if (taken <= 0)
            return;
        tow_queue_take(queue, (size_t)taken);
        tow_progress_note(&socket->extra->progress, tow_loop_now(socket->context->loop));
    }
}

/* Frames. */

static int cork_frame(tow_websocket *socket, const tow_outgoing *frame) {
    uint8_t *out = tow_stream_cork(&socket->stream, frame_length(socket, frame), application_data(frame));
    if (out == NULL)
        return queue_frame(socket, frame);
    fill(socket, out, frame);
    return 0;
}

/* A client's payload has to be masked, so it is copied anyway: into the queue, and from there to the network.
 */
static int write_masked_frame(tow_websocket *socket, const tow_outgoing *frame) {
    int error = add_to_queue(socket, frame);
    if (error != 0)
        return error;
    write_queue(socket);
    if (tow_send_is_waiting(socket))
        tow_send_queue_grew(socket, true);
    else
        tow_extra_release(socket);
    return 0;
}

/* The buffer that holds the message under delivery, if that is what is sent: the queue may take it over. */
static tow_buffer *owner_of(const tow_websocket *socket, const tow_outgoing *frame) {
    const tow_delivery *delivery = &socket->context->delivery;
    if (delivery->socket != socket || delivery->assembly == NULL || delivery->data != frame->data)
        return NULL;
    return delivery->length == frame->length ? delivery->assembly : NULL;
}

void tow_send_lose(tow_websocket *socket) {
    socket->lost = true;
    tow_timing_now(socket);
}

/* The rest of a frame that the network took in part, or not at all, waits in the queue. */
static int queue_rest(
    tow_websocket *socket, const struct iovec *pieces, size_t taken, const tow_outgoing *frame) {
    bool was_empty = !tow_send_is_waiting(socket);
    if (!was_empty)
        return queue_frame(socket, frame); /* the cork left a rest, so nothing of this was taken */
    if (tow_extra_need(socket) != NULL && tow_queue_add_rest(&socket->extra->queue, &pieces[0], &pieces[1],
                                              taken, owner_of(socket, frame)) == 0) {
        tow_send_queue_grew(socket, was_empty);
        return 0;
    }
    if (taken > 0)
        tow_send_lose(socket);
    return TOW_ERROR_MEMORY;
}

static int write_frame(tow_websocket *socket, const tow_outgoing *frame) {
    uint8_t bytes[TOW_FRAME_HEADER_MAX];
    tow_frame_header header = {.payload_length = frame->length,
        .opcode = (uint8_t)frame->opcode,
        .reserved_bits = frame->reserved_bits,
        .final = !frame->unfinished};
    size_t header_length = tow_frame_header_write(bytes, &header);
    struct iovec pieces[2] = {{.iov_base = bytes, .iov_len = header_length},
        {.iov_base = (void *)(uintptr_t)frame->data, // NOLINT(performance-no-int-to-ptr)
            .iov_len = frame->length}};
    ssize_t taken = tow_stream_write(&socket->stream, pieces, 2);
    if (taken < 0) { /* on_error follows */
        tow_send_discard(socket, frame->length);
        return 0;
    }
    if ((size_t)taken == header_length + frame->length)
        return 0;
    return queue_rest(socket, pieces, (size_t)taken, frame);
}

int tow_send_frame(tow_websocket *socket, const tow_outgoing *frame) {
    if (tow_send_is_waiting(socket))
        return queue_frame(socket, frame);
    if (frame->length < SENT_IN_PLACE_MIN)
        return cork_frame(socket, frame);
    return masks(socket) ? write_masked_frame(socket, frame) : write_frame(socket, frame);
}

/* Messages. */

/* The text under delivery is known to be UTF-8. */
static bool is_checked(const tow_websocket *socket, const tow_outgoing *frame) {
    const tow_delivery *delivery = &socket->context->delivery;
    return delivery->socket == socket && delivery->data == frame->data && delivery->length == frame->length &&
           delivery->type == TOW_TEXT;
}

bool tow_send_is_compressed(const tow_websocket *socket, size_t length) {
    const tow_limits *limits = &socket->behaviour->limits;
    return socket->agreement != 0 && limits->compression_min != TOW_OFF &&
           length >= (uint64_t)limits->compression_min && length <= (uint64_t)limits->compression_max;
}

int tow_send_compressed(tow_websocket *socket, const tow_outgoing *message) {
    if (tow_compress(socket, message->data, message->length) != TOW_COMPRESSED)
        return tow_send_frame(socket, message);
    tow_buffer *deflated = &socket->context->deflated;
    int error = tow_send_frame(socket, &(tow_outgoing){.opcode = message->opcode,
                                           .reserved_bits = TOW_RSV1,
                                           .data = deflated->data,
                                           .length = deflated->length});
    if (error != 0)
        tow_compress_forget(socket);
    tow_context_empty_scratch(deflated);
    return error;
}

static bool may_send_message(const tow_websocket *socket) {
    return tow_stage_is_open(socket) && !socket->sends_pieces;
}

static int refuse_message(tow_websocket *socket, size_t length) {
    if (tow_stage_is_open(socket))
        return TOW_ERROR_STATE;
    if (tow_stage_is_connecting(socket))
        return TOW_ERROR_CONNECTING;
    tow_send_discard(socket, length);
    return TOW_ERROR_CLOSED;
}

int tow_send_message_check(tow_websocket *socket, size_t length) {
    return may_send_message(socket) ? 0 : refuse_message(socket, length);
}

static inline int64_t done(tow_websocket *socket, size_t length, bool last) {
    if (last)
        tow_count(&socket->context->counters.messages_out);
    tow_count_add(&socket->context->counters.bytes_out, length);
    tow_tally_out(socket, length, last);
    if (tow_stream_corked_payload(&socket->stream) >= (uint64_t)socket->behaviour->limits.high_mark)
        tow_stream_flush(&socket->stream); /* so that on_drain follows whenever this much is left waiting */
    if (socket->above_high && !socket->delivering)
        tow_receive_adjust(socket);
    return tow_websocket_buffered_amount(socket);
}

int64_t tow_send_done(tow_websocket *socket, size_t length, bool last) {
    return done(socket, length, last);
}

int64_t tow_websocket_send(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    if (socket == NULL || (data == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    tow_outgoing message = {.opcode = (tow_opcode)type, .data = data, .length = length};
    if (!may_send_message(socket))
        return refuse_message(socket, length);
    if (type == TOW_TEXT) {
        if (!is_checked(socket, &message) && !tow_utf8_valid(data, length))
            return TOW_ERROR_UTF8;
    } else if (type != TOW_BINARY) {
        return TOW_ERROR_ARGUMENT;
    }
    int error = tow_overflow_check(socket, length);
    if (error == 0)
        error = tow_send_is_compressed(socket, length) ? tow_send_compressed(socket, &message)
                                                       : tow_send_frame(socket, &message);
    return error != 0 ? error : done(socket, length, true);
}

/* Control frames. */

int tow_send_control(tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length) {
    return tow_send_frame(socket, &(tow_outgoing){.opcode = opcode, .data = payload, .length = length});
}

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
    error = tow_send_control(socket, opcode, payload, length);
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
    tow_websocket_extra *extra = socket->extra;
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
    uint8_t *pong = socket->extra->pong;
    socket->extra->pong = NULL;
    if (pong != NULL)
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

/* What the stream tells. */

/* Nothing may be called on the stream here, so a failure waits for the timer. */
void tow_send_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    bool was_empty = !tow_send_is_waiting(socket);
    if (socket->lost)
        return;
    if (tow_extra_need(socket) == NULL ||
        tow_queue_add_segment(&socket->extra->queue, segment, length, taken) != 0) {
        tow_send_lose(socket);
        return;
    }
    if (!socket->stream_closed) /* else it only counts for the buffered amount */
        tow_send_queue_grew(socket, was_empty);
}

static bool has_drained(const tow_websocket *socket) {
    return socket->extra->queue.bytes < (uint64_t)socket->behaviour->limits.low_mark &&
           !tow_overflow_is(socket, false);
}

/* Below the low mark again. */
static void drained(tow_websocket *socket) {
    socket->above_high = false;
    send_latest_pong(socket);
    if (socket->behaviour->on_drain != NULL && tow_stage_is_open(socket))
        socket->behaviour->on_drain(socket);
    if (tow_stage_is_open(socket))
        tow_receive_go_on(socket);
}

void tow_send_writable(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (socket->stream_closed || socket->lost)
        return;
    if (tow_send_is_waiting(socket))
        write_queue(socket);
    if (!tow_stage_is_open(socket))
        tow_closing_advance(socket);
    else if (socket->above_high && has_drained(socket))
        drained(socket);
    else
        tow_extra_release(socket);
}

void tow_send_discard(tow_websocket *socket, size_t length) {
    if (length > 0 && tow_extra_need(socket) != NULL)
        socket->extra->discarded += (int64_t)length;
}

int64_t tow_websocket_buffered_amount(const tow_websocket *socket) {
    if (socket == NULL)
        return 0;
    int64_t amount = tow_stream_corked_payload(&socket->stream);
    if (socket->extra != NULL)
        amount += (int64_t)(socket->extra->queue.payload + socket->extra->posted.payload) +
                  socket->extra->discarded;
    return amount;
}
