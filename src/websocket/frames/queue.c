#include "queue.h"

#include "protocol/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { CHUNK_MIN = 1024, CHUNK_MAX = 64 * 1024 };

static size_t smaller(uint64_t a, size_t b) {
    return a < b ? (size_t)a : b;
}

/* Where the head of an HTTP response ends. A server corks it before its first frame, so both may be in one
 * segment; no frame of ours begins with 'H', which would be a Close with RSV1 and without FIN. */
static size_t response_head_length(const uint8_t *bytes, size_t length) {
    if (length < 4 || bytes[0] != 'H')
        return 0;
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    return end == NULL ? length : (size_t)(end - bytes) + 4;
}

/* Reads the header at the place where a frame begins. */
static void place_begin_frame(tow_frame_place *place, const uint8_t *bytes, size_t available) {
    tow_frame_header header;
    int header_length = tow_frame_header_read(&header, bytes, available);
    assert(header_length > 0);
    place->header_left = (uint64_t)header_length;
    place->payload_left = header.payload_length;
    place->is_data = !tow_opcode_is_control(header.opcode);
}

/* Moves the place forward over the first `count` of the available bytes; returns how much application data
 * that was. */
static size_t place_advance(tow_frame_place *place, const uint8_t *bytes, size_t available, size_t count) {
    size_t payload = 0;
    while (count > 0) {
        if (place->header_left == 0 && place->payload_left == 0)
            place_begin_frame(place, bytes, available);
        size_t header_step = smaller(place->header_left, count);
        size_t payload_step = smaller(place->payload_left, count - header_step);
        place->header_left -= header_step;
        place->payload_left -= payload_step;
        payload += place->is_data ? payload_step : 0;
        bytes += header_step + payload_step;
        available -= header_step + payload_step;
        count -= header_step + payload_step;
    }
    return payload;
}

/* The same for what waits in the queue. */
static size_t advance(
    const tow_queue *queue, tow_frame_place *place, const uint8_t *bytes, size_t available, size_t count) {
    return queue->is_opaque ? 0 : place_advance(place, bytes, available, count);
}

static void append_chunk(tow_queue *queue, tow_queue_chunk *chunk) {
    if (queue->last == NULL)
        queue->first = chunk;
    else
        queue->last->next = chunk;
    queue->last = chunk;
}

static void insert_segment(tow_queue *queue, tow_queue_chunk *chunk) {
    tow_queue_chunk **place = queue->segment == NULL ? &queue->first : &queue->segment->next;
    chunk->next = *place;
    *place = chunk;
    if (chunk->next == NULL)
        queue->last = chunk;
    queue->segment = chunk;
}

static tow_queue_chunk *chunk_new(size_t capacity) {
    tow_queue_chunk *chunk = malloc(sizeof(*chunk) + capacity);
    if (chunk == NULL)
        return NULL;
    *chunk = (tow_queue_chunk){.bytes = chunk->storage, .capacity = capacity};
    return chunk;
}

static void chunk_free(tow_queue_chunk *chunk) {
    if (chunk->shared != NULL)
        tow_shared_release(chunk->shared);
    else if (chunk->bytes != chunk->storage)
        free(chunk->bytes);
    free(chunk);
}

/* A new chunk is as large as what waits already: few allocations for many frames, little memory for few. */
static size_t chunk_capacity(const tow_queue *queue, size_t length) {
    size_t capacity = queue->bytes < CHUNK_MIN ? CHUNK_MIN : smaller(queue->bytes, CHUNK_MAX);
    return length > capacity ? length : capacity;
}

/* Contiguous room at the end. */
static uint8_t *room(tow_queue *queue, size_t length) {
    tow_queue_chunk *chunk = queue->last;
    if (chunk == NULL || chunk->capacity - chunk->length < length) {
        chunk = chunk_new(chunk_capacity(queue, length));
        if (chunk == NULL)
            return NULL;
        append_chunk(queue, chunk);
    }
    uint8_t *bytes = chunk->bytes + chunk->length;
    chunk->length += length;
    queue->bytes += length;
    return bytes;
}

uint8_t *tow_queue_add(tow_queue *queue, size_t length, size_t payload) {
    queue->segment = NULL;
    uint8_t *bytes = room(queue, length);
    if (bytes != NULL && !queue->is_opaque)
        queue->payload += payload;
    return bytes;
}

