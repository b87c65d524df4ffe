#include "assembly.h"

#include "context.h"
#include "extra.h"

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

int tow_assembly_add(tow_websocket *socket, const tow_received *piece) {
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    tow_buffer *assembly = &socket->extra->assembly;
    size_t needed = assembly->length + piece->length;
    if (assembly->data == NULL && needed + piece->remaining >= TOW_STRAIGHT_MIN)
        *assembly = tow_context_take_buffer(socket->context);
    bool is_there = assembly->data != NULL && piece->data == assembly->data + assembly->length;
    if (piece->length == 0 || is_there) {
        assembly->length = needed;
        return 0;
    }
    int error = needed <= assembly->capacity ? 0 : resize(assembly, capacity_for(socket, needed, piece));
    if (error != 0)
        return error;
    memcpy(assembly->data + assembly->length, piece->data, piece->length);
    assembly->length = needed;
    return 0;
}

uint8_t *tow_assembly_room(tow_websocket *socket, size_t *length) {
    uint64_t remaining = socket->receiver.remaining;
    if (remaining < TOW_STRAIGHT_MIN || socket->extra == NULL || socket->extra->assembly.length == 0)
        return NULL;
    tow_buffer *assembly = &socket->extra->assembly;
    size_t step = assembly->length < STRAIGHT_STEP_MIN ? STRAIGHT_STEP_MIN : assembly->length;
    step = remaining < step ? (size_t)remaining : step;
    size_t room = assembly->capacity - assembly->length;
    if (room < step && resize(assembly, assembly->length + step) != 0)
        return NULL;
    room = assembly->capacity - assembly->length;
    *length = remaining < room ? (size_t)remaining : room;
    return assembly->data + assembly->length;
}
