/* byte_range: which part of a file is asked for (RFC 9110, section 14). */
#ifndef TOW_HANDLER_BYTE_RANGE_H
#define TOW_HANDLER_BYTE_RANGE_H

#include <stdint.h>

typedef enum tow_byte_range_kind {
    TOW_BYTE_RANGE_WHOLE, /* none was asked for, or one that is to be ignored */
    TOW_BYTE_RANGE_PART,
    TOW_BYTE_RANGE_UNSATISFIABLE /* answer 416 */
} tow_byte_range_kind;

typedef struct tow_byte_range {
    tow_byte_range_kind kind;
    int64_t first;
    int64_t length;
} tow_byte_range;

/* `value` is that of the Range field, or NULL; `size` is the file's. Several ranges in one request are
 * ignored, as section 14.2 allows, so that no request asks for more than the file; so are other units and
 * what is no range. */
tow_byte_range tow_byte_range_read(const char *value, int64_t size);

#endif
