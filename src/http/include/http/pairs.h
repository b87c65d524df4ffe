/* pairs: the names and values in the query of a URL, and in Cookie fields, as texts. */
#ifndef TOW_HTTP_PAIRS_H
#define TOW_HTTP_PAIRS_H

#include "base/slice.h"

#include <towline/http.h>

typedef struct tow_pairs {   /* zeroed: not read */
    tow_header_field *items; /* in their order; ends with a NULL name. The texts stand behind it */
    size_t count;
} tow_pairs;

/* Reads application/x-www-form-urlencoded (URL Standard, section 5.1): NAME=VALUE, between ampersands; a plus
 * is a space, %XX a byte. What is no %XX, and %00, which no text can hold, stay as they are. Errors: MEMORY.
 */
int tow_pairs_read_query(tow_pairs *pairs, tow_slice query);

/* Reads all Cookie fields among these (RFC 6265, section 4.2.1). Values are as they were sent; what has no
 * name is left out. Errors: MEMORY. */
int tow_pairs_read_cookies(tow_pairs *pairs, const tow_field *fields, size_t count);

/* The first value of this name, or NULL. */
const char *tow_pairs_find(const tow_pairs *pairs, const char *name);

void tow_pairs_clear(tow_pairs *pairs);

#endif
