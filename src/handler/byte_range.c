#include "byte_range.h"

#include <stdbool.h>
#include <stddef.h>
#include <strings.h>

/* Takes digits from the front of *text; numbers that do not fit become the largest. False if there is none.
 */
static bool number_take(const char **text, int64_t *number) {
    if (**text < '0' || **text > '9')
        return false;
    for (*number = 0; **text >= '0' && **text <= '9'; (*text)++) {
        int64_t digit = **text - '0';
        *number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
    }
    return true;
}

static bool ends(const char *text) {
    while (*text == ' ' || *text == '\t')
        text++;
    return *text == '\0';
}

static tow_byte_range part(int64_t first, int64_t length) {
    return (tow_byte_range){.kind = TOW_BYTE_RANGE_PART, .first = first, .length = length};
}

static tow_byte_range whole(int64_t size) {
    return (tow_byte_range){.kind = TOW_BYTE_RANGE_WHOLE, .first = 0, .length = size};
}

/* Section 14.1.2: "-N", the last N bytes. The last bytes of an empty file are all of it, which no 206 can
 * say. */
static tow_byte_range suffix_read(const char *text, int64_t size) {
    int64_t count;
    if (!number_take(&text, &count) || !ends(text))
        return whole(size);
    if (count == 0)
        return (tow_byte_range){.kind = TOW_BYTE_RANGE_UNSATISFIABLE};
    if (size == 0)
        return whole(size);
    return count < size ? part(size - count, count) : part(0, size);
}

/* Section 14.1.2: "FIRST-LAST" or "FIRST-". */
static tow_byte_range interval_read(const char *text, int64_t size) {
    int64_t first;
    int64_t last = INT64_MAX;
    if (!number_take(&text, &first) || *text++ != '-')
        return whole(size);
    if (!ends(text) && (!number_take(&text, &last) || !ends(text) || last < first))
        return whole(size);
    if (first >= size)
        return (tow_byte_range){.kind = TOW_BYTE_RANGE_UNSATISFIABLE};
    return part(first, (last < size ? last + 1 : size) - first);
}

tow_byte_range tow_byte_range_read(const char *value, int64_t size) {
    if (value == NULL || strncasecmp(value, "bytes=", 6) != 0)
        return whole(size);
    const char *text = value + 6;
    while (*text == ' ' || *text == '\t')
        text++;
    return *text == '-' ? suffix_read(text + 1, size) : interval_read(text, size);
}
