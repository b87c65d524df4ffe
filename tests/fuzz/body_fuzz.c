/* A chunked body read whole, cut, and by a second decoder that works on whole lines: all three must find the
 * same data. */
#include "base/buffer.h"
#include "fuzz.h"
#include "http/body.h"

/* Reads the body in pieces of `step` bytes. */
static int read_body(const char *bytes, size_t length, size_t step, tow_buffer *out, size_t *taken) {
    tow_http_head head = {.body = TOW_BODY_CHUNKED};
    tow_body_reader reader;
    tow_body_reader_init(&reader, &head);
    int result = 0;
    *taken = 0;
    while (result == 0 && *taken < length) {
        const char *at = bytes + *taken;
        size_t piece_length = length - *taken < step ? length - *taken : step;
        tow_slice piece;
        while ((result = tow_body_next(&reader, &at, &piece_length, &piece)) == 1) {
            CHECK(piece.length > 0);
            CHECK(tow_buffer_append(out, piece.data, piece.length) == 0);
        }
        CHECK(result != 0 || piece_length == 0);
        *taken = (size_t)(at - bytes);
    }
    return result;
}

/* Checks a whole, right body against its data. */
static void check_by_simple_decoder(const char *bytes, const char *end, const tow_buffer *data) {
    size_t seen = 0;
    for (;;) {
        char *digits_end;
        size_t size = strtoull(bytes, &digits_end, 16);
        CHECK(digits_end > bytes);
        const char *line_end = memmem(bytes, (size_t)(end - bytes), "\r\n", 2);
        CHECK(line_end != NULL);
        bytes = line_end + 2;
        if (size == 0)
            break;
        CHECK(size <= (size_t)(end - bytes) && seen + size <= data->length);
        CHECK(memcmp(bytes, data->data + seen, size) == 0);
        seen += size;
        bytes += size;
        CHECK(memcmp(bytes, "\r\n", 2) == 0);
        bytes += 2;
    }
    CHECK(seen == data->length);
    const char *stop = memmem(bytes - 2, (size_t)(end - bytes) + 2, "\r\n\r\n", 4);
    CHECK(stop != NULL && stop + 4 == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *bytes = malloc(size + 1); /* ends with a zero for strtoull */
    CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    tow_buffer whole = {0};
    tow_buffer cut = {0};
    size_t whole_taken;
    size_t cut_taken;
    int result = read_body(bytes, size, size, &whole, &whole_taken);
    CHECK(read_body(bytes, size, 1, &cut, &cut_taken) == result);
    CHECK(cut.length == whole.length && (cut.length == 0 || memcmp(cut.data, whole.data, cut.length) == 0));
    CHECK(cut_taken == whole_taken);
    if (result == 2)
        check_by_simple_decoder(bytes, bytes + whole_taken, &whole);
    tow_buffer_clear(&whole);
    tow_buffer_clear(&cut);
    free(bytes);
    return 0;
}
