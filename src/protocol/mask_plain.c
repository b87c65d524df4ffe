#include "mask_implementations.h"
#include "mask_words.h"
#include "utf8.h"

static void mask(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase) {
    tow_mask_words(bytes, bytes, length, tow_mask_word(key, phase));
}

static void mask_copy(uint8_t *to, const uint8_t *from, size_t length, const uint8_t key[4]) {
    tow_mask_words(to, from, length, tow_mask_word(key, 0));
}

enum { STRIDE = 16 };

static bool stride_is_ascii(const uint8_t *bytes) {
    return ((tow_word_load(bytes) | tow_word_load(bytes + 8)) & tow_word_not_ascii) == 0;
}

static bool utf8_check(tow_utf8_state *state, const uint8_t *bytes, size_t length) {
    uint64_t now = *state;
    for (; length >= STRIDE; bytes += STRIDE, length -= STRIDE) {
        if (now == TOW_UTF8_BORDER && stride_is_ascii(bytes))
            continue;
        now = tow_utf8_walk(now, bytes, STRIDE);
        if (now == TOW_UTF8_REJECT)
            return false;
    }
    now = tow_utf8_walk(now, bytes, length);
    *state = (tow_utf8_state)now;
    return now != TOW_UTF8_REJECT;
}

/* So much at a time stays in the nearest cache between unmasking and checking. */
enum { CHUNK = 4096 };

static bool unmask_utf8(
    uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase, tow_utf8_state *state) {
    uint64_t word = tow_mask_word(key, phase);
    for (; length > CHUNK; bytes += CHUNK, length -= CHUNK) {
        tow_mask_words(bytes, bytes, CHUNK, word);
        if (!utf8_check(state, bytes, CHUNK))
            return false;
    }
    tow_mask_words(bytes, bytes, length, word);
    return utf8_check(state, bytes, length);
}

const tow_mask_implementation tow_mask_plain = {"plain", mask, mask_copy, utf8_check, unmask_utf8};
