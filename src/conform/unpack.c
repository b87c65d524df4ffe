#include "unpack.h"

#include <string.h>

enum { CODE_BITS_MAX = 15, LITERALS = 288, DISTANCES = 30, LENGTH_CODES = 19, BLOCK_END = 256 };

struct reader {
    const uint8_t *data;
    size_t length;
    size_t at; /* in bits */
    size_t window;
    tow_buffer *out;
    const char *why;
};

static bool refuse(struct reader *reader, const char *why) {
    reader->why = why;
    return false;
}

/* RFC 1951, section 3.1.1: bits are packed from the least significant one on. Negative at the end. */
static int take_bit(struct reader *reader) {
    if (reader->at / 8 == reader->length)
        return -1;
    int bit = reader->data[reader->at / 8] >> reader->at % 8 & 1;
    reader->at++;
    return bit;
}

static bool take_bits(struct reader *reader, int count, unsigned *value) {
    *value = 0;
    for (int i = 0; i < count; i++) {
        int bit = take_bit(reader);
        if (bit < 0)
            return refuse(reader, "the compressed data ends inside a block");
        *value |= (unsigned)bit << i;
    }
    return true;
}

/* Prefix codes (RFC 1951, section 3.2.2). */

/* How many codes there are of each length, and their symbols, by length and then by value. */
struct code {
    uint16_t counts[CODE_BITS_MAX + 1];
    uint16_t symbols[LITERALS];
};

/* False when the lengths claim more codes than there are; a code that has gaps is a fault only where one is
 * used. */
static bool build_code(struct code *code, const uint8_t *lengths, size_t symbols) {
    uint16_t starts[CODE_BITS_MAX + 1] = {0};
    int left = 1;
    memset(code->counts, 0, sizeof(code->counts));
    for (size_t i = 0; i < symbols; i++)
        code->counts[lengths[i]]++;
    code->counts[0] = 0;
    for (size_t bits = 1; bits <= CODE_BITS_MAX; bits++) {
        left = left * 2 - code->counts[bits];
        if (left < 0)
            return false;
        starts[bits] = (uint16_t)(starts[bits - 1] + code->counts[bits - 1]);
    }
    for (size_t i = 0; i < symbols; i++) {
        if (lengths[i] != 0)
            code->symbols[starts[lengths[i]]++] = (uint16_t)i;
    }
    return true;
}

static bool take_symbol(struct reader *reader, const struct code *code, unsigned *symbol) {
    int value = 0, first = 0, index = 0;
    for (int bits = 1; bits <= CODE_BITS_MAX; bits++) {
        int bit = take_bit(reader);
        if (bit < 0)
            return refuse(reader, "the compressed data ends inside a block");
        value |= bit;
        if (value - first < code->counts[bits])
            return *symbol = code->symbols[index + value - first], true;
        index += code->counts[bits];
        first = (first + code->counts[bits]) * 2;
        value *= 2;
    }
    return refuse(reader, "a prefix code that stands for nothing");
}

/* Blocks. */

static bool put(struct reader *reader, const void *bytes, size_t length) {
    if (length > UNPACKED_MAX - reader->out->length || tow_buffer_append(reader->out, bytes, length) != 0)
        return refuse(reader, "more than the judge can hold");
    return true;
}

/* Copies byte by byte, as the copy may overlap itself (RFC 1951, section 3.2.3). */
static bool copy_back(struct reader *reader, size_t distance, size_t length) {
    tow_buffer *out = reader->out;
    if (distance > reader->window)
        return refuse(reader, "a reference that reaches back beyond the agreed window");
    if (distance > out->length)
        return refuse(reader, "a reference to before the first byte");
    if (length > UNPACKED_MAX - out->length || tow_buffer_reserve(out, length) != 0)
        return refuse(reader, "more than the judge can hold");
    for (size_t i = 0; i < length; i++, out->length++)
        out->data[out->length] = out->data[out->length - distance];
    return true;
}

