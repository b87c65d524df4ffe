/* range: numbers of options against what they may be, as a table. */
#ifndef TOW_BASE_RANGE_H
#define TOW_BASE_RANGE_H

#include "base/complaint.h"

#include <stddef.h>
#include <stdint.h>

/* A row for a field of options. */
#define TOW_RANGE(options, field, minimum, maximum)                                                          \
    { #field, (options)->field, (minimum), (maximum) }

typedef struct tow_range { /* both ends belong to it */
    const char *name;
    int64_t number;
    int64_t minimum;
    int64_t maximum;
} tow_range;

/* 0, or ARGUMENT when a number is out of its range: `complaint`, which may be NULL, tells of the first. */
int tow_ranges_check(const tow_range *ranges, size_t count, tow_complaint *complaint);

#endif
