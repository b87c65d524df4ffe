/* count: counters that one thread adds to and any thread may read.
 *
 * Only the owner adds, so no locked instruction is needed; the relaxed store and load are what keeps a reader
 * on another thread from seeing half a number. */
#ifndef TOW_BASE_COUNT_H
#define TOW_BASE_COUNT_H

#include <stdint.h>

static inline void tow_count_add(uint64_t *counter, uint64_t more) {
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

static inline void tow_count(uint64_t *counter) {
    tow_count_add(counter, 1);
}

static inline uint64_t tow_count_read(const uint64_t *counter) {
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif
