/* slice: borrowed bytes with a length, and a header field made of two. */
#ifndef TOW_BASE_SLICE_H
#define TOW_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct tow_slice {
    const char *data;
    size_t length;
} tow_slice;

/* A header field of an HTTP message; neither part ends with a zero. */
typedef struct tow_field {
    tow_slice name;
    tow_slice value;
} tow_field;

static inline tow_slice tow_slice_from(const char *text) {
    return (tow_slice){.data = text, .length = strlen(text)};
}

static inline bool tow_slice_equals(tow_slice slice, const char *text) {
    return slice.length == strlen(text) && memcmp(slice.data, text, slice.length) == 0;
}

/* Without regard to the case of ASCII letters, and to those only. */
bool tow_slices_match(tow_slice one, tow_slice other);
bool tow_slice_equals_ignoring_case(tow_slice slice, const char *text);

/* Whether a control character of ASCII is in it. */
bool tow_slice_has_control(tow_slice slice);

#endif
