/* Shared messages: the frames that a server's connections have in common go into the cork, at once to the
 * network when they are large, or into the queue: by reference, so that many slow peers cost no copies. */
#include "carry.h"
#include "context.h"
#include "extra.h"
#include "frames/compressing.h"
#include "frames/output.h"
#include "overflow.h"
#include "send.h"
#include "shared.h"

#include <string.h>
#include <towline/error.h>

enum {
    IN_PLACE_MIN = 16 * 1024, /* payloads from this size on are not copied into the cork */
    BY_REFERENCE_MIN = 1024   /* frames from this size on are not copied into the queue */
};

static int add_to_queue(
    tow_websocket *socket, tow_shared *shared, const tow_shared_frame *frame, size_t taken) {
    tow_queue *queue = &socket->extra->queue;
    if (taken > 0 || frame->length >= BY_REFERENCE_MIN)
        return tow_queue_add_shared(queue, shared, frame->bytes, frame->length, taken);
    uint8_t *out = tow_queue_add(queue, frame->length, frame->payload_length);
    if (out == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(out, frame->bytes, frame->length);
    return 0;
}

static int queue_frame(
    tow_websocket *socket, tow_shared *shared, const tow_shared_frame *frame, size_t taken) {
    bool was_empty = !tow_send_is_waiting(socket);
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    int error = add_to_queue(socket, shared, frame, taken);
    if (error == 0)
        tow_send_queue_grew(socket, was_empty);
    else
        tow_count(&socket->context->counters.memory_failures);
    return error;
}

static int cork_frame(tow_websocket *socket, tow_shared *shared, const tow_shared_frame *frame) {
    if (tow_stream_cork_common(&socket->stream, frame->bytes, frame->length, frame->payload_length))
        return 0;
    return queue_frame(socket, shared, frame, 0);
}

static int write_frame(tow_websocket *socket, tow_shared *shared, const tow_shared_frame *frame) {
    const struct iovec piece = {
        .iov_base = (void *)(uintptr_t)frame->bytes, // NOLINT(performance-no-int-to-ptr)
        .iov_len = frame->length};
    ssize_t taken = tow_stream_write(&socket->stream, &piece, 1);
    if (taken < 0) { /* on_error follows */
        tow_extra_discard(socket, frame->payload_length);
        return 0;
    }
    if ((size_t)taken == frame->length)
        return 0;
    int error = queue_frame(socket, shared, frame, (size_t)taken);
    if (error != 0 && taken > 0)
        tow_send_lose(socket);
    return error;
}

/* While frames wait all others go behind them. */
static int send_common_frame(tow_websocket *socket, tow_shared *shared, const tow_shared_frame *frame) {
    if (tow_send_is_waiting(socket))
        return queue_frame(socket, shared, frame, 0);
    if (frame->payload_length < IN_PLACE_MIN)
        return cork_frame(socket, shared, frame);
    return write_frame(socket, shared, frame);
}

static int send_message(tow_websocket *socket, tow_shared *shared, const tow_outgoing *message) {
    if (tow_carrier_of(socket) != NULL)
        return tow_carried_send(socket, (tow_message_type)message->opcode, message->data, message->length);
    bool masks = socket->behaviour->role == TOW_ROLE_CLIENT;
    bool compressed = tow_send_is_compressed(socket, message->length);
    if (compressed && (masks || tow_compress_takes_over(socket)))
        return tow_send_compressed(socket, message);
    if (masks)
        return tow_send_frame(socket, message);
    tow_shared_frame frame = compressed ? tow_shared_compressed(shared, socket) : tow_shared_plain(shared);
    return send_common_frame(socket, shared, &frame);
}

static int64_t send_one(tow_websocket *socket, tow_shared *shared) {
    tow_outgoing message = {.opcode = (tow_opcode)tow_shared_type(shared)};
    message.data = tow_shared_data(shared, &message.length);
    int error = send_message(socket, shared, &message);
    return error != 0 ? error : tow_send_done(socket, message.length, 1);
}

static bool compresses_none(const tow_websocket *socket, const tow_shared *shared) {
    for (size_t i = 0; socket->agreement != 0 && i < tow_shared_count(shared); i++)
        if (tow_send_is_compressed(socket, tow_shared_length(tow_shared_part(shared, i))))
            return false;
    return true;
}

/* Several messages whose frames are the same for all: they leave as one piece. */
static bool is_common(const tow_websocket *socket, const tow_shared *shared) {
    return tow_carrier_of(socket) == NULL && socket->behaviour->role == TOW_ROLE_SERVER &&
           compresses_none(socket, shared);
}

/* One after the other, into the same cork. Those that were sent stay sent. */
static int64_t send_each(tow_websocket *socket, tow_shared *shared) {
    int64_t amount = 0;
    for (size_t i = 0; amount >= 0 && i < tow_shared_count(shared); i++)
        amount = send_one(socket, tow_shared_part(shared, i));
    return amount;
}

static int64_t send_joined(tow_websocket *socket, tow_shared *shared) {
    if (!is_common(socket, shared))
        return send_each(socket, shared);
    tow_shared_frame frame = tow_shared_plain(shared);
    int error = send_common_frame(socket, shared, &frame);
    return error != 0 ? error : tow_send_done(socket, frame.payload_length, tow_shared_count(shared));
}

int64_t tow_send_shared(tow_websocket *socket, tow_shared *shared) {
    return tow_shared_count(shared) == 1 ? send_one(socket, shared) : send_joined(socket, shared);
}

int64_t tow_websocket_send_shared(tow_websocket *socket, tow_shared *shared) {
    if (socket == NULL || shared == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = tow_send_message_check(socket, tow_shared_length(shared));
    if (error == 0)
        error = tow_overflow_check(socket, tow_shared_length(shared));
    return error != 0 ? error : tow_send_shared(socket, shared);
}
