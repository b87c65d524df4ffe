/* What the processor can do is asked at each call: it is a load and a test, and needs no global that changes.
 */
#include "mask_implementations.h"

/* Processors before Ice Lake (which brought VBMI) slow down when they use blocks of 64 bytes. */
static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi");
}

const tow_mask_implementation *tow_mask_best(void) {
    if (has_avx512())
        return &tow_mask_avx512;
    if (__builtin_cpu_supports("avx2"))
        return &tow_mask_avx2;
    return __builtin_cpu_supports("sse4.1") ? &tow_mask_sse : &tow_mask_plain;
}

const tow_mask_implementation *tow_mask_implementation_at(size_t index) {
    const tow_mask_implementation *present[4] = {&tow_mask_plain};
    size_t count = 1;
    if (__builtin_cpu_supports("sse4.1"))
        present[count++] = &tow_mask_sse;
    if (__builtin_cpu_supports("avx2"))
        present[count++] = &tow_mask_avx2;
    if (has_avx512())
        present[count++] = &tow_mask_avx512;
    return index < count ? present[index] : NULL;
}