int tow_queue_add_bytes(tow_queue *queue, const uint8_t *bytes, size_t length) {
    uint8_t *out = tow_queue_add(queue, length, 0);
    if (out == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(out, bytes, length);
    queue->is_opaque = true;
    queue->payload = 0;
    return 0;
}

/* The memory of `owner` becomes a chunk; the rest of the payload, of `length` bytes, ends where the payload
 * does. */
static tow_queue_chunk *chunk_from_owner(const struct iovec *payload, size_t length, tow_buffer *owner) {
    tow_queue_chunk *chunk = chunk_new(0);
    if (chunk == NULL)
        return NULL;
    chunk->bytes = owner->data;
    chunk->length = (size_t)((uint8_t *)payload->iov_base - owner->data) + payload->iov_len;
    chunk->capacity = chunk->length;
    chunk->offset = chunk->length - length;
    *owner = (tow_buffer){0};
    return chunk;
}

/* Copies the `length` bytes before `end` into a chunk of their own. */
static tow_queue_chunk *chunk_from_copy(const uint8_t *end, size_t length) {
    tow_queue_chunk *chunk = chunk_new(length);
    if (chunk == NULL)
        return NULL;
    memcpy(chunk->bytes, end - length, length);
    chunk->length = length;
    return chunk;
}

static const uint8_t *end_of(const struct iovec *piece) {
    return (const uint8_t *)piece->iov_base + piece->iov_len;
}

int tow_queue_add_rest(tow_queue *queue, const struct iovec *header, const struct iovec *payload,
    size_t taken, tow_buffer *owner) {
    assert(tow_queue_is_empty(queue));
    size_t header_rest = header->iov_len - smaller(taken, header->iov_len);
    size_t payload_rest = payload->iov_len - (taken - (header->iov_len - header_rest));
    tow_queue_chunk *first = header_rest > 0 ? chunk_from_copy(end_of(header), header_rest) : NULL;
    if (header_rest > 0 && first == NULL)
        return TOW_ERROR_MEMORY;
    tow_queue_chunk *second = owner != NULL ? chunk_from_owner(payload, payload_rest, owner)
                                            : chunk_from_copy(end_of(payload), payload_rest);
    if (second == NULL) {
        free(first);
        return TOW_ERROR_MEMORY;
    }
    if (first != NULL)
        append_chunk(queue, first);
    append_chunk(queue, second);
    queue->bytes = header_rest + payload_rest;
    queue->payload = payload_rest;
    queue->front = (tow_frame_place){0};
    if (taken > 0)
        queue->front =
            (tow_frame_place){.header_left = header_rest, .payload_left = payload_rest, .is_data = true};
    return 0;
}

int tow_queue_add_shared(
    tow_queue *queue, tow_shared *shared, const uint8_t *frame, size_t length, size_t taken) {
    assert(taken < length && (taken == 0 || tow_queue_is_empty(queue)));
    tow_queue_chunk *chunk = chunk_new(0);
    if (chunk == NULL)
        return TOW_ERROR_MEMORY;
    tow_shared_retain(shared);
    chunk->shared = shared;
    chunk->bytes = (uint8_t *)(uintptr_t)frame; // NOLINT(performance-no-int-to-ptr): only read, as it is full
    chunk->length = chunk->capacity = length;
    chunk->offset = taken;
    tow_frame_place place = {0};
    advance(queue, &place, frame, length, taken);
    if (tow_queue_is_empty(queue))
        queue->front = place;
    append_chunk(queue, chunk);
    queue->segment = NULL;
    queue->bytes += length - taken;
    queue->payload += advance(queue, &place, frame + taken, length - taken, length - taken);
    return 0;
}

int tow_queue_add_segment(tow_queue *queue, const uint8_t *segment, size_t length, size_t taken) {
    if (taken == length)
        return 0;
    bool is_first = queue->segment == NULL;
    tow_queue_chunk *chunk = chunk_from_copy(segment + length, length - taken);
    if (chunk == NULL)
        return TOW_ERROR_MEMORY;
    insert_segment(queue, chunk);
    tow_frame_place place = {.header_left = response_head_length(segment, length)};
    place_advance(&place, segment, length, taken);
    if (is_first)
        queue->front = place;
    queue->bytes += length - taken;
    queue->payload += place_advance(&place, segment + taken, length - taken, length - taken);
    return 0;
}

int tow_queue_pieces(const tow_queue *queue, struct iovec *pieces, int count) {
    int filled = 0;
    for (tow_queue_chunk *chunk = queue->first; chunk != NULL && filled < count; chunk = chunk->next)
        pieces[filled++] = (struct iovec){
            .iov_base = chunk->bytes + chunk->offset, .iov_len = chunk->length - chunk->offset};
    return filled;
}

static void remove_first_chunk(tow_queue *queue) {
    tow_queue_chunk *chunk = queue->first;
    queue->first = chunk->next;
    if (queue->first == NULL)
        queue->last = NULL;
    chunk_free(chunk);
}

void tow_queue_take(tow_queue *queue, size_t count) {
    assert(count <= queue->bytes);
    queue->segment = NULL;
    queue->bytes -= count;
    while (count > 0) {
        tow_queue_chunk *chunk = queue->first;
        size_t available = chunk->length - chunk->offset;
        size_t step = smaller(count, available);
        queue->payload -= advance(queue, &queue->front, chunk->bytes + chunk->offset, available, step);
        chunk->offset += step;
        count -= step;
        if (chunk->offset == chunk->length)
            remove_first_chunk(queue);
    }
    if (queue->is_opaque && queue->first == NULL) {
        queue->is_opaque = false;
        queue->front = (tow_frame_place){0};
    }
}

/* Where a frame begins that is looked at. */
typedef struct cursor {
    tow_queue_chunk *previous; /* of `chunk`, or NULL */
    tow_queue_chunk *chunk;    /* NULL at the end */
    size_t at;
} cursor;

static void next_chunk(cursor *place, tow_queue_chunk *previous, tow_queue_chunk *chunk) {
    *place = (cursor){.previous = previous, .chunk = chunk, .at = chunk == NULL ? 0 : chunk->offset};
}

static void skip(cursor *place, uint64_t count) {
    while (place->chunk != NULL && count >= place->chunk->length - place->at) {
        count -= place->chunk->length - place->at;
        next_chunk(place, place->chunk, place->chunk->next);
    }
    place->at += (size_t)count;
}

static void link_behind(tow_queue *queue, tow_queue_chunk *previous, tow_queue_chunk *chunk) {
    if (previous == NULL)
        queue->first = chunk;
    else
        previous->next = chunk;
}

/* Makes the place the beginning of a chunk: what lies before it gets one of its own. */
static bool split(tow_queue *queue, cursor *place) {
    tow_queue_chunk *chunk = place->chunk;
    if (place->at == chunk->offset)
        return true;
    tow_queue_chunk *before = chunk_from_copy(chunk->bytes + place->at, place->at - chunk->offset);
    if (before == NULL)
        return false;
    link_behind(queue, place->previous, before);
    before->next = chunk;
    chunk->offset = place->at;
    place->previous = before;
    return true;
}

/* From the beginning of a chunk. */
static void cut(tow_queue *queue, cursor *place, size_t count) {
    while (count > 0) {
        tow_queue_chunk *chunk = place->chunk;
        size_t step = smaller(count, chunk->length - chunk->offset);
        chunk->offset += step;
        place->at = chunk->offset;
        count -= step;
        if (chunk->offset < chunk->length)
            return;
        link_behind(queue, place->previous, chunk->next);
        if (queue->last == chunk)
            queue->last = place->previous;
        next_chunk(place, place->previous, chunk->next);
        chunk_free(chunk);
    }
}

static bool is_whole_message(const tow_frame_header *header) {
    return header->final && (header->opcode == TOW_OPCODE_TEXT || header->opcode == TOW_OPCODE_BINARY);
}

size_t tow_queue_drop(tow_queue *queue, uint64_t max) {
    size_t dropped = 0;
    cursor place;
    queue->segment = NULL;
    next_chunk(&place, NULL, queue->first);
    skip(&place, queue->front.header_left + queue->front.payload_left);
    while (queue->bytes > max && place.chunk != NULL) {
        tow_frame_header header;
        int header_length =
            tow_frame_header_read(&header, place.chunk->bytes + place.at, place.chunk->length - place.at);
        assert(header_length > 0);
        uint64_t length = (uint64_t)header_length + header.payload_length;
        if (!is_whole_message(&header)) {
            skip(&place, length);
            continue;
        }
        if (length == queue->bytes || !split(queue, &place))
            break;
        cut(queue, &place, (size_t)length);
        queue->bytes -= (size_t)length;
        queue->payload -= (size_t)header.payload_length;
        dropped++;
    }
    return dropped;
}

void tow_queue_clear(tow_queue *queue) {
    while (queue->first != NULL)
        remove_first_chunk(queue);
    *queue = (tow_queue){0};
}
