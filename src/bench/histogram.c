#include "bench/histogram.h"

enum { SUBDIVISION_BITS = 7 };

static unsigned bucket_of(uint64_t value) {
    if (value < TOW_HISTOGRAM_SUBDIVISION)
        return (unsigned)value;
    unsigned shift = 63 - SUBDIVISION_BITS - (unsigned)__builtin_clzll(value);
    return (shift + 1) * TOW_HISTOGRAM_SUBDIVISION + (unsigned)((value >> shift) - TOW_HISTOGRAM_SUBDIVISION);
}

/* The largest value that falls into a bucket. */
static uint64_t bucket_end(unsigned bucket) {
    if (bucket < TOW_HISTOGRAM_SUBDIVISION)
        return bucket;
    unsigned shift = bucket / TOW_HISTOGRAM_SUBDIVISION - 1;
    uint64_t first = (uint64_t)(bucket % TOW_HISTOGRAM_SUBDIVISION + TOW_HISTOGRAM_SUBDIVISION) << shift;
    return first + ((UINT64_C(1) << shift) - 1);
}

void tow_histogram_record(tow_histogram *histogram, uint64_t value, uint64_t times) {
    if (times == 0)
        return;
    histogram->buckets[bucket_of(value)] += times;
    histogram->count += times;
    if (value > histogram->maximum)
        histogram->maximum = value;
}

uint64_t tow_histogram_quantile(const tow_histogram *histogram, double fraction) {
    double wanted = fraction * (double)histogram->count;
    uint64_t seen = 0;
    for (unsigned i = 0; i < TOW_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > 0 && (double)seen >= wanted)
            return bucket_end(i) < histogram->maximum ? bucket_end(i) : histogram->maximum;
    }
    return histogram->maximum;
}
