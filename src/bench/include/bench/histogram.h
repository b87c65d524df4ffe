/* histogram: how often which value occurred, exact to under one per cent over the whole range of 64 bits.
 *
 * Values below 128 have a bucket each; above, every power of two is cut into 128 equal buckets. Recording
 * costs a few instructions and allocates nothing; the struct is 58 KiB, of which only the buckets in use are
 * touched. */
#ifndef TOW_BENCH_HISTOGRAM_H
#define TOW_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { TOW_HISTOGRAM_SUBDIVISION = 128, TOW_HISTOGRAM_BUCKETS = (64 - 7 + 1) * TOW_HISTOGRAM_SUBDIVISION };

typedef struct tow_histogram { /* zeroed: empty */
    uint64_t count;
    uint64_t maximum;
    uint64_t buckets[TOW_HISTOGRAM_BUCKETS];
} tow_histogram;

/* Counts `value` `times` times. */
void tow_histogram_record(tow_histogram *histogram, uint64_t value, uint64_t times);

/* The smallest value that at least `fraction` (0 to 1) of the recorded ones do not exceed, rounded up to its
 * bucket's end but never above the maximum. 0 when nothing was recorded. */
uint64_t tow_histogram_quantile(const tow_histogram *histogram, double fraction);

#endif
