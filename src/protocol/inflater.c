#include "protocol/deflate.h"

#include "zlib_memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <towline/error.h>

enum {
    STEP_MAX = 1 << 30, /* zlib counts in 32 bits */
    OUTPUT_MIN = 512,
    TAIL_LENGTH = 4,
    AT_BLOCK_BORDER = 128 /* z_stream.data_type: between two blocks, with no bit left over */
};

struct tow_inflater {
    z_stream stream;
    bool takeover;
};

int tow_inflater_new(tow_inflater **inflater, int window_bits, bool takeover) {
    tow_inflater *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->takeover = takeover;
    tow_zlib_memory_use(&made->stream);
    if (inflateInit2(&made->stream, -window_bits) != Z_OK) {
        free(made);
        return TOW_ERROR_MEMORY;
    }
    *inflater = made;
    return 0;
}

void tow_inflater_free(tow_inflater *inflater) {
    if (inflater == NULL)
        return;
    inflateEnd(&inflater->stream);
    free(inflater);
}

void tow_inflater_reset(tow_inflater *inflater) {
    inflateReset(&inflater->stream);
}

/* A block with BFINAL set ended a DEFLATE stream, not the message (RFC 7692, section 7.2.1): go on with the
 * next stream, which may refer to what came before. Takes no time that depends on the window: a message may
 * have many of these. */
static int next_stream(z_stream *stream) {
    if (inflateResetKeep(stream) != Z_OK)
        return TOW_ERROR_COMPRESSED_DATA;
    stream->data_type = AT_BLOCK_BORDER;
    return 0;
}

/* One call of zlib. */
static int inflate_step(z_stream *stream) {
    switch (inflate(stream, Z_SYNC_FLUSH)) {
    case Z_OK:
    case Z_BUF_ERROR: /* it could do nothing: input or output is used up */
        return 0;
    case Z_STREAM_END:
        return next_stream(stream);
    case Z_MEM_ERROR:
        return TOW_ERROR_MEMORY;
    default:
        return TOW_ERROR_COMPRESSED_DATA;
    }
}

/* At the limit: what remains of the message may hold no byte more. */
static int inflate_at_limit(z_stream *stream) {
    uint8_t beyond;
    stream->next_out = &beyond;
    stream->avail_out = 1;
    int error = inflate_step(stream);
    return stream->avail_out == 0 ? TOW_ERROR_MESSAGE_TOO_LARGE : error;
}

/* Inflates into the room that `out` has, which is made larger by doubling it, but not beyond the limit. */
static int inflate_below_limit(z_stream *stream, size_t limit, tow_buffer *out) {
    size_t left = limit - out->length;
    size_t more = out->length < OUTPUT_MIN ? OUTPUT_MIN : out->length;
    if (out->capacity == out->length) {
        int error = tow_buffer_reserve(out, more < left ? more : left);
        if (error != 0)
            return error;
    }
    size_t room = out->capacity - out->length;
    room = room < left ? room : left;
    room = room < STEP_MAX ? room : STEP_MAX;
    stream->next_out = out->data + out->length;
    stream->avail_out = (uInt)room;
    int error = inflate_step(stream);
    out->length += room - stream->avail_out;
    return error;
}

/* Ends when zlib has taken all input and has nothing more to write. */
static int inflate_input(z_stream *stream, size_t limit, tow_buffer *out) {
    do {
        int error = out->length < limit ? inflate_below_limit(stream, limit, out) : inflate_at_limit(stream);
        if (error != 0)
            return error;
    } while (stream->avail_in > 0 || stream->avail_out == 0);
    return 0;
}

static int inflate_bytes(
    z_stream *stream, const uint8_t *data, size_t length, size_t limit, tow_buffer *out) {
    int error = 0;
    while (length > 0 && error == 0) {
        size_t take = length < STEP_MAX ? length : STEP_MAX;
        stream->next_in = data;
        stream->avail_in = (uInt)take;
        error = inflate_input(stream, limit, out);
        data += take;
        length -= take;
    }
    return error;
}

/* RFC 7692, section 7.2.2: the four bytes that the sender took away complete the last block. */
static int inflate_tail(z_stream *stream, size_t limit, tow_buffer *out) {
    static const uint8_t tail[TAIL_LENGTH] = {0x00, 0x00, 0xff, 0xff};
    int error = inflate_bytes(stream, tail, TAIL_LENGTH, limit, out);
    if (error == 0 && stream->data_type != AT_BLOCK_BORDER)
        error = TOW_ERROR_COMPRESSED_DATA;
    return error;
}

int tow_inflater_piece(
    tow_inflater *inflater, const uint8_t *data, size_t length, bool last, size_t limit, tow_buffer *out) {
    int error = inflate_bytes(&inflater->stream, data, length, limit, out);
    if (error == 0 && last)
        error = inflate_tail(&inflater->stream, limit, out);
    if (!inflater->takeover && (last || error != 0))
        tow_inflater_reset(inflater);
    return error;
}
