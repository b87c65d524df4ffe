#include "protocol.h"

#include <assert.h>
#include <string.h>
#include <towline/error.h>

enum {
    HEADER = 5,
    ID = 8,
    ACKNOWLEDGEMENT = 12,
    LONGEST = HEADER + ID + 1 /* of what stands before the data */
};

static uint64_t number_read(const uint8_t *bytes, size_t width) {
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | bytes[i];
    return number;
}

static uint8_t *number_write(uint8_t *out, uint64_t number, size_t width) {
    for (size_t i = 0; i < width; i++)
        out[i] = (uint8_t)(number >> (8 * (width - 1 - i)));
    return out + width;
}

/* What is left of a frame while it is taken apart. */
typedef struct rest {
    const uint8_t *bytes;
    size_t length;
    bool short_of; /* something was asked for that is not there */
} rest;

static uint64_t take(rest *of, size_t width) {
    if (of->length < width) {
        of->short_of = true;
        return 0;
    }
    uint64_t number = number_read(of->bytes, width);
    of->bytes += width;
    of->length -= width;
    return number;
}

static const uint8_t *take_list(rest *of, size_t count, size_t width) {
    const uint8_t *list = of->bytes;
    if (count > of->length / width) {
        of->short_of = true;
        return NULL;
    }
    of->bytes += count * width;
    of->length -= count * width;
    return list;
}

/* Only those that a program sends, and whole lists. */
static bool take_apart(tow_service_frame *frame, rest *of) {
    switch (frame->type) {
    case TOW_SERVICE_READY:
        return of->length == 0;
    case TOW_SERVICE_ACKNOWLEDGE:
        frame->entry_count = of->length / ACKNOWLEDGEMENT;
        frame->entries = take_list(of, frame->entry_count, ACKNOWLEDGEMENT);
        return of->length == 0;
    case TOW_SERVICE_SEND:
        frame->id = take(of, ID);
        frame->is_binary = take(of, 1) & TOW_SERVICE_BINARY;
        return true;
    case TOW_SERVICE_BROADCAST:
        frame->is_binary = take(of, 1) & TOW_SERVICE_BINARY;
        frame->entry_count = (size_t)take(of, 4);
        frame->entries = take_list(of, frame->entry_count, ID);
        return true;
    case TOW_SERVICE_ATTACH:
        frame->id = take(of, ID);
        return of->length <= TOW_SERVICE_STATE_MAX;
    case TOW_SERVICE_CLOSE:
        frame->id = take(of, ID);
        frame->code = (uint16_t)take(of, 2);
        return of->length <= TOW_SERVICE_REASON_MAX;
    case TOW_SERVICE_HELLO:
    case TOW_SERVICE_OPEN:
    case TOW_SERVICE_RESUME:
    case TOW_SERVICE_MESSAGE:
    case TOW_SERVICE_CLOSED:
    case TOW_SERVICE_DRAIN:
        return false;
    }
    return false;
}

static bool is_of_program(uint8_t type) {
    return type >= TOW_SERVICE_READY && type <= TOW_SERVICE_CLOSE;
}

int64_t tow_service_frame_next(const uint8_t *bytes, size_t length, size_t most, tow_service_frame *frame) {
    if (length < HEADER)
        return 0;
    size_t payload = (size_t)number_read(bytes, 4);
    if (!is_of_program(bytes[4]))
        return TOW_ERROR_ARGUMENT;
    if (payload > most)
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    if (length - HEADER < payload)
        return 0;
    rest of = {.bytes = bytes + HEADER, .length = payload};
    *frame = (tow_service_frame){.type = (tow_service_frame_type)bytes[4]};
    if (!take_apart(frame, &of) || of.short_of)
        return TOW_ERROR_ARGUMENT;
    frame->data = of.bytes;
    frame->length = of.length;
    return (int64_t)(HEADER + payload);
}

tow_service_acknowledgement tow_service_frame_acknowledgement(const tow_service_frame *frame, size_t number) {
    assert(frame->type == TOW_SERVICE_ACKNOWLEDGE && number < frame->entry_count);
    const uint8_t *entry = frame->entries + number * ACKNOWLEDGEMENT;
    return (tow_service_acknowledgement){
        .id = number_read(entry, ID), .count = (uint32_t)number_read(entry + ID, 4)};
}

uint64_t tow_service_frame_id(const tow_service_frame *frame, size_t number) {
    assert(frame->type == TOW_SERVICE_BROADCAST && number < frame->entry_count);
    return number_read(frame->entries + number * ID, ID);
}

/* Writing. */

/* What stands before the data, `fixed` bytes behind the header, and the data. */
static int append(tow_buffer *out, tow_service_frame_type type, const uint8_t *fixed, size_t fixed_length,
    const void *data, size_t length) {
    uint8_t head[LONGEST];
    int error = tow_buffer_reserve(out, HEADER + fixed_length + length);
    if (error != 0)
        return error;
    uint8_t *end = number_write(number_write(head, fixed_length + length, 4), type, 1);
    memcpy(end, fixed, fixed_length);
    (void)tow_buffer_append(out, head, HEADER + fixed_length);
    return tow_buffer_append(out, data, length);
}

int tow_service_write_hello(tow_buffer *out, size_t number, size_t count) {
    uint8_t fixed[6];
    number_write(number_write(number_write(fixed, TOW_SERVICE_VERSION, 2), number, 2), count, 2);
    return append(out, TOW_SERVICE_HELLO, fixed, sizeof(fixed), "", 0);
}

int tow_service_write_drain(tow_buffer *out) {
    return append(out, TOW_SERVICE_DRAIN, (const uint8_t *)"", 0, "", 0);
}

int tow_service_write_resume(tow_buffer *out, uint64_t id, const void *state, size_t length) {
    uint8_t fixed[ID];
    number_write(fixed, id, ID);
    return append(out, TOW_SERVICE_RESUME, fixed, sizeof(fixed), length > 0 ? state : "", length);
}

int tow_service_write_event(tow_buffer *out, tow_service_frame_type type, uint64_t id, unsigned flags,
    const void *data, size_t length) {
    uint8_t fixed[ID + 1];
    number_write(number_write(fixed, id, ID), flags, 1);
    return append(out, type, fixed, sizeof(fixed), data, length);
}
