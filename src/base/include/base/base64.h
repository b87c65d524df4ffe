/* base64: bytes as a text (RFC 4648), and back. */
#ifndef TOW_BASE_BASE64_H
#define TOW_BASE_BASE64_H

#include "base/buffer.h"
#include "base/slice.h"

/* Appends the text of these bytes, with padding (section 4). Errors: MEMORY (the buffer is as before). */
int tow_base64_append(tow_buffer *out, const void *bytes, size_t length);

/* Reads a text in either alphabet (sections 4 and 5), with its padding or without any. `out` has room for
 * three bytes of each four characters that have begun. False: it is none. */
bool tow_base64_read(void *out, size_t *length, tow_slice text);

#endif
