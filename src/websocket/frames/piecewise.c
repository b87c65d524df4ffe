#include "piecewise.h"

#include "../context.h"
#include "../delivery.h"
#include "../extra.h"
#include "../receive.h"
#include "../stage.h"
#include "../tally.h"
#include "assembly.h"
#include "compressing.h"
#include "protocol/mask.h"
#include "turn.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    PART = 64 * 1024,   /* bytes that are delivered as one piece */
    STEP = 1024 * 1024, /* bytes that are inflated in a row: a turn's work */
};

/* A message under way. */
typedef struct tow_piecewise {
    tow_inflater *inflater; /* NULL: the message is not compressed */
    uint64_t length;        /* inflated so far */
    tow_message_type type;
    tow_utf8_state utf8;
    bool begun; /* a piece was delivered */
    bool waits; /* something of it is to be delivered or inflated in a later turn: */
    tow_buffer
        ready; /* this, from ready_offset on; or, where the message is wanted whole, what it is so far */
    size_t ready_offset;
    tow_buffer rest; /* then this, inflated, from rest_offset on */
    size_t rest_offset;
    bool rest_is_last; /* which ends the message */
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

size_t tow_piecewise_bytes(const tow_websocket *socket) {
    const tow_piecewise *message = socket->extra->piecewise;
    return message == NULL ? 0 : message->ready.length + message->rest.length;
}

static void release(tow_websocket *socket, tow_piecewise *message) {
    if (message->inflater != NULL)
        tow_inflate_give(socket, message->inflater);
    tow_context_give_buffer(socket->context, &message->ready);
    tow_context_give_buffer(socket->context, &message->rest);
    free(message);
    socket->extra->piecewise = NULL;
}

void tow_piecewise_end(tow_websocket *socket) {
    tow_piecewise *message = socket->extra->piecewise;
    if (message == NULL)
        return;
    if (message->inflater != NULL)
        tow_inflater_reset(message->inflater);
    release(socket, message);
}

/* Copies what is known of a message to where it can wait. */
static tow_piecewise *begin(tow_websocket *socket, const tow_piecewise *known) {
    tow_piecewise *message = tow_extra_need(socket) == NULL ? NULL : malloc(sizeof(*message));
    if (message != NULL)
        *message = *known;
    if (message != NULL)
        socket->extra->piecewise = message;
    return message;
}

static tow_piecewise *message_of(tow_websocket *socket, tow_message_type type) {
    if (socket->extra != NULL && socket->extra->piecewise != NULL)
        return socket->extra->piecewise;
    tow_piecewise known = {.type = type, .inflater = tow_inflate_take(socket)};
    if (known.inflater == NULL)
        return NULL;
    tow_piecewise *message = begin(socket, &known);
    if (message == NULL)
        tow_inflate_give(socket, known.inflater);
    return message;
}

/* Inflating. */

/* Bytes that are to be inflated. */
typedef struct input {
    const uint8_t *data;
    size_t length;
    bool last;
    tow_buffer *owner; /* what holds them, and may be taken over; NULL: they are lent */
} input;

/* How much more may be inflated: at the limit one byte, which would be too much. */
static size_t room_for(const tow_websocket *socket, const tow_piecewise *message, size_t most) {
    int64_t max = socket->behaviour->limits.max_message;
    uint64_t left = max == TOW_OFF ? most : (uint64_t)max - message->length + 1;
    return left < most ? (size_t)left : most;
}

static bool is_too_large(const tow_websocket *socket, const tow_piecewise *message) {
    int64_t max = socket->behaviour->limits.max_message;
    return max != TOW_OFF && message->length > (uint64_t)max;
}

/* RFC 7692, section 6.2: the inflated text is what must be UTF-8. */
static int text_check(tow_piecewise *message, const uint8_t *bytes, size_t length, bool last) {
    if (message->type != TOW_TEXT)
        return 0;
    bool valid = tow_utf8_check(&message->utf8, bytes, length) && !(last && message->utf8 != 0);
    return valid ? 0 : TOW_ERROR_UTF8;
}

/* Appends at most so many bytes. Returns 1 when there may be more, 0 after the last of the input. */
static int inflate_some(
    tow_websocket *socket, tow_piecewise *message, input *in, size_t most, tow_buffer *out) {
    size_t before = out->length;
    int more = tow_inflater_piece(
        message->inflater, &in->data, &in->length, in->last, before + room_for(socket, message, most), out);
    if (more < 0)
        return more;
    size_t made = out->length - before;
    message->length += made;
    tow_turn_add(socket->context, (uint32_t)(made / 1024) * TOW_WORK_INFLATED_KIB);
    if (is_too_large(socket, message))
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    int error = text_check(message, out->data + before, made, in->last && !more);
    return error != 0 ? error : more;
}

/* Keeps what is still to be inflated. */
static int interrupt(tow_piecewise *message, input *in) {
    message->waits = true;
    message->rest_is_last = in->last;
    if (in->owner == NULL)
        return tow_buffer_append(&message->rest, in->data, in->length);
    message->rest = *in->owner;
    message->rest_offset = message->rest.length - in->length;
    *in->owner = (tow_buffer){0};
    return 0;
}

/* Messages in pieces. */

/* Inflates the next part and delivers it. Returns as inflate_some. */
static int deliver_part(tow_websocket *socket, tow_piecewise *message, input *in) {
    tow_buffer *out = &socket->context->inflated;
    tow_context_empty_scratch(out);
    int more = inflate_some(socket, message, in, PART, out);
    if (more < 0)
        return more;
    bool last = in->last && !more;
    const tow_message_piece piece = {.type = message->type,
        .data = out->data,
        .length = out->length,
        .first = !message->begun,
        .last = last};
    if (last)
        release(socket, message);
    else if (piece.length > 0)
        message->begun = true;
    if (last || piece.length > 0)
        deliver(socket, &piece);
    return more;
}

/* Delivers the input, or as much of it as may be delivered now. */
static int deliver_inflated(tow_websocket *socket, tow_piecewise *message, input *in) {
    for (;;) {
        int more = deliver_part(socket, message, in);
        if (more <= 0)
            return more;
        if (!tow_stage_wants_messages(socket)) {
            tow_piecewise_end(socket);
            return 0;
        }
        if (!tow_turn_goes_on(socket))
            return interrupt(message, in);
    }
}

static int receive_compressed(tow_websocket *socket, const tow_received *received) {
    tow_piecewise *message = message_of(socket, (tow_message_type)received->type);
    if (message == NULL)
        return TOW_ERROR_MEMORY;
    return deliver_inflated(socket, message,
        &(input){.data = received->data, .length = received->length, .last = received->last});
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

/* What had come before the message was wanted in pieces. */
static void deliver_ready(tow_websocket *socket, tow_piecewise *message) {
    while (message->ready_offset < message->ready.length && tow_stage_wants_messages(socket) &&
           tow_receive_may_deliver(socket)) {
        size_t left = message->ready.length - message->ready_offset;
        const tow_message_piece piece = {.type = message->type,
            .data = message->ready.data + message->ready_offset,
            .length = left < PART ? left : PART,
            .first = !message->begun};
        message->begun = true;
        message->ready_offset += piece.length;
        deliver(socket, &piece);
    }
}

/* Whole messages. */

/* The message leaves the connection before the callback, and its memory goes back to the context after it. */
static void deliver_inflated_whole(tow_websocket *socket, tow_piecewise *message) {
    tow_buffer whole = message->ready;
    tow_message_type type = message->type;
    message->ready = (tow_buffer){0};
    release(socket, message);
    tow_delivery_make(
        socket, &(tow_message){.type = type, .data = whole.data, .length = whole.length}, &whole);
    tow_context_give_buffer(socket->context, &whole);
}

/* A step a turn: what is behind it waits, too. */
static int inflate_whole(tow_websocket *socket, tow_piecewise *message, input *in) {
    int more = inflate_some(socket, message, in, STEP, &message->ready);
    if (more < 0)
        return more;
    if (more == 0) {
        deliver_inflated_whole(socket, message);
        return 0;
    }
    tow_turn_yield(socket);
    return interrupt(message, in);
}

int tow_piecewise_receive_whole(
    tow_websocket *socket, tow_message_type type, const uint8_t *data, size_t length, tow_buffer *owner) {
    tow_buffer *out = &socket->context->inflated;
    tow_piecewise known = {.type = type, .inflater = tow_inflate_take(socket)};
    input in = {.data = data, .length = length, .last = true, .owner = owner};
    if (known.inflater == NULL)
        return TOW_ERROR_MEMORY;
    tow_context_empty_scratch(out);
    int more = inflate_some(socket, &known, &in, STEP, out);
    if (more == 0) {
        tow_inflate_give(socket, known.inflater);
        tow_delivery_make(
            socket, &(tow_message){.type = type, .data = out->data, .length = out->length}, NULL);
        tow_context_empty_scratch(out);
        return 0;
    }
    tow_piecewise *message = more < 0 ? NULL : begin(socket, &known);
    if (message == NULL) {
        tow_inflater_reset(known.inflater);
        tow_inflate_give(socket, known.inflater);
        return more < 0 ? more : TOW_ERROR_MEMORY;
    }
    message->ready = *out;
    *out = (tow_buffer){0};
    tow_turn_yield(socket);
    return interrupt(message, &in);
}

/* Going on. */

static int go_on(tow_websocket *socket, tow_piecewise *message, input *in) {
    if (socket->behaviour->on_piece == NULL)
        return inflate_whole(socket, message, in);
    deliver_ready(socket, message);
    if (!tow_stage_wants_messages(socket)) {
        tow_piecewise_end(socket);
        return 0;
    }
    if (message->ready_offset < message->ready.length)
        return interrupt(message, in);
    tow_buffer_clear(&message->ready);
    message->ready_offset = 0;
    if (message->inflater != NULL)
        return deliver_inflated(socket, message, in);
    release(socket, message);
    return 0;
}

int tow_piecewise_go_on(tow_websocket *socket) {
    tow_piecewise *message = socket->extra->piecewise;
    tow_buffer rest = message->rest; /* `message` may go */
    input in = {.last = message->rest_is_last, .owner = &rest};
    if (rest.data != NULL) {
        in.data = rest.data + message->rest_offset;
        in.length = rest.length - message->rest_offset;
    }
    message->rest = (tow_buffer){0};
    message->rest_offset = 0;
    message->waits = false;
    int error = go_on(socket, message, &in);
    tow_context_give_buffer(socket->context, &rest);
    return error;
}

/* The assembly holds what came, as it came. */
int tow_piecewise_adopt(tow_websocket *socket) {
    tow_websocket_extra *extra = socket->extra;
    if (extra == NULL || extra->assembly.data == NULL)
        return 0;
    tow_received under_way = tow_receiver_under_way(&socket->receiver);
    tow_piecewise known = {.type = (tow_message_type)under_way.type, .waits = true};
    if (under_way.compressed)
        known.inflater = tow_inflate_take(socket);
    if (under_way.compressed && known.inflater == NULL)
        return TOW_ERROR_MEMORY;
    tow_piecewise *message = begin(socket, &known);
    if (message == NULL) {
        if (under_way.compressed)
            tow_inflate_give(socket, known.inflater);
        return TOW_ERROR_MEMORY;
    }
    *(under_way.compressed ? &message->rest : &message->ready) = extra->assembly;
    *(under_way.compressed ? &message->rest_offset : &message->ready_offset) = extra->assembly_offset;
    extra->assembly = (tow_buffer){0};
    extra->assembly_offset = 0;
    tow_turn_yield(socket);
    return 0;
}
