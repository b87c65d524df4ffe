#include "deflate_sample.h"

#include <assert.h>

static uint32_t next(uint32_t *seed) {
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void fill_text(uint8_t *out, size_t length, uint32_t seed) {
    static const char *const words[] = {"{\"id\":", "\"user\":\"alice\",", "\"bob\"", "},", "price",
        "channel", " the ", "of", "message", ": ", "1", "23", "456", "\n", "websocket", "\xc3\xa4"};
    const char *word = "";
    for (size_t i = 0; i < length; i++) {
        if (*word == '\0')
            word = words[next(&seed) % (sizeof(words) / sizeof(words[0]))];
        out[i] = (uint8_t)*word++;
    }
}

static void fill_repeats(uint8_t *out, size_t length, uint32_t seed) {
    for (size_t done = 0; done < length;) {
        size_t size = 3 + next(&seed) % 30;
        size = size < length - done ? size : length - done;
        size_t scale = (size_t)1 << next(&seed) % 17;
        size_t distance = 1 + next(&seed) % scale;
        for (size_t end = done + size; done < end; done++)
            out[done] =
                (uint8_t)(distance <= done && next(&seed) % 64 != 0 ? out[done - distance] : next(&seed));
    }
}

void sample_fill(uint8_t *out, size_t length, sample_kind kind, uint32_t seed) {
    if (kind == SAMPLE_TEXT) {
        fill_text(out, length, seed);
    } else if (kind == SAMPLE_REPEATS) {
        fill_repeats(out, length, seed);
    } else {
        for (size_t i = 0; i < length; i++)
            out[i] = kind == SAMPLE_ZEROS ? 0 : (uint8_t)next(&seed);
    }
}

/* Lowest bit first, as all but codes are written. */
static void put(sample_writer *writer, unsigned value, unsigned bits) {
    for (unsigned i = 0; i < bits; i++, writer->bit++) {
        assert(writer->bit / 8 < sizeof(writer->bytes));
        writer->bytes[writer->bit / 8] |= (uint8_t)((value >> i & 1u) << writer->bit % 8);
    }
}

static void put_code(sample_writer *writer, unsigned code, unsigned bits) {
    while (bits-- > 0)
        put(writer, code >> bits & 1u, 1);
}

void sample_block_begin(sample_writer *writer, int final) {
    put(writer, final != 0, 1);
    put(writer, 1, 2);
}

void sample_literal(sample_writer *writer, uint8_t literal) {
    if (literal < 144)
        put_code(writer, 0x30u + literal, 8);
    else
        put_code(writer, 0x190u + literal - 144u, 9);
}

void sample_match(sample_writer *writer, unsigned distance) {
    put_code(writer, 1, 7); /* symbol 257: length 3 */
    unsigned symbol = distance - 1;
    unsigned extra = 0;
    unsigned rest = distance - 1;
    while (rest >> extra > 3)
        extra++;
    if (extra > 0)
        symbol = 2 * extra + (rest >> extra);
    put_code(writer, symbol, 5);
    put(writer, rest & ((1u << extra) - 1), extra);
}

void sample_block_end(sample_writer *writer) {
    put_code(writer, 0, 7);
}

void sample_stored_begin(sample_writer *writer, int final) {
    put(writer, final != 0, 3);
    writer->bit = (writer->bit + 7) / 8 * 8;
}

void sample_byte(sample_writer *writer, uint8_t byte) {
    put(writer, byte, 8);
}

size_t sample_length(const sample_writer *writer) {
    return (writer->bit + 7) / 8;
}
