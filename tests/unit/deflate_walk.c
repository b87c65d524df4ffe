#include "deflate_walk.h"

#include <string.h>

enum { CODE_MAX = 15, SYMBOLS_MAX = 288, LITERALS = 286, DISTANCES = 30, END_OF_BLOCK = 256 };

/* A canonical Huffman code: how many codes have each length, and the symbols in order of their codes. */
typedef struct code {
    unsigned count[CODE_MAX + 1];
    unsigned symbol[SYMBOLS_MAX];
} code;

/* Beyond the end: zeros, and `bit` tells. */
static unsigned bits(deflate_walk *walk, unsigned number) {
    unsigned value = 0;
    for (unsigned i = 0; i < number; i++, walk->bit++) {
        if (walk->bit / 8 < walk->length)
            value |= ((unsigned)walk->data[walk->bit / 8] >> (walk->bit % 8) & 1u) << i;
    }
    return value;
}

static bool is_over(const deflate_walk *walk) {
    return walk->bit > walk->length * 8;
}

static void code_build(code *made, const uint8_t *lengths, unsigned symbols) {
    memset(made, 0, sizeof(*made));
    unsigned offset[CODE_MAX + 2] = {0};
    for (unsigned i = 0; i < symbols; i++)
        made->count[lengths[i]]++;
    made->count[0] = 0;
    for (unsigned length = 1; length <= CODE_MAX; length++)
        offset[length + 1] = offset[length] + made->count[length];
    for (unsigned i = 0; i < symbols; i++) {
        if (lengths[i] != 0)
            made->symbol[offset[lengths[i]]++] = i;
    }
}

/* The next symbol, or -1. */
static int symbol(deflate_walk *walk, const code *from) {
    unsigned value = 0;
    unsigned first = 0;
    unsigned index = 0;
    for (unsigned length = 1; length <= CODE_MAX; length++) {
        value |= bits(walk, 1);
        if (value - first < from->count[length])
            return (int)from->symbol[index + value - first];
        index += from->count[length];
        first = (first + from->count[length]) << 1;
        value <<= 1;
    }
    return -1;
}

static bool stored_block(deflate_walk *walk) {
    walk->bit = (walk->bit + 7) / 8 * 8;
    unsigned length = bits(walk, 16);
    unsigned complement = bits(walk, 16);
    if (is_over(walk) || (length ^ complement) != 0xffff)
        return false;
    walk->bit += (size_t)length * 8;
    walk->written += length;
    return !is_over(walk);
}

/* RFC 1951, section 3.2.5. */
static unsigned match_length(deflate_walk *walk, unsigned value) {
    if (value < 8)
        return 3 + value;
    if (value == 28)
        return 258;
    unsigned extra = (value - 4) / 4;
    return 3 + ((4 + value % 4) << extra) + bits(walk, extra);
}

static unsigned match_distance(deflate_walk *walk, unsigned value) {
    if (value < 4)
        return 1 + value;
    unsigned extra = (value - 2) / 2;
    return 1 + ((2 + value % 2) << extra) + bits(walk, extra);
}

static bool match(deflate_walk *walk, unsigned value, const code *distances) {
    unsigned length = match_length(walk, value);
    int far = symbol(walk, distances);
    if (far < 0 || far >= DISTANCES)
        return false;
    unsigned distance = match_distance(walk, (unsigned)far);
    if (distance > walk->max_distance)
        walk->max_distance = distance;
    walk->written += length;
    return true;
}

static bool tokens(deflate_walk *walk, const code *literals, const code *distances) {
    while (!is_over(walk)) {
        int value = symbol(walk, literals);
        if (value == END_OF_BLOCK)
            return !is_over(walk);
        if (value < 0 || value >= LITERALS)
            return false;
        if (value < END_OF_BLOCK)
            walk->written++;
        else if (!match(walk, (unsigned)value - END_OF_BLOCK - 1, distances))
            return false;
    }
    return false;
}

static bool fixed_block(deflate_walk *walk) {
    uint8_t lengths[SYMBOLS_MAX];
    for (unsigned i = 0; i < SYMBOLS_MAX; i++)
        lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    code literals;
    code_build(&literals, lengths, SYMBOLS_MAX);
    memset(lengths, 5, DISTANCES);
    code distances;
    code_build(&distances, lengths, DISTANCES);
    return tokens(walk, &literals, &distances);
}

/* One code length or a repetition (RFC 1951, section 3.2.7). Returns how many lengths it gave, 0 if not
 * valid. */
static unsigned code_lengths(
    deflate_walk *walk, const code *from, uint8_t *lengths, unsigned done, unsigned all) {
    int value = symbol(walk, from);
    if (value < 0 || (value == 16 && done == 0))
        return 0;
    unsigned times = 1;
    uint8_t length = (uint8_t)value;
    if (value >= 16) {
        length = value == 16 ? lengths[done - 1] : 0;
        times = value == 16 ? 3 + bits(walk, 2) : value == 17 ? 3 + bits(walk, 3) : 11 + bits(walk, 7);
    }
    if (times > all - done)
        return 0;
    memset(lengths + done, length, times);
    return times;
}

static bool dynamic_block(deflate_walk *walk) {
    static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    unsigned literals = 257 + bits(walk, 5);
    unsigned distances = 1 + bits(walk, 5);
    unsigned number = 4 + bits(walk, 4);
    if (literals > LITERALS || distances > DISTANCES)
        return false;
    uint8_t lengths[LITERALS + DISTANCES] = {0};
    for (unsigned i = 0; i < number; i++)
        lengths[order[i]] = (uint8_t)bits(walk, 3);
    code first;
    code_build(&first, lengths, sizeof(order));
    for (unsigned done = 0; done < literals + distances;) {
        unsigned more = code_lengths(walk, &first, lengths, done, literals + distances);
        if (more == 0)
            return false;
        done += more;
    }
    code second;
    code_build(&first, lengths, literals);
    code_build(&second, lengths + literals, distances);
    return tokens(walk, &first, &second);
}

static bool block(deflate_walk *walk) {
    bool final = bits(walk, 1);
    unsigned type = bits(walk, 2);
    walk->blocks++;
    walk->final_blocks += final;
    bool valid = false;
    if (type == 0)
        valid = stored_block(walk);
    else if (type == 1)
        valid = fixed_block(walk);
    else if (type == 2)
        valid = dynamic_block(walk);
    if (final)
        walk->bit = (walk->bit + 7) / 8 * 8;
    return valid;
}

bool deflate_walk_all(deflate_walk *walk, const uint8_t *data, size_t length) {
    *walk = (deflate_walk){.data = data, .length = length};
    while (walk->bit < length * 8) {
        if (!block(walk))
            return false;
    }
    return true;
}
