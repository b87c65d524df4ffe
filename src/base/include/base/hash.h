/* hash: a number of 64 bits for a name, by FNV-1a with a seed, so that nobody from outside can choose names
 * that meet. */
#ifndef TOW_BASE_HASH_H
#define TOW_BASE_HASH_H

#include "base/slice.h"

#include <stdint.h>

static inline uint64_t tow_hash_mix(uint64_t value) {
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static inline uint64_t tow_hash(tow_slice name, uint64_t seed) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < name.length; i++)
        hash = (hash ^ (uint8_t)name.data[i]) * UINT64_C(0x100000001b3);
    return tow_hash_mix(hash);
}

#endif
