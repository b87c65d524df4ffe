/* The vector implementation for processors with AVX-512: blocks of 64 bytes. */
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,bmi2")))
#define BLOCK_SIZE ((size_t)64)
typedef __m512i block;

#include "mask_blocks.h"

INLINE block load(const uint8_t *bytes) {
    return _mm512_loadu_si512(bytes);
}

INLINE block load_part(const uint8_t *bytes, size_t length) {
    return _mm512_maskz_loadu_epi8((UINT64_C(1) << length) - 1, bytes);
}

INLINE void store(uint8_t *bytes, block a) {
    _mm512_storeu_si512(bytes, a);
}

INLINE block fill(uint8_t byte) {
    return _mm512_set1_epi8((char)byte);
}

INLINE block fill_word(uint64_t word) {
    return _mm512_set1_epi64((long long)word);
}

INLINE block fill_table(const uint8_t table[16]) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)table));
}

INLINE block exclusive_or(block a, block b) {
    return _mm512_xor_si512(a, b);
}

INLINE block either(block a, block b) {
    return _mm512_or_si512(a, b);
}

INLINE block both(block a, block b) {
    return _mm512_and_si512(a, b);
}

INLINE block subtract_to_zero(block a, block b) {
    return _mm512_subs_epu8(a, b);
}

INLINE block high_halves(block a) {
    return both(_mm512_srli_epi16(a, 4), fill(0x0f));
}

INLINE block look_up(block table, block indices) {
    return _mm512_shuffle_epi8(table, indices);
}

/* The 16 bytes before each quarter of the current block. */
INLINE block quarters_before(block previous, block current) {
    return _mm512_alignr_epi64(current, previous, 6);
}

INLINE block one_before(block previous, block current) {
    return _mm512_alignr_epi8(current, quarters_before(previous, current), 15);
}

INLINE block two_before(block previous, block current) {
    return _mm512_alignr_epi8(current, quarters_before(previous, current), 14);
}

INLINE block three_before(block previous, block current) {
    return _mm512_alignr_epi8(current, quarters_before(previous, current), 13);
}

INLINE bool is_ascii(block a) {
    return _mm512_movepi8_mask(a) == 0;
}

INLINE bool is_zero(block a) {
    return _mm512_test_epi8_mask(a, a) == 0;
}

const tow_mask_implementation tow_mask_avx512 = {"avx512", mask, mask_copy, utf8_check, unmask_utf8};
