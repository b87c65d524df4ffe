/* range: numbers of options against what they may be, as a table. */
#ifndef TOW_BASE_RANGE_H
#define TOW_BASE_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tow_range { /* both ends belong to it */
    int64_t number;
    int64_t minimum;
    int64_t maximum;
} tow_range;

static inline bool tow_ranges_hold(const tow_range *ranges, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (ranges[i].number < ranges[i].minimum || ranges[i].number > ranges[i].maximum)
            return false;
    return true;
}

#endif
