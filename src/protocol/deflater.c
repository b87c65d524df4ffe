#include "protocol/deflate.h"

#include "zlib_memory.h"

#include <stdlib.h>
#include <towline/error.h>

enum { LEVEL = 6, MEMORY_LEVEL = 8, ZLIB_BITS_MIN = 9, TAIL_LENGTH = 4, INPUT_MAX = 1 << 30 };

struct tow_deflater {
    z_stream stream;
    bool takeover;
};

/* zlib refuses a raw stream with 8 window bits. With 9 it never reaches back further than 512 - 262 = 250
 * bytes, as it keeps room for the longest match and the next lookahead: that fits the window of 256 bytes. */
static int zlib_bits(int window_bits) {
    return window_bits < ZLIB_BITS_MIN ? ZLIB_BITS_MIN : window_bits;
}

int tow_deflater_new(tow_deflater **deflater, int window_bits, bool takeover) {
    tow_deflater *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->takeover = takeover;
    tow_zlib_memory_use(&made->stream);
    if (deflateInit2(&made->stream, LEVEL, Z_DEFLATED, -zlib_bits(window_bits), MEMORY_LEVEL,
            Z_DEFAULT_STRATEGY) != Z_OK) {
        free(made);
        return TOW_ERROR_MEMORY;
    }
    *deflater = made;
    return 0;
}

void tow_deflater_free(tow_deflater *deflater) {
    if (deflater == NULL)
        return;
    deflateEnd(&deflater->stream);
    free(deflater);
}

/* Runs zlib until it has taken all input and written all output. zlib would repeat a flush that just filled
 * the output: at most five bytes more, and as valid. */
static int deflate_all(z_stream *stream, int flush, tow_buffer *out) {
    do {
        int error = tow_buffer_reserve(out, deflateBound(stream, stream->avail_in) / 4 + 64);
        if (error != 0)
            return error;
        size_t room = out->capacity - out->length;
        stream->next_out = out->data + out->length;
        stream->avail_out = room < INPUT_MAX ? (uInt)room : INPUT_MAX;
        uInt before = stream->avail_out;
        deflate(stream, flush);
        out->length += before - stream->avail_out;
    } while (stream->avail_out == 0);
    return 0;
}

int tow_deflater_message(tow_deflater *deflater, const void *data, size_t length, tow_buffer *out) {
    if (length == 0) /* RFC 7692, section 7.2.3.6; zlib says nothing when it is flushed twice */
        return tow_buffer_append(out, "", 1);
    z_stream *stream = &deflater->stream;
    if (!deflater->takeover)
        deflateReset(stream);
    const uint8_t *bytes = data;
    while (length > 0) {
        size_t take = length < INPUT_MAX ? length : INPUT_MAX;
        stream->next_in = bytes;
        stream->avail_in = (uInt)take;
        bytes += take;
        length -= take;
        int error = deflate_all(stream, length > 0 ? Z_NO_FLUSH : Z_SYNC_FLUSH, out);
        if (error != 0)
            return error;
    }
    out->length -= TAIL_LENGTH; /* section 7.2.1: 00 00 FF FF */
    return 0;
}
