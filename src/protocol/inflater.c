#include "protocol/deflate.h"

#include "inflate_whole.h"
#include "zlib_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum {
    STEP_MAX = 1 << 30, /* zlib counts in 32 bits */
    OUTPUT_MIN = 512,
    GUESS = 4, /* how many bytes a compressed byte stands for, at first */
    TAIL_LENGTH = 4,
    WHOLE_MIN = 512,      /* bytes: below, libdeflate gains nothing over zlib */
    AT_BLOCK_BORDER = 128 /* z_stream.data_type: between two blocks, with no bit left over */
};

struct tow_inflater {
    z_stream stream;
    struct libdeflate_decompressor *whole; /* only without takeover and with the full window */
    size_t step;                           /* bytes: the most that one call of zlib may write */
    size_t tail_used;                      /* of the tail that ends a message, by tow_inflater_part */
    bool takeover;
    bool in_message;
};

int tow_inflater_new(tow_inflater **inflater, int window_bits, bool takeover) {
    assert(window_bits >= 8 && window_bits <= 15);
    tow_inflater *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->step = window_bits == 15 ? STEP_MAX : (size_t)1 << window_bits;
    made->takeover = takeover;
    tow_zlib_memory_use(&made->stream);
    if (inflateInit2(&made->stream, -window_bits) != Z_OK) {
        free(made);
        return TOW_ERROR_MEMORY;
    }
    bool whole = !takeover && window_bits == 15;
    if (whole)
        made->whole = libdeflate_alloc_decompressor();
    if (whole && made->whole == NULL) {
        tow_inflater_free(made);
        return TOW_ERROR_MEMORY;
    }
    *inflater = made;
    return 0;
}

void tow_inflater_free(tow_inflater *inflater) {
    if (inflater == NULL)
        return;
    if (inflater->whole != NULL)
        libdeflate_free_decompressor(inflater->whole);
    inflateEnd(&inflater->stream);
    free(inflater);
}

void tow_inflater_reset(tow_inflater *inflater) {
    inflateReset(&inflater->stream);
    inflater->in_message = false;
    inflater->tail_used = 0;
}

/* A block with BFINAL set ended a DEFLATE stream, not the message (RFC 7692, section 7.2.1): go on with the
 * next stream, which may refer to what came before. Takes no time that depends on the window: a message may
 * have many of these. */
static void next_stream(z_stream *stream) {
    inflateResetKeep(stream);
    stream->data_type = AT_BLOCK_BORDER;
}

/* One call of zlib. */
static int inflate_step(z_stream *stream) {
    int before = stream->data_type;
    switch (inflate(stream, Z_SYNC_FLUSH)) {
    case Z_BUF_ERROR: /* it could do nothing, as input or output is used up, and is where it was */
        stream->data_type = before;
        return 0;
    case Z_OK:
        return 0;
    case Z_STREAM_END:
        next_stream(stream);
        return 0;
    case Z_MEM_ERROR:
        return TOW_ERROR_MEMORY;
    default:
        return TOW_ERROR_COMPRESSED_DATA;
    }
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b) {
    return a < b ? b : a;
}

/* RFC 7692, section 7.2.2: the four bytes that the sender took away complete the last block. */
static const uint8_t tail[TAIL_LENGTH] = {0x00, 0x00, 0xff, 0xff};

/* One step of zlib from the front of *data into the room; advances all. With a window smaller than the
 * format's a step is of the window's size: zlib lets references reach back over the window and, besides, over
 * all that the same call has written. */
static int inflate_part(
    tow_inflater *inflater, const uint8_t **data, size_t *length, uint8_t *out, size_t room, size_t *made) {
    z_stream *stream = &inflater->stream;
    size_t input = smaller(*length, STEP_MAX);
    size_t output = smaller(room - *made, inflater->step);
    stream->next_in = *data;
    stream->avail_in = (uInt)input;
    stream->next_out = out + *made;
    stream->avail_out = (uInt)output;
    int error = inflate_step(stream);
    *data += input - stream->avail_in;
    *length -= input - stream->avail_in;
    *made += output - stream->avail_out;
    return error;
}

/* Whether zlib could go on if it had the room: it has input, or filled what it had. */
static bool may_give_more(const z_stream *stream, size_t length) {
    return length > 0 || stream->avail_out == 0;
}

static int inflate_until_full(
    tow_inflater *inflater, const uint8_t **data, size_t *length, uint8_t *out, size_t room, size_t *made) {
    int error = 0;
    do
        error = inflate_part(inflater, data, length, out, room, made);
    while (error == 0 && *made < room && may_give_more(&inflater->stream, *length));
    return error;
}

/* What the message's own bytes leave of the room is for what the tail brings out. */
static int inflate_tail_part(tow_inflater *inflater, uint8_t *out, size_t room, size_t *made) {
    const uint8_t *rest = tail + inflater->tail_used;
    size_t length = TAIL_LENGTH - inflater->tail_used;
    int error = inflate_until_full(inflater, &rest, &length, out, room, made);
    inflater->tail_used = TAIL_LENGTH - length;
    if (error != 0 || *made == room)
        return error;
    bool ends = inflater->stream.data_type == AT_BLOCK_BORDER;
    inflater->tail_used = 0;
    inflater->in_message = false;
    if (!inflater->takeover)
        tow_inflater_reset(inflater);
    return ends ? 0 : TOW_ERROR_COMPRESSED_DATA;
}

/* Inflates from the front of *data into `room` bytes at `out`, of which it uses *made: as many as there are
 * while there may be more; fewer when the data is used up and, with `last`, the message has ended. */
static int inflate_some(tow_inflater *inflater, const uint8_t **data, size_t *length, bool last, uint8_t *out,
    size_t room, size_t *made) {
    *made = 0;
    inflater->in_message = true;
    int error = inflate_until_full(inflater, data, length, out, room, made);
    if (error == 0 && last && *made < room)
        error = inflate_tail_part(inflater, out, room, made);
    return error;
}

/* Libdeflate can't go on where it has stopped: it is for what surely fits. */
static bool fits_at_once(const tow_inflater *inflater, size_t length, size_t room) {
    return inflater->whole != NULL && !inflater->in_message && length >= WHOLE_MIN && length <= room;
}

/* Room behind the end, which is at least doubled when it is used up, but not beyond the limit. */
static int make_room(tow_buffer *out, size_t input, size_t limit) {
    if (out->capacity > out->length)
        return 0;
    size_t more = larger(larger(out->length, OUTPUT_MIN), input < SIZE_MAX / GUESS ? input * GUESS : input);
    return tow_buffer_reserve_exactly(out, smaller(more, limit - out->length));
}

int tow_inflater_piece(
    tow_inflater *inflater, const uint8_t **data, size_t *length, bool last, size_t limit, tow_buffer *out) {
    assert(out->length < limit);
    if (last && fits_at_once(inflater, *length, limit - out->length)) {
        int result = tow_inflate_whole(inflater->whole, *data, *length, limit, out);
        if (result < 0)
            return result;
        if (result == 1) {
            *data += *length;
            *length = 0;
            return 0;
        }
    }
    while (out->length < limit) {
        size_t made;
        int error = make_room(out, *length, limit);
        if (error != 0)
            return error;
        size_t room = smaller(out->capacity, limit) - out->length;
        error = inflate_some(inflater, data, length, last, out->data + out->length, room, &made);
        if (error != 0)
            return error;
        out->length += made;
        if (made < room)
            return 0;
    }
    return 1;
}
