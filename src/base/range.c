#include "base/range.h"

#include <inttypes.h>
#include <limits.h>
#include <towline/message.h>

/* A range that only the type ends is told by its beginning. */
static int explain(const tow_range *range, tow_complaint *complaint) {
    const char *meaning = range->minimum == TOW_OFF ? " (TOW_OFF: none)" : "";
    if (range->maximum >= INT_MAX)
        return tow_complain(complaint, "%s: %" PRId64 " is too little; at least %" PRId64 "%s", range->name,
            range->number, range->minimum, meaning);
    return tow_complain(complaint, "%s: %" PRId64 " is not from %" PRId64 "%s to %" PRId64, range->name,
        range->number, range->minimum, meaning, range->maximum);
}

int tow_ranges_check(const tow_range *ranges, size_t count, tow_complaint *complaint) {
    for (size_t i = 0; i < count; i++) {
        if (ranges[i].number < ranges[i].minimum || ranges[i].number > ranges[i].maximum)
            return explain(&ranges[i], complaint);
    }
    return 0;
}
