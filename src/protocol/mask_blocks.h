/* mask_blocks: the loops over blocks that all vector implementations share.
 *
 * A file defines TARGET (the attribute that lets the compiler use the instructions), BLOCK_SIZE, the type
 * `block` and the operations named below, then includes this, once. What comes out is the four functions of a
 * tow_mask_implementation.
 *
 * UTF-8 is checked as Keiser and Lemire found ("Validating UTF-8 in less than one instruction per byte",
 * 2020): what can be wrong with a byte shows in the byte before it and its own high four bits, so three
 * lookups in tables of sixteen entries, one for each half byte, give sets of faults, and a fault is there if
 * it is in all three sets. Whether a third or fourth byte must be a continuation shows in the bytes two and
 * three before. */
#ifndef TOW_PROTOCOL_MASK_BLOCKS_H
#define TOW_PROTOCOL_MASK_BLOCKS_H

#include "mask_implementations.h"
#include "mask_words.h"
#include "utf8.h"

#define BLOCK_LEAST 16

#define INLINE static inline __attribute__((always_inline)) TARGET

/* The operations that the including file defines. */
INLINE block load(const uint8_t *bytes);
INLINE block load_part(const uint8_t *bytes, size_t length); /* fewer than a block, zeros behind */
INLINE void store(uint8_t *bytes, block a);
INLINE block fill(uint8_t byte);
INLINE block fill_word(uint64_t word);
INLINE block fill_table(const uint8_t table[16]); /* the table as often as it fits */
INLINE block exclusive_or(block a, block b);
INLINE block either(block a, block b);
INLINE block both(block a, block b);
INLINE block subtract_to_zero(block a, block b);        /* no byte falls below zero */
INLINE block high_halves(block a);                      /* of each byte, as a byte below 16 */
INLINE block look_up(block table, block indices);       /* each below 16 */
INLINE block one_before(block previous, block current); /* each byte's place taken by the byte before it */
INLINE block two_before(block previous, block current);
INLINE block three_before(block previous, block current);
INLINE bool is_ascii(block a);
INLINE bool is_zero(block a);

/* Masking. */

INLINE void mask_blocks(uint8_t *to, const uint8_t *from, size_t length, uint64_t word) {
    if (length < BLOCK_SIZE) {
        tow_mask_words(to, from, length, word);
        return;
    }
    /* The last block overlaps the one before it; read first, it is written over with the same bytes. */
    block last =
        exclusive_or(load(from + length - BLOCK_SIZE), fill_word(tow_mask_word_rotate(word, length)));
    block key = fill_word(word);
    for (size_t i = 0; i < length - BLOCK_SIZE; i += BLOCK_SIZE)
        store(to + i, exclusive_or(load(from + i), key));
    store(to + length - BLOCK_SIZE, last);
}

TARGET static void mask(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase) {
    mask_blocks(bytes, bytes, length, tow_mask_word(key, phase));
}

TARGET static void mask_copy(uint8_t *to, const uint8_t *from, size_t length, const uint8_t key[4]) {
    mask_blocks(to, from, length, tow_mask_word(key, 0));
}

/* UTF-8: faults of two neighbouring bytes. */
enum {
    TOO_SHORT = 1,             /* a lead byte, then no continuation */
    TOO_LONG = 2,              /* ASCII, then a continuation */
    OVERLONG_2 = 4,            /* C0 or C1, then a continuation */
    OVERLONG_3 = 8,            /* E0, then 80 to 9F */
    SURROGATE = 16,            /* ED, then A0 to BF */
    TOO_LARGE = 32,            /* F4 and up, then 90 to BF */
    OVERLONG_4_OR_LARGER = 64, /* F0 or F5 and up, then 80 to 8F */
    TWO_CONTINUATIONS = 128,   /* right where a third or fourth byte is due, and only there */
    ANY_LOW = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS, /* show in the high halves alone */
    ABOVE_F4 = ANY_LOW | TOO_LARGE | OVERLONG_4_OR_LARGER,
    ANY_CONTINUATION = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS
};

static const uint8_t faults_by_first_high[16] = {TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
    TOO_LONG, TOO_LONG, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS,
    TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | OVERLONG_4_OR_LARGER};

static const uint8_t faults_by_first_low[16] = {ANY_LOW | OVERLONG_2 | OVERLONG_3 | OVERLONG_4_OR_LARGER,
    ANY_LOW | OVERLONG_2, ANY_LOW, ANY_LOW, ANY_LOW | TOO_LARGE, ABOVE_F4, ABOVE_F4, ABOVE_F4, ABOVE_F4,
    ABOVE_F4, ABOVE_F4, ABOVE_F4, ABOVE_F4, ABOVE_F4 | SURROGATE, ABOVE_F4, ABOVE_F4};

static const uint8_t faults_by_second_high[16] = {TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
    TOO_SHORT, TOO_SHORT, TOO_SHORT, ANY_CONTINUATION | OVERLONG_3 | OVERLONG_4_OR_LARGER,
    ANY_CONTINUATION | OVERLONG_3 | TOO_LARGE, ANY_CONTINUATION | SURROGATE | TOO_LARGE,
    ANY_CONTINUATION | SURROGATE | TOO_LARGE, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT};

/* A text under way: its faults so far, and the last block before, unmasked. */
struct text {
    block faults;
    block previous;
};

