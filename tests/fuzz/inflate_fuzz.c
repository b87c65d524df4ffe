/* The payload of a compressed message, inflated whole, in pieces and by parts: the output is bounded, and
 * both find the same. Then the same bytes compressed and inflated. The first byte chooses window bits and
 * takeover, the second the size of pieces. */
#include "fuzz.h"
#include "protocol/deflate.h"

#include <string.h>
#include <towline/error.h>

enum { LIMIT = 100000 };

/* Twice, so that with takeover the second message has a context. Returns the last result. */
static int inflate_message(
    tow_inflater *inflater, const uint8_t *data, size_t size, size_t piece, tow_buffer *out) {
    int error = 0;
    size_t done = 0;
    out->length = 0;
    do {
        size_t length = piece < size - done ? piece : size - done;
        uint8_t *copy = malloc(length + 1); /* its end is where the sanitizer looks */
        CHECK(copy != NULL);
        memcpy(copy + 1, data + done, length);
        done += length;
        const uint8_t *rest = copy + 1;
        error = tow_inflater_piece(inflater, &rest, &length, done == size, LIMIT + 1, out);
        free(copy);
        CHECK(error == 1 || error == 0 || error == TOW_ERROR_COMPRESSED_DATA);
        CHECK(error != 0 || length == 0);
        CHECK(out->length <= LIMIT + 1 && out->capacity <= LIMIT + 1);
        if (error == 1)
            error = TOW_ERROR_MESSAGE_TOO_LARGE;
    } while (error == 0 && done < size);
    if (error != 0)
        tow_inflater_reset(inflater);
    return error;
}

/* The same by parts of `most` bytes of output, and not further either: what is wrong behind the limit is not
 * seen. */
static int inflate_parts(
    tow_inflater *inflater, const uint8_t *data, size_t size, size_t most, tow_buffer *out) {
    tow_buffer part = {0};
    int more;
    out->length = 0;
    do {
        size_t left = LIMIT + 1 - out->length;
        size_t room = most < left ? most : left;
        part.length = 0;
        more = tow_inflater_piece(inflater, &data, &size, true, room, &part);
        CHECK(part.length <= room && part.capacity <= most);
        CHECK(more != 1 || part.length == room);
        CHECK(more != 0 || size == 0);
        if (more >= 0 && out->length + part.length > LIMIT)
            more = TOW_ERROR_MESSAGE_TOO_LARGE;
        CHECK(more < 0 || tow_buffer_append(out, part.data, part.length) == 0);
    } while (more == 1);
    tow_buffer_clear(&part);
    if (more < 0)
        tow_inflater_reset(inflater);
    return more;
}

static void check_parts(bool takeover, const uint8_t *data, size_t size, size_t room) {
    tow_inflater *one;
    tow_inflater *other;
    tow_buffer whole = {0};
    tow_buffer parts = {0};
    CHECK(tow_inflater_new(&one, 15, takeover) == 0);
    CHECK(tow_inflater_new(&other, 15, takeover) == 0);
    for (int i = 0; i < 2; i++) {
        int first = inflate_message(one, data, size, size, &whole);
        int second = inflate_parts(other, data, size, room, &parts);
        if (takeover) /* else libdeflate is less strict */
            CHECK(first == second);
        if (first == 0 && second == 0)
            CHECK(whole.length == parts.length &&
                  (parts.length == 0 || memcmp(whole.data, parts.data, parts.length) == 0));
        if (first != second)
            break;
    }
    tow_buffer_clear(&whole);
    tow_buffer_clear(&parts);
    tow_inflater_free(one);
    tow_inflater_free(other);
}

static void check_garbage(int window_bits, bool takeover, const uint8_t *data, size_t size, size_t piece) {
    tow_inflater *one;
    tow_inflater *other;
    tow_buffer whole = {0};
    tow_buffer cut = {0};
    CHECK(tow_inflater_new(&one, window_bits, takeover) == 0);
    CHECK(tow_inflater_new(&other, window_bits, takeover) == 0);
    for (int i = 0; i < 2; i++) {
        int first = inflate_message(one, data, size, size, &whole);
        int second = inflate_message(other, data, size, piece, &cut);
        if (first == 0 && second == 0)
            CHECK(whole.length == cut.length &&
                  (cut.length == 0 || memcmp(whole.data, cut.data, cut.length) == 0));
        /* Not so for small windows, where zlib may allow a reference in one call that it refuses in two, and
         * not between libdeflate and zlib, which is stricter about codes that are never used. */
        if (window_bits == 15 && takeover)
            CHECK(first == second);
        if (first != second)
            break;
    }
    tow_buffer_clear(&whole);
    tow_buffer_clear(&cut);
    tow_inflater_free(one);
    tow_inflater_free(other);
}

static void check_round_trip(int window_bits, bool takeover, const uint8_t *data, size_t size, size_t piece) {
    tow_inflater *inflater;
    tow_deflater *deflater;
    tow_buffer message = {0};
    tow_buffer back = {0};
    CHECK(tow_inflater_new(&inflater, window_bits, takeover) == 0);
    CHECK(tow_deflater_new(&deflater, window_bits, takeover) == 0);
    for (int i = 0; i < 2; i++) {
        message.length = 0;
        CHECK(tow_deflater_message(deflater, data, size, &message) == 0);
        CHECK(inflate_message(inflater, message.data, message.length, piece, &back) == 0);
        CHECK(back.length == size && (size == 0 || memcmp(back.data, data, size) == 0));
    }
    tow_buffer_clear(&message);
    tow_buffer_clear(&back);
    tow_deflater_free(deflater);
    tow_inflater_free(inflater);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > LIMIT)
        return 0;
    int window_bits = 8 + data[0] % 8;
    bool takeover = data[0] & 8;
    size_t piece = 1 + data[1];
    check_garbage(window_bits, takeover, data + 2, size - 2, piece);
    check_parts(takeover, data + 2, size - 2, piece < 256 ? piece : 256);
    if (data[0] & 16)
        check_round_trip(window_bits, takeover, data + 2, size - 2, piece);
    return 0;
}
