#include "inflate_whole.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* Text of the usual kind shrinks to a seventh: mostly the first guess is enough. */
enum { TAIL_LENGTH = 9, GUESS = 8, GROWTH = 4 };

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* libdeflate can't go on where it ran out of room: it begins again with four times as much, which costs a
 * third more at worst. */
static int inflate_into(struct libdeflate_decompressor *decompressor, const uint8_t *input, size_t length,
    size_t limit, tow_buffer *out) {
    size_t left = limit - out->length;
    size_t room = smaller(left, length * GUESS);
    for (;;) {
        int error = tow_buffer_reserve_exactly(out, room);
        if (error != 0)
            return error;
        room = smaller(left, out->capacity - out->length);
        size_t taken;
        size_t made;
        enum libdeflate_result result = libdeflate_deflate_decompress_ex(
            decompressor, input, length, out->data + out->length, room, &taken, &made);
        if (result == LIBDEFLATE_SUCCESS && taken == length) {
            out->length += made;
            return 1;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return 0;
        if (room == left)
            return 0;
        room = smaller(left, room * GROWTH);
    }
}

int tow_inflate_whole(struct libdeflate_decompressor *decompressor, const uint8_t *data, size_t length,
    size_t limit, tow_buffer *out) {
    /* What the sender took away (RFC 7692, section 7.2.2), and an empty final block, as libdeflate wants an
     * end. A message with a final block of its own ends before this one. */
    static const uint8_t tail[TAIL_LENGTH] = {0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff};
    if (length > SIZE_MAX / GUESS / 2)
        return 0;
    uint8_t *input = malloc(length + TAIL_LENGTH);
    if (input == NULL)
        return TOW_ERROR_MEMORY;
    memcpy(input, data, length);
    memcpy(input + length, tail, TAIL_LENGTH);
    int result = inflate_into(decompressor, input, length + TAIL_LENGTH, limit, out);
    free(input);
    return result;
}