INLINE void check_block(struct text *text, block current) {
    block before = one_before(text->previous, current);
    block first_high = look_up(fill_table(faults_by_first_high), high_halves(before));
    block first_low = look_up(fill_table(faults_by_first_low), both(before, fill(0x0f)));
    block second_high = look_up(fill_table(faults_by_second_high), high_halves(current));
    block faults = both(both(first_high, first_low), second_high);
    /* The highest bit stays where a third or fourth byte is due. */
    block third = subtract_to_zero(two_before(text->previous, current), fill(0xe0 - 0x80));
    block fourth = subtract_to_zero(three_before(text->previous, current), fill(0xf0 - 0x80));
    block due = both(either(third, fourth), fill(TWO_CONTINUATIONS));
    text->faults = either(text->faults, exclusive_or(faults, due));
    text->previous = current;
}

/* ASCII behind ASCII has no faults. One block of ASCII is as good as another to be the previous one. */
INLINE void check_unless_ascii(struct text *text, block current) {
    if (!is_ascii(either(current, text->previous)))
        check_block(text, current);
}

/* Bytes to check: unmasked in place first, or only read (`key` is zeros then). */
struct bytes {
    const uint8_t *from;
    uint8_t *to; /* the same bytes, or NULL */
    size_t length;
    uint64_t key;
};

INLINE struct bytes bytes_behind(struct bytes bytes, size_t count) {
    return (struct bytes){bytes.from + count, bytes.to == NULL ? NULL : bytes.to + count,
        bytes.length - count, tow_mask_word_rotate(bytes.key, count)};
}

INLINE block take_block(struct bytes bytes, size_t at, block key) {
    if (bytes.to == NULL)
        return load(bytes.from + at);
    block unmasked = exclusive_or(load(bytes.from + at), key);
    store(bytes.to + at, unmasked);
    return unmasked;
}

INLINE block take_part(struct bytes bytes, size_t at) {
    size_t length = bytes.length - at;
    if (bytes.to == NULL)
        return load_part(bytes.from + at, length);
    tow_mask_words(bytes.to + at, bytes.from + at, length, bytes.key);
    return load_part(bytes.to + at, length);
}

/* Begins at a character's border. Zeros are put behind the end, so that a character that does not end there
 * is a fault. */
INLINE bool check_blocks(struct bytes bytes) {
    struct text text = {fill(0), fill(0)};
    block key = fill_word(bytes.key);
    size_t at = 0;
    for (; bytes.length - at >= 4 * BLOCK_SIZE; at += 4 * BLOCK_SIZE) {
        block first = take_block(bytes, at, key);
        block second = take_block(bytes, at + BLOCK_SIZE, key);
        block third = take_block(bytes, at + 2 * BLOCK_SIZE, key);
        block fourth = take_block(bytes, at + 3 * BLOCK_SIZE, key);
        block seen = either(either(either(first, second), either(third, fourth)), text.previous);
        if (is_ascii(seen))
            continue;
        check_block(&text, first);
        check_block(&text, second);
        check_block(&text, third);
        check_block(&text, fourth);
    }
    for (; bytes.length - at >= BLOCK_SIZE; at += BLOCK_SIZE)
        check_unless_ascii(&text, take_block(bytes, at, key));
    check_unless_ascii(&text, take_part(bytes, at));
    return is_zero(text.faults);
}

/* Goes on a byte at a time, for `count` bytes at most 3. */
INLINE uint64_t walk_few(struct bytes bytes, uint64_t state, size_t count) {
    if (bytes.to != NULL)
        tow_mask_words(bytes.to, bytes.from, count, bytes.key);
    return tow_utf8_walk(state, bytes.from, count);
}

/* How many bytes at the end begin a character that goes on behind it. */
INLINE size_t cut_character(struct bytes bytes) {
    uint8_t last[3];
    size_t count = bytes.length < 3 ? bytes.length : 3;
    size_t at = bytes.length - count;
    tow_mask_words(last, bytes.from + at, count, tow_mask_word_rotate(bytes.key, at));
    for (size_t size = 1; size <= count; size++) {
        uint8_t byte = last[count - size];
        if (byte < 0x80 || byte >= 0xc0)
            return byte >= 0xf0 || (byte >= 0xe0 && size < 3) || (byte >= 0xc0 && size < 2) ? size : 0;
    }
    return 0;
}

/* Blocks begin and end at a character's border; what lies before and behind goes through the exact table, so
 * that the state is right, and a first bad byte is found, wherever the bytes end. */
INLINE bool check_bytes(struct bytes bytes, tow_utf8_state *state) {
    uint64_t now = *state;
    while (now != TOW_UTF8_BORDER && now != TOW_UTF8_REJECT && bytes.length > 0) {
        now = walk_few(bytes, now, 1);
        bytes = bytes_behind(bytes, 1);
    }
    bool valid = true;
    if (now == TOW_UTF8_BORDER) {
        size_t cut = cut_character(bytes);
        bytes.length -= cut;
        valid = check_blocks(bytes);
        now = walk_few(bytes_behind(bytes, bytes.length), now, cut);
    }
    *state = (tow_utf8_state)now;
    return valid && now != TOW_UTF8_REJECT;
}

TARGET static bool utf8_check(tow_utf8_state *state, const uint8_t *bytes, size_t length) {
    if (length < BLOCK_LEAST)
        return tow_mask_plain.utf8_check(state, bytes, length);
    return check_bytes((struct bytes){bytes, NULL, length, 0}, state);
}

TARGET static bool unmask_utf8(
    uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase, tow_utf8_state *state) {
    if (length < BLOCK_LEAST)
        return tow_mask_plain.unmask_utf8(bytes, length, key, phase, state);
    return check_bytes((struct bytes){bytes, bytes, length, tow_mask_word(key, phase)}, state);
}

#endif
