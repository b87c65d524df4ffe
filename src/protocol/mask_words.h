/* mask_words: masking with 64-bit words, for short payloads and as the plain twin of the vector code.
 *
 * A word holds the bytes in the order of memory, so nothing here depends on the machine's byte order but the
 * rotation, which says so. */
#ifndef TOW_PROTOCOL_MASK_WORDS_H
#define TOW_PROTOCOL_MASK_WORDS_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const uint64_t tow_word_not_ascii = UINT64_C(0x8080808080808080);

static inline uint64_t tow_word_load(const uint8_t *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof(word));
    return word;
}

static inline void tow_word_store(uint8_t *bytes, uint64_t word) {
    memcpy(bytes, &word, sizeof(word));
}

/* The word whose byte i is byte i + count of a key's word. */
static inline uint64_t tow_mask_word_rotate(uint64_t word, uint64_t count) {
    unsigned bits = (unsigned)(count & 3) * 8;
    uint64_t value = le64toh(word);
    return htole64(value >> bits | value << (-bits & 63));
}

/* The key twice, for a payload of which `phase` bytes came before. */
static inline uint64_t tow_mask_word(const uint8_t key[4], uint64_t phase) {
    uint32_t half;
    memcpy(&half, key, sizeof(half));
    return tow_mask_word_rotate((uint64_t)half << 32 | half, phase);
}

static inline uint64_t tow_mask_below_word(uint8_t *to, const uint8_t *from, size_t length, uint64_t key) {
    uint8_t keys[8];
    tow_word_store(keys, key);
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++) {
        to[i] = from[i] ^ keys[i];
        seen |= to[i];
    }
    return seen;
}

/* Masks; `to` and `from` are the same or do not overlap. Returns a word that has a bit of tow_word_not_ascii
 * set if one of the bytes written is not ASCII. */
static inline uint64_t tow_mask_words(uint8_t *to, const uint8_t *from, size_t length, uint64_t key) {
    if (length < 8)
        return tow_mask_below_word(to, from, length, key);
    /* The last word overlaps the one before it; read first, it is written over with the same bytes. */
    uint64_t last = tow_word_load(from + length - 8) ^ tow_mask_word_rotate(key, length);
    uint64_t seen = last;
    for (size_t i = 0; i < length - 8; i += 8) {
        uint64_t word = tow_word_load(from + i) ^ key;
        tow_word_store(to + i, word);
        seen |= word;
    }
    tow_word_store(to + length - 8, last);
    return seen;
}

#endif
