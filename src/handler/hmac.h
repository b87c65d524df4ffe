/* hmac: HMAC-SHA-256 (RFC 2104) over parts of a text, as lower-case hexadecimal digits: what others and we
 * sign with a key that both have. */
#ifndef TOW_HANDLER_HMAC_H
#define TOW_HANDLER_HMAC_H

#include "base/slice.h"

enum { TOW_HMAC_TEXT = 65 /* with a zero */ };

/* Between each two parts stands the text `between`. Errors: MEMORY. */
int tow_hmac_make(
    char out[TOW_HMAC_TEXT], tow_slice key, const tow_slice *parts, size_t count, const char *between);

/* Whether a text is that. Takes the same time, whatever is wrong. */
bool tow_hmac_is(tow_slice text, tow_slice key, const tow_slice *parts, size_t count, const char *between);

#endif
