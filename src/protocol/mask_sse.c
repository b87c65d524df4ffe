/* The vector implementation for processors with SSE4.1 (2008): blocks of 16 bytes. */
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("sse4.1")))
#define BLOCK_SIZE ((size_t)16)
typedef __m128i block;

#include "mask_blocks.h"

INLINE block load(const uint8_t *bytes) {
    return _mm_loadu_si128((const __m128i *)bytes);
}

INLINE block load_part(const uint8_t *bytes, size_t length) {
    uint8_t part[BLOCK_SIZE] = {0};
    memcpy(part, bytes, length);
    return load(part);
}

INLINE void store(uint8_t *bytes, block a) {
    _mm_storeu_si128((__m128i *)bytes, a);
}

INLINE block fill(uint8_t byte) {
    return _mm_set1_epi8((char)byte);
}

INLINE block fill_word(uint64_t word) {
    return _mm_set1_epi64x((long long)word);
}

INLINE block fill_table(const uint8_t table[16]) {
    return load(table);
}

INLINE block exclusive_or(block a, block b) {
    return _mm_xor_si128(a, b);
}

INLINE block either(block a, block b) {
    return _mm_or_si128(a, b);
}

INLINE block both(block a, block b) {
    return _mm_and_si128(a, b);
}

INLINE block subtract_to_zero(block a, block b) {
    return _mm_subs_epu8(a, b);
}

INLINE block high_halves(block a) {
    return both(_mm_srli_epi16(a, 4), fill(0x0f));
}

INLINE block look_up(block table, block indices) {
    return _mm_shuffle_epi8(table, indices);
}

INLINE block one_before(block previous, block current) {
    return _mm_alignr_epi8(current, previous, 15);
}

INLINE block two_before(block previous, block current) {
    return _mm_alignr_epi8(current, previous, 14);
}

INLINE block three_before(block previous, block current) {
    return _mm_alignr_epi8(current, previous, 13);
}

INLINE bool is_ascii(block a) {
    return _mm_movemask_epi8(a) == 0;
}

INLINE bool is_zero(block a) {
    return _mm_testz_si128(a, a) != 0;
}

const tow_mask_implementation tow_mask_sse = {"sse4.1", mask, mask_copy, utf8_check, unmask_utf8};
