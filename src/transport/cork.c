#include "cork.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

int tow_cork_init(tow_cork *cork) {
    *cork = (tow_cork){
        .memory = aligned_alloc(4096, TOW_CORK_SIZE),
        .segments = malloc(TOW_CORK_SEGMENTS * sizeof(*cork->segments)),
        .pieces = malloc(TOW_CORK_SEGMENTS * sizeof(*cork->pieces)),
    };
    if (cork->memory != NULL && cork->segments != NULL && cork->pieces != NULL)
        return 0;
    tow_cork_clear(cork);
    return TOW_ERROR_MEMORY;
}

void tow_cork_clear(tow_cork *cork) {
    free(cork->memory);
    free(cork->segments);
    free(cork->pieces);
    *cork = (tow_cork){0};
}

/* Whatever lies there by now stays there while there is a segment behind it. */
static bool is_common(const tow_cork *cork, const uint8_t *bytes, size_t length) {
    return length > 0 && cork->common_length == length && cork->common_offset + length <= cork->used &&
           memcmp(cork->memory + cork->common_offset, bytes, length) == 0;
}

static bool borrow(tow_cork *cork, tow_stream *stream) {
    tow_segment *segment = tow_cork_open_segment(cork, stream);
    if (segment == NULL)
        return false;
    segment->offset = cork->common_offset;
    segment->length = cork->common_length;
    cork->growing = 0;
    return true;
}

/* What a stream says in a row stays one piece. */
bool tow_cork_add_common(tow_cork *cork, tow_stream *stream, const uint8_t *bytes, size_t length) {
    if (stream->cork_first == 0 && is_common(cork, bytes, length))
        return borrow(cork, stream);
    uint8_t *room = tow_cork_add(cork, stream, length);
    if (room == NULL)
        return false;
    memcpy(room, bytes, length);
    cork->common_offset = (uint32_t)(room - cork->memory);
    cork->common_length = (uint32_t)length;
    return true;
}

int tow_cork_pieces_from(const tow_cork *cork, uint32_t *number, struct iovec *out, int max) {
    int count = 0;
    while (*number != 0 && count < max) {
        const tow_segment *segment = &cork->segments[*number - 1];
        out[count++] = (struct iovec){.iov_base = cork->memory + segment->offset, .iov_len = segment->length};
        *number = segment->next;
    }
    return count;
}

int tow_cork_pieces(const tow_cork *cork, const tow_stream *stream, struct iovec *out) {
    uint32_t number = stream->cork_first;
    return tow_cork_pieces_from(cork, &number, out, IOV_MAX);
}

size_t tow_cork_length(const tow_cork *cork, const tow_stream *stream) {
    size_t length = 0;
    for (uint32_t number = stream->cork_first; number != 0; number = cork->segments[number - 1].next)
        length += cork->segments[number - 1].length;
    return length;
}

/* Gives back what is free at the end. A segment that borrows stands behind what it borrows. */
static void shrink(tow_cork *cork) {
    while (cork->count > 0 && cork->segments[cork->count - 1].stream == NULL)
        cork->used = cork->segments[--cork->count].start;
}

/* Makes the stream one without segments, and returns the number of its first. */
static uint32_t detach(tow_stream *stream) {
    uint32_t number = stream->cork_first;
    stream->cork_first = stream->cork_last = 0;
    stream->corked_payload = 0;
    return number;
}

void tow_cork_release(tow_cork *cork, tow_stream *stream, size_t taken) {
    for (uint32_t number = detach(stream); number != 0;) {
        tow_segment *segment = &cork->segments[number - 1];
        size_t part = taken < segment->length ? taken : segment->length;
        if (part < segment->length)
            stream->events->on_unsent(stream, cork->memory + segment->offset, segment->length, part);
        taken -= part;
        segment->stream = NULL;
        number = segment->next;
    }
    shrink(cork);
}

void tow_cork_drop(tow_cork *cork, tow_stream *stream) {
    for (uint32_t number = detach(stream); number != 0; number = cork->segments[number - 1].next)
        cork->segments[number - 1].stream = NULL;
    shrink(cork);
}
