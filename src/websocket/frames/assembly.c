#include "assembly.h"

#include "../context.h"
#include "../extra.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { CAPACITY_MIN = 512, STRAIGHT_STEP_MIN = 256 * 1024 };

static int resize(tow_buffer *assembly, size_t capacity) {
    uint8_t *data = realloc(assembly->data, capacity);
    if (data == NULL)
        return TOW_ERROR_MEMORY;
    assembly->data = data;
    assembly->capacity = capacity;
    return 0;
}

/* How much memory to have for `needed` bytes: twice that, so that many pieces cost few moves, but never more
 * than what the frame under way will fill; behind a fragment, whose next the peer has not announced, no more
 * than a message may have. */
static size_t capacity_for(const tow_websocket *socket, size_t needed, const tow_received *piece) {
    int64_t max = socket->behaviour->limits.max_message;
    uint64_t bound = needed + piece->remaining;
    if (piece->remaining == 0 && !piece->last)
        bound = max == TOW_OFF || (uint64_t)max < needed ? SIZE_MAX : (uint64_t)max;
    size_t wanted = needed < CAPACITY_MIN / 2 ? CAPACITY_MIN : 2 * needed;
    return wanted < bound ? wanted : (size_t)bound;
}

/* A large message of which the read into the landing buffer brought a quarter or more stays where it is.
 * Nothing lies behind it there, as more of its frame is to come. */
static bool stays_where_it_landed(const tow_websocket *socket, const tow_received *piece) {
    const tow_websocket_context *context = socket->context;
    return context->landing_end != NULL && piece->first && piece->remaining > 0 &&
           piece->length >= TOW_STRAIGHT_MIN && piece->length >= piece->remaining / 4 &&
           piece->data <= context->landing.data + TOW_FRAME_HEADER_MAX;
}

static void adopt_landing(tow_websocket *socket, const tow_received *piece) {
    tow_websocket_context *context = socket->context;
    tow_websocket_extra *extra = socket->extra;
    tow_buffer_clear(&extra->assembly);
    extra->assembly = context->landing;
    extra->assembly_offset = (size_t)(piece->data - context->landing.data);
    extra->assembly.length = extra->assembly_offset + piece->length;
    context->landing = (tow_buffer){0};
    context->landing_end = NULL;
}

static int append(const tow_websocket *socket, tow_buffer *assembly, const tow_received *piece) {
    size_t needed = assembly->length + piece->length;
    bool is_there = assembly->data != NULL && piece->data == assembly->data + assembly->length;
    if (piece->length > 0 && !is_there) {
        bool fits = assembly->data != NULL && needed <= assembly->capacity;
        if (!fits && resize(assembly, capacity_for(socket, needed, piece)) != 0)
            return TOW_ERROR_MEMORY;
        memcpy(assembly->data + assembly->length, piece->data, piece->length);
    }
    assembly->length = needed;
    return 0;
}

int tow_assembly_add(tow_websocket *socket, const tow_received *piece) {
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    if (stays_where_it_landed(socket, piece)) {
        adopt_landing(socket, piece);
        return 0;
    }
    tow_buffer *assembly = &socket->extra->assembly;
    if (assembly->data == NULL && piece->length + piece->remaining >= TOW_STRAIGHT_MIN)
        *assembly = tow_context_take_buffer(socket->context);
    return append(socket, assembly, piece);
}

/* Behind what has come of the message under way. */
static uint8_t *room_for_rest(tow_buffer *assembly, uint64_t remaining, size_t *length) {
    size_t step = assembly->length < STRAIGHT_STEP_MIN ? STRAIGHT_STEP_MIN : assembly->length;
    step = remaining < step ? (size_t)remaining : step;
    size_t room = assembly->capacity - assembly->length;
    if (room < step && resize(assembly, assembly->length + step) != 0)
        return NULL;
    room = assembly->capacity - assembly->length;
    *length = remaining < room ? (size_t)remaining : room;
    return assembly->data + assembly->length;
}

/* For a whole message, as large as the last large one of whatever socket. */
static uint8_t *room_to_land(tow_websocket_context *context, size_t *length) {
    tow_buffer *landing = &context->landing;
    if (landing->capacity < context->landing_size) {
        tow_buffer_clear(landing);
        *landing = tow_context_take_buffer(context);
    }
    if (landing->capacity < context->landing_size) {
        tow_buffer_clear(landing);
        if (resize(landing, context->landing_size) != 0)
            return NULL;
    }
    *length = landing->capacity;
    return landing->data;
}

uint8_t *tow_assembly_room(tow_websocket *socket, size_t *length) {
    bool has_begun = socket->extra != NULL && socket->extra->assembly.data != NULL;
    if (has_begun && socket->receiver.remaining >= TOW_STRAIGHT_MIN)
        return room_for_rest(&socket->extra->assembly, socket->receiver.remaining, length);
    if (socket->gets_large && !has_begun && !tow_receiver_in_message(&socket->receiver))
        return room_to_land(socket->context, length);
    return NULL;
}

void tow_assembly_read_begins(tow_websocket *socket, const uint8_t *bytes, size_t length) {
    if (socket->gets_large && bytes == socket->context->landing.data)
        socket->context->landing_end = bytes + length;
}

/* A short read that leaves nothing unfinished: these are small messages now. */
void tow_assembly_read_ends(tow_websocket *socket, size_t length) {
    socket->context->landing_end = NULL;
    if (socket->gets_large && length < TOW_STRAIGHT_MIN && !tow_receiver_in_message(&socket->receiver))
        socket->gets_large = false;
}

/* Not for a small message in a large buffer: the queue would hold more memory than it counts. */
tow_buffer *tow_assembly_owner(tow_websocket *socket, const tow_received *message) {
    tow_websocket_context *context = socket->context;
    if (context->landing_end == NULL || message->data + message->length != context->landing_end)
        return NULL;
    return message->length >= context->landing.capacity / 2 ? &context->landing : NULL;
}

void tow_assembly_note_size(tow_websocket *socket, size_t length) {
    if (length < TOW_STRAIGHT_MIN)
        return;
    socket->gets_large = true;
    size_t size = length + TOW_FRAME_HEADER_MAX;
    socket->context->landing_size = size < TOW_SPARE_MAX ? size : TOW_SPARE_MAX;
}