/* RFC 1951, section 3.2.5 */
static bool take_length(struct reader *reader, unsigned symbol, unsigned *length) {
    static const uint16_t bases[] = {3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
        67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t extra[] = {
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    unsigned more, at = symbol - 257;
    if (at >= sizeof(extra))
        return refuse(reader, "a length code that does not exist");
    if (!take_bits(reader, extra[at], &more))
        return false;
    *length = bases[at] + more;
    return true;
}

static bool take_distance(struct reader *reader, const struct code *code, unsigned *distance) {
    static const uint16_t bases[DISTANCES] = {1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257,
        385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    unsigned more, symbol;
    if (!take_symbol(reader, code, &symbol))
        return false;
    if (symbol >= DISTANCES)
        return refuse(reader, "a distance code that does not exist");
    if (!take_bits(reader, symbol < 4 ? 0 : (int)symbol / 2 - 1, &more))
        return false;
    *distance = bases[symbol] + more;
    return true;
}

static bool read_symbols(struct reader *reader, const struct code *literals, const struct code *distances) {
    unsigned symbol, length, distance;
    for (;;) {
        if (!take_symbol(reader, literals, &symbol))
            return false;
        if (symbol == BLOCK_END)
            return true;
        if (symbol < BLOCK_END) {
            if (!put(reader, &(uint8_t){(uint8_t)symbol}, 1))
                return false;
        } else if (!take_length(reader, symbol, &length) || !take_distance(reader, distances, &distance) ||
                   !copy_back(reader, distance, length)) {
            return false;
        }
    }
}

/* RFC 1951, section 3.2.4 */
static bool read_stored(struct reader *reader) {
    size_t at = (reader->at + 7) / 8;
    if (reader->length - at < 4)
        return refuse(reader, "the compressed data ends inside a block");
    size_t size = reader->data[at] | (size_t)reader->data[at + 1] << 8;
    size_t check = reader->data[at + 2] | (size_t)reader->data[at + 3] << 8;
    if ((size ^ check) != 0xffff)
        return refuse(reader, "a stored block whose length contradicts itself");
    if (reader->length - at - 4 < size)
        return refuse(reader, "the compressed data ends inside a block");
    reader->at = (at + 4 + size) * 8;
    return put(reader, reader->data + at + 4, size);
}

/* RFC 1951, section 3.2.6 */
static bool read_fixed(struct reader *reader) {
    struct code literals, distances;
    uint8_t lengths[LITERALS];
    memset(lengths, 8, 144);
    memset(lengths + 144, 9, 112);
    memset(lengths + 256, 7, 24);
    memset(lengths + 280, 8, 8);
    build_code(&literals, lengths, LITERALS);
    memset(lengths, 5, 32);
    build_code(&distances, lengths, 32);
    return read_symbols(reader, &literals, &distances);
}

/* One run of code lengths: a length, or how often one is repeated. */
static bool take_run(struct reader *reader, const struct code *code, uint8_t *lengths, size_t *count) {
    unsigned symbol, times;
    if (!take_symbol(reader, code, &symbol))
        return false;
    if (symbol < 16)
        return lengths[(*count)++] = (uint8_t)symbol, true;
    if (symbol == 16 && *count == 0)
        return refuse(reader, "a repetition of no length");
    if (!take_bits(reader, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, &times))
        return false;
    uint8_t repeated = symbol == 16 ? lengths[*count - 1] : 0;
    for (times += symbol == 18 ? 11 : 3; times > 0; times--)
        lengths[(*count)++] = repeated;
    return true;
}

/* The code of the code lengths, which come in an order of their own. */
static bool take_length_code(struct reader *reader, unsigned count, struct code *code) {
    static const uint8_t order[LENGTH_CODES] = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LENGTH_CODES] = {0};
    for (unsigned i = 0; i < count; i++) {
        unsigned length;
        if (!take_bits(reader, 3, &length))
            return false;
        lengths[order[i]] = (uint8_t)length;
    }
    return build_code(code, lengths, LENGTH_CODES) || refuse(reader, "a code with too many symbols");
}

/* RFC 1951, section 3.2.7 */
static bool read_dynamic(struct reader *reader) {
    enum { RUN_MAX = 138 };
    struct code code, literals, distances;
    uint8_t lengths[LITERALS + 32 + RUN_MAX] = {0};
    unsigned literal_count, distance_count, code_count;
    size_t count = 0;
    if (!take_bits(reader, 5, &literal_count) || !take_bits(reader, 5, &distance_count) ||
        !take_bits(reader, 4, &code_count) || !take_length_code(reader, code_count + 4, &code))
        return false;
    literal_count += 257;
    distance_count += 1;
    if (literal_count > 286)
        return refuse(reader, "too many literal codes");
    while (count < literal_count + distance_count) {
        if (!take_run(reader, &code, lengths, &count))
            return false;
    }
    if (count > literal_count + distance_count)
        return refuse(reader, "more code lengths than codes");
    if (!build_code(&literals, lengths, literal_count) ||
        !build_code(&distances, lengths + literal_count, distance_count))
        return refuse(reader, "a code with too many symbols");
    return read_symbols(reader, &literals, &distances);
}

static bool read_block(struct reader *reader) {
    unsigned final, type;
    if (!take_bits(reader, 1, &final) || !take_bits(reader, 2, &type))
        return false;
    bool right = type == 0   ? read_stored(reader)
                 : type == 1 ? read_fixed(reader)
                 : type == 2 ? read_dynamic(reader)
                             : refuse(reader, "a block of a type that does not exist");
    if (final)
        reader->at = (reader->at + 7) / 8 * 8;
    return right;
}

bool tow_conform_unpack(
    const uint8_t *data, size_t length, size_t window, tow_buffer *out, const char **why) {
    struct reader reader = {.data = data, .length = length, .window = window, .out = out};
    bool right = true;
    while (right && reader.at < length * 8)
        right = read_block(&reader);
    *why = reader.why;
    return right;
}
