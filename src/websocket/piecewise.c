#include "piecewise.h"

#include "compressing.h"
#include "context.h"
#include "extra.h"
#include "protocol/mask.h"
#include "receive.h"
#include "tally.h"

#include <stdlib.h>
#include <towline/error.h>

enum {
    PART = 64 * 1024,  /* bytes that are inflated and delivered at a time */
    SHARE = 16 * PART, /* and in a row, before others get a turn */
};

/* A compressed message under way. */
typedef struct tow_piecewise {
    tow_inflater *inflater;
    uint64_t length; /* inflated so far */
    tow_message_type type;
    tow_utf8_state utf8;
    bool begun;        /* a piece was delivered */
    bool waits;        /* a received piece was delivered in part: the rest of it is in `rest` */
    bool rest_is_last; /* and ends the message */
    tow_buffer rest;
} tow_piecewise;

/* Whole messages, which came in one read, take the same way as those that are not wanted in pieces. */
static void deliver_whole(tow_websocket *socket, const tow_message *message) {
    socket->behaviour->on_piece(socket, &(tow_message_piece){.type = message->type,
                                            .data = message->data,
                                            .length = message->length,
                                            .first = true,
                                            .last = true});
}

void tow_behaviour_receive_by(tow_behaviour *behaviour, tow_on_message on_message, tow_on_piece on_piece) {
    behaviour->on_piece = on_piece;
    behaviour->on_message = on_piece != NULL ? deliver_whole : on_message;
}

static void deliver(tow_websocket *socket, const tow_message_piece *piece) {
    tow_websocket_counters *counters = &socket->context->counters;
    if (piece->last) {
        tow_count(&counters->messages_in);
        if (socket->extra != NULL)
            socket->extra->message_began = 0;
    }
    tow_count_add(&counters->bytes_in, piece->length);
    tow_tally_in(socket, piece->length, piece->last);
    if (socket->behaviour->on_piece != NULL) /* it may have been freed in an earlier one */
        socket->behaviour->on_piece(socket, piece);
}

bool tow_piecewise_waits(const tow_websocket *socket) {
    return socket->extra != NULL && socket->extra->piecewise != NULL && socket->extra->piecewise->waits;
}

void tow_piecewise_end(tow_websocket *socket) {
    tow_piecewise *message = socket->extra->piecewise;
    if (message == NULL)
        return;
    if (message->inflater != NULL)
        tow_inflate_give(socket, message->inflater);
    tow_buffer_clear(&message->rest);
    free(message);
    socket->extra->piecewise = NULL;
}

static tow_piecewise *begin(tow_websocket *socket, const tow_received *received) {
    if (tow_extra_need(socket) == NULL)
        return NULL;
    if (socket->extra->piecewise != NULL)
        return socket->extra->piecewise;
    tow_piecewise *message = calloc(1, sizeof(*message));
    if (message == NULL)
        return NULL;
    socket->extra->piecewise = message;
    message->type = (tow_message_type)received->type;
    message->inflater = tow_inflate_take(socket);
    return message->inflater == NULL ? NULL : message;
}

/* How much more may be inflated: at the limit one byte, which would be too much. */
static size_t room_for(const tow_websocket *socket, const tow_piecewise *message) {
    int64_t max = socket->behaviour->limits.max_message;
    uint64_t left = max == TOW_OFF ? PART : (uint64_t)max - message->length;
    if (left == 0)
        return 1;
    return left < PART ? (size_t)left : PART;
}

static bool is_too_large(const tow_websocket *socket, const tow_piecewise *message, size_t made) {
    int64_t max = socket->behaviour->limits.max_message;
    return max != TOW_OFF && message->length + made > (uint64_t)max;
}

/* RFC 7692, section 6.2: the inflated text is what must be UTF-8. */
static int text_check(tow_piecewise *message, const uint8_t *bytes, size_t length, bool last) {
    if (message->type != TOW_TEXT)
        return 0;
    bool valid = tow_utf8_check(&message->utf8, bytes, length) && !(last && message->utf8 != 0);
    return valid ? 0 : TOW_ERROR_UTF8;
}

/* Bytes of a received piece that are to be inflated. */
typedef struct input {
    const uint8_t *data;
    size_t length;
    bool last;
} input;

/* Inflates the next part and delivers it. Returns 1 when there may be more, 0 after the last of the input. */
static int deliver_part(tow_websocket *socket, tow_piecewise *message, input *in) {
    tow_buffer *scratch = &socket->context->inflated;
    tow_context_empty_scratch(scratch);
    int more = tow_inflater_piece(
        message->inflater, &in->data, &in->length, in->last, room_for(socket, message), scratch);
    if (more < 0)
        return more;
    const uint8_t *out = scratch->data;
    size_t made = scratch->length;
    if (is_too_large(socket, message, made))
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    bool last = in->last && !more;
    int error = text_check(message, out, made, last);
    if (error != 0)
        return error;
    message->length += made;
    const tow_message_piece piece = {
        .type = message->type, .data = out, .length = made, .first = !message->begun, .last = last};
    if (last)
        tow_piecewise_end(socket);
    else if (made > 0)
        message->begun = true;
    if (last || made > 0)
        deliver(socket, &piece);
    return more;
}

/* Delivery has to stop: keeps what is still to be inflated. */
static int interrupt(tow_piecewise *message, const input *in) {
    if (tow_buffer_append(&message->rest, in->data, in->length) != 0)
        return TOW_ERROR_MEMORY;
    message->rest_is_last = in->last;
    message->waits = true;
    return 0;
}

/* Others get a turn: paused by us, and resumed in the next round. */
static void yield(tow_websocket *socket) {
    if (socket->paused)
        return;
    socket->paused = true;
    socket->resumed = true;
    tow_stream_yield(&socket->stream);
}

/* Delivers the input, or as much of it as may be delivered now. */
static int inflate(tow_websocket *socket, tow_piecewise *message, input in) {
    uint64_t length_before = message->length;
    for (;;) {
        int more = deliver_part(socket, message, &in);
        if (more <= 0)
            return more;
        if (!tow_receive_wants_messages(socket)) {
            tow_piecewise_end(socket);
            return 0;
        }
        if (message->length - length_before >= SHARE)
            yield(socket);
        if (!tow_receive_may_deliver(socket))
            return interrupt(message, &in);
    }
}

static int receive_compressed(tow_websocket *socket, const tow_received *received) {
    tow_piecewise *message = begin(socket, received);
    if (message == NULL)
        return TOW_ERROR_MEMORY;
    return inflate(
        socket, message, (input){.data = received->data, .length = received->length, .last = received->last});
}

int tow_piecewise_receive(tow_websocket *socket, const tow_received *received) {
    if (received->compressed)
        return receive_compressed(socket, received);
    deliver(socket, &(tow_message_piece){.type = (tow_message_type)received->type,
                        .data = received->data,
                        .length = received->length,
                        .first = received->first,
                        .last = received->last});
    return 0;
}

int tow_piecewise_go_on(tow_websocket *socket) {
    tow_piecewise *message = socket->extra->piecewise;
    tow_buffer rest = message->rest; /* `message` may go */
    message->rest = (tow_buffer){0};
    message->waits = false;
    int error = inflate(
        socket, message, (input){.data = rest.data, .length = rest.length, .last = message->rest_is_last});
    tow_buffer_clear(&rest);
    return error;
}
