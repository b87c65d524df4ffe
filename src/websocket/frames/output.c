#include "output.h"

#include "../context.h"
#include "../extra.h"
#include "../stage.h"
#include "compressing.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "../timing.h"

#include <string.h>
#include <towline/error.h>

enum {
    SENT_IN_PLACE_MIN = 64 * 1024, /* payloads from this size on are not copied into the cork */
    PIECES = 16
};

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

void tow_send_queue(tow_websocket *socket) {
    tow_queue *queue = &socket->extra->queue;
    size_t written = 0;
    while (!tow_queue_is_empty(queue) && !tow_stream_is_blocked(&socket->stream)) {
        struct iovec pieces[PIECES];
        int count = tow_queue_pieces(queue, pieces, PIECES);
        ssize_t taken = tow_stream_write(&socket->stream, pieces, count);
        if (taken <= 0)
            return;
        tow_queue_take(queue, (size_t)taken);
        written += (size_t)taken;
        if (written >= TOW_WRITE_MAX && !tow_queue_is_empty(queue))
            tow_stream_rest(&socket->stream);
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
    tow_send_queue(socket);
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
        tow_extra_discard(socket, frame->length);
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

/* Not through the cork, whose segments are frames. */
int tow_frames_send_bytes(tow_websocket *socket, const uint8_t *bytes, size_t length) {
    size_t taken = 0;
    if (!tow_send_is_waiting(socket)) {
        struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, // NOLINT(performance-no-int-to-ptr)
            .iov_len = length};
        ssize_t result = tow_stream_write(&socket->stream, &piece, 1);
        if (result < 0 || (size_t)result == length)
            return 0; /* on_error follows, or all is gone */
        taken = (size_t)result;
    }
    bool was_empty = !tow_send_is_waiting(socket);
    if (tow_extra_need(socket) == NULL ||
        tow_queue_add_bytes(&socket->extra->queue, bytes + taken, length - taken) != 0)
        return TOW_ERROR_MEMORY;
    tow_send_queue_grew(socket, was_empty);
    return 0;
}

/* Messages. */

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

int tow_frames_send_control(tow_websocket *socket, tow_opcode opcode, const void *payload, size_t length) {
    return tow_send_frame(socket, &(tow_outgoing){.opcode = opcode, .data = payload, .length = length});
}

int tow_frames_send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    uint8_t payload[TOW_CONTROL_PAYLOAD_MAX];
    size_t length = tow_close_payload_write(payload, code, reason, reason == NULL ? 0 : strlen(reason));
    return tow_frames_send_control(socket, TOW_OPCODE_CLOSE, payload, length);
}

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
