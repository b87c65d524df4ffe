/* The vector implementation for processors with AVX2 (2013): blocks of 32 bytes. */
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("avx2")))
#define BLOCK_SIZE ((size_t)32)
typedef __m256i block;

#include "mask_blocks.h"

INLINE block load(const uint8_t *bytes) {
    return _mm256_loadu_si256((const __m256i *)bytes);
}

INLINE block load_part(const uint8_t *bytes, size_t length) {
    uint8_t part[BLOCK_SIZE] = {0};
    memcpy(part, bytes, length);
    return load(part);
}

INLINE void store(uint8_t *bytes, block a) {
    _mm256_storeu_si256((__m256i *)bytes, a);
}

INLINE block fill(uint8_t byte) {
    return _mm256_set1_epi8((char)byte);
}

INLINE block fill_word(uint64_t word) {
    return _mm256_set1_epi64x((long long)word);
}

INLINE block fill_table(const uint8_t table[16]) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
}

INLINE block exclusive_or(block a, block b) {
    return _mm256_xor_si256(a, b);
}

INLINE block either(block a, block b) {
    return _mm256_or_si256(a, b);
}

INLINE block both(block a, block b) {
    return _mm256_and_si256(a, b);
}

INLINE block subtract_to_zero(block a, block b) {
    return _mm256_subs_epu8(a, b);
}

INLINE block high_halves(block a) {
    return both(_mm256_srli_epi16(a, 4), fill(0x0f));
}

INLINE block look_up(block table, block indices) {
    return _mm256_shuffle_epi8(table, indices);
}

/* The 16 bytes before each half of the current block. */
INLINE block halves_before(block previous, block current) {
    return _mm256_permute2x128_si256(previous, current, 0x21);
}

INLINE block one_before(block previous, block current) {
    return _mm256_alignr_epi8(current, halves_before(previous, current), 15);
}

INLINE block two_before(block previous, block current) {
    return _mm256_alignr_epi8(current, halves_before(previous, current), 14);
}

INLINE block three_before(block previous, block current) {
    return _mm256_alignr_epi8(current, halves_before(previous, current), 13);
}

INLINE bool is_ascii(block a) {
    return _mm256_movemask_epi8(a) == 0;
}

INLINE bool is_zero(block a) {
    return _mm256_testz_si256(a, a) != 0;
}

const tow_mask_implementation tow_mask_avx2 = {"avx2", mask, mask_copy, utf8_check, unmask_utf8};
