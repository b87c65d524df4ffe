#include "output.h"

#include <string.h>
#include <towline/error.h>

enum {
    PIECE = 64 * 1024,
    CORKED_MAX = 16 * 1024, /* what is larger goes to the stream without a copy */
    KEPT_CAPACITY = 4096    /* a larger buffer is not kept for the next answer */
};

bool tow_output_is_idle(const tow_output *output) {
    return output->unsent.length == 0 && output->pending.length == 0 && output->source.read == NULL;
}

static void source_close(tow_output *output) {
    tow_body_source source = output->source;
    output->source = (tow_body_source){0};
    if (source.close != NULL)
        source.close(source.user);
}

void tow_output_set_source(tow_output *output, const tow_body_source *source, uint64_t length) {
    output->source = *source;
    output->source_left = length;
    if (length == 0)
        source_close(output);
}

void tow_output_clear(tow_output *output) {
    source_close(output);
    tow_buffer_clear(&output->unsent);
    tow_buffer_clear(&output->pending);
    output->unsent_taken = 0;
    output->pending_taken = 0;
}

tow_buffer *tow_output_open(tow_output *output) {
    if (output->pending_taken > output->pending.length / 2) {
        tow_buffer_consume(&output->pending, output->pending_taken);
        output->pending_taken = 0;
    }
    return &output->pending;
}

size_t tow_output_waiting(const tow_output *output) {
    return output->unsent.length - output->unsent_taken + output->pending.length - output->pending_taken;
}

void tow_output_take_back(tow_output *output, const uint8_t *rest, size_t length) {
    if (tow_buffer_append(&output->unsent, rest, length) != 0)
        output->lost = true;
}

static void buffer_reset(tow_buffer *buffer, size_t *taken) {
    tow_buffer_empty(buffer, KEPT_CAPACITY);
    *taken = 0;
}

static void note_taken(tow_output *output, size_t taken) {
    size_t first = output->unsent.length - output->unsent_taken;
    first = taken < first ? taken : first;
    output->unsent_taken += first;
    output->pending_taken += taken - first;
    if (output->unsent_taken == output->unsent.length)
        buffer_reset(&output->unsent, &output->unsent_taken);
    if (output->pending_taken == output->pending.length)
        buffer_reset(&output->pending, &output->pending_taken);
}

/* Small answers share the cork with what the connection said before. */
static bool cork_pending(tow_output *output, tow_stream *stream) {
    uint8_t *room = tow_stream_cork(stream, output->pending.length, 0);
    if (room == NULL)
        return false;
    memcpy(room, output->pending.data, output->pending.length);
    note_taken(output, output->pending.length);
    return true;
}

/* What of a buffer goes into a write that has room for so much. */
static struct iovec part_of(const tow_buffer *buffer, size_t taken, size_t room) {
    size_t left = buffer->length - taken;
    return (struct iovec){.iov_base = buffer->data + taken, .iov_len = left < room ? left : room};
}

static ssize_t write_waiting(tow_output *output, tow_stream *stream) {
    struct iovec pieces[2];
    size_t room = PIECE;
    int count = 0;
    if (output->unsent.length > 0) {
        pieces[count] = part_of(&output->unsent, output->unsent_taken, room);
        room -= pieces[count++].iov_len;
    }
    if (output->pending.length > 0 && room > 0)
        pieces[count++] = part_of(&output->pending, output->pending_taken, room);
    return tow_stream_write(stream, pieces, count);
}

static bool has_bytes(const tow_output *output) {
    return output->unsent.length + output->pending.length > 0;
}

/* Gives the stream a piece of what is in memory. DONE: it took something. */
static tow_output_result push(tow_output *output, tow_stream *stream, bool *moved) {
    if (tow_stream_is_blocked(stream))
        return TOW_OUTPUT_BLOCKED;
    bool small =
        output->unsent.length == 0 && output->pending_taken == 0 && output->pending.length <= CORKED_MAX;
    if (small && !cork_pending(output, stream))
        return tow_stream_is_blocked(stream) ? TOW_OUTPUT_BLOCKED : TOW_OUTPUT_FAILED;
    if (!small) {
        ssize_t taken = write_waiting(output, stream);
        if (taken <= 0)
            return taken == 0 ? TOW_OUTPUT_BLOCKED : TOW_OUTPUT_FAILED;
        note_taken(output, (size_t)taken);
    }
    *moved = true;
    return TOW_OUTPUT_DONE;
}

/* Reads the next piece from the source behind what is pending. */
static tow_output_result pull(tow_output *output) {
    size_t wanted = output->source_left < PIECE ? (size_t)output->source_left : PIECE;
    if (tow_buffer_reserve(&output->pending, wanted) != 0)
        return TOW_OUTPUT_FAILED;
    uint8_t *end = output->pending.data + output->pending.length;
    int64_t got = output->source.read(output->source.user, end, wanted);
    if (got <= 0 || (uint64_t)got > wanted)
        return TOW_OUTPUT_BROKEN;
    output->pending.length += (size_t)got;
    output->source_left -= (uint64_t)got;
    if (output->source_left == 0)
        source_close(output);
    return TOW_OUTPUT_DONE;
}

static bool wants_piece(const tow_output *output) {
    return output->source.read != NULL && output->pending_taken == 0 && output->unsent.length == 0 &&
           output->pending.length < PIECE;
}

tow_output_result tow_output_pump(tow_output *output, tow_stream *stream, int *pieces, bool *moved) {
    *moved = false;
    do {
        tow_output_result result = wants_piece(output) ? pull(output) : TOW_OUTPUT_DONE;
        if (output->lost)
            return TOW_OUTPUT_FAILED;
        if (result == TOW_OUTPUT_DONE && has_bytes(output))
            result = push(output, stream, moved);
        if (result != TOW_OUTPUT_DONE || tow_output_is_idle(output))
            return result;
    } while (--*pieces > 0);
    return TOW_OUTPUT_PAUSED;
}
