/* range: which part of a file is asked for (RFC 9110, section 14). */
#ifndef TOW_HANDLER_RANGE_H
#define TOW_HANDLER_RANGE_H

#include <stdint.h>

typedef enum tow_range_kind {
    TOW_RANGE_WHOLE, /* none was asked for, or one that is to be ignored */
    TOW_RANGE_PART,
    TOW_RANGE_UNSATISFIABLE /* answer 416 */
} tow_range_kind;

typedef struct tow_range {
    tow_range_kind kind;
    int64_t first;
    int64_t length;
} tow_range;

/* `value` is that of the Range field, or NULL; `size` is the file's. Several ranges in one request are
 * ignored, as section 14.2 allows, so that no request asks for more than the file; so are other units and
 * what is no range. */
tow_range tow_range_read(const char *value, int64_t size);

#endif
