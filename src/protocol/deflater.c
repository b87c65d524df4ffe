#include "protocol/deflate.h"

#include "zlib_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum { STEP_MAX = 1 << 30 /* zlib counts in 32 bits */, ROOM_MIN = 64, TAIL_LENGTH = 4 };

struct tow_deflater {
    z_stream stream;
    bool takeover;
};

/* zlib refuses a raw stream with 8 window bits. With 9 it never reaches back further than 512 - 262 = 250
 * bytes, as it keeps room for the longest match and the bytes after it: that fits a window of 256 bytes. */
static int zlib_window_bits(int window_bits) {
    return window_bits == 8 ? 9 : window_bits;
}

/* Measured with JSON of 300 bytes to 1 MiB: level 6 makes messages of 4 KiB and up 5 to 12 % smaller than
 * level 3, for 1.5 to 2.4 times its time; level 1 saves time only from 64 KiB up, a fifth, and makes them a
 * tenth larger. With small windows level 6 costs no more time than 3 and makes messages up to a fifth
 * smaller. */
static int compression_level(int window_bits) {
    return window_bits < 12 ? 6 : 3;
}

/* zlib's memory is 2 ^ (window bits + 2) + 2 ^ (memory level + 9) bytes. Of what a connection keeps for
 * itself, level 8 would take 128 KiB and 5 takes 16, for 0 to 10 % more time; it gains more only in messages
 * of 64 KiB and up, for which the deflater that a whole worker shares has it. Beside a small window a large
 * hash table costs more than it finds. */
static int memory_level(int window_bits, bool takeover) {
    if (window_bits < 11)
        return 4;
    return takeover || window_bits < 15 ? 5 : 8;
}

int tow_deflater_new(tow_deflater **deflater, int window_bits, bool takeover) {
    assert(window_bits >= 8 && window_bits <= 15);
    tow_deflater *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->takeover = takeover;
    tow_zlib_memory_use(&made->stream);
    int error = deflateInit2(&made->stream, compression_level(window_bits), Z_DEFLATED,
        -zlib_window_bits(window_bits), memory_level(window_bits, takeover), Z_DEFAULT_STRATEGY);
    if (error != Z_OK) {
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

/* Runs zlib until it has taken all input and written all output. zlib repeats a flush that just filled the
 * room: that is five bytes more, and as valid. */
static int deflate_input(z_stream *stream, int flush, tow_buffer *out) {
    do {
        int error = tow_buffer_reserve(out, stream->avail_in / 4 + ROOM_MIN);
        if (error != 0)
            return error;
        size_t room = out->capacity - out->length;
        room = room < STEP_MAX ? room : STEP_MAX;
        stream->next_out = out->data + out->length;
        stream->avail_out = (uInt)room;
        deflate(stream, flush);
        out->length += room - stream->avail_out;
    } while (stream->avail_out == 0);
    return 0;
}

/* libdeflate would take a tenth (1 KiB) to a half (64 KiB) less time, but it ends every message with a
 * final block, and there are peers that take that for an error in spite of RFC 7692, section 7.2.1. */
int tow_deflater_message(tow_deflater *deflater, const void *data, size_t length, tow_buffer *out) {
    if (length ==
        0) /* RFC 7692, section 7.2.3.6; zlib says nothing when it is flushed again with nothing new */
        return tow_buffer_append(out, "", 1);
    z_stream *stream = &deflater->stream;
    if (!deflater->takeover)
        deflateReset(stream);
    const uint8_t *bytes = data;
    while (length > 0) {
        size_t step = length < STEP_MAX ? length : STEP_MAX;
        stream->next_in = bytes;
        stream->avail_in = (uInt)step;
        bytes += step;
        length -= step;
        int error = deflate_input(stream, length > 0 ? Z_NO_FLUSH : Z_SYNC_FLUSH, out);
        if (error != 0)
            return error;
    }
    out->length -= TAIL_LENGTH; /* section 7.2.1: 00 00 FF FF */
    return 0;
}
