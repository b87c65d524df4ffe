/* percent: percent-encoding, as URLs and what is made like them have it (RFC 3986, section 2.1). */
#ifndef TOW_HTTP_PERCENT_H
#define TOW_HTTP_PERCENT_H

#include "base/buffer.h"
#include "base/slice.h"

/* Takes one character, plain or %XX, from the front of a text that has one. False, and nothing is taken, if a
 * % is not followed by two digits. */
bool tow_percent_take(tow_slice *text, char *character);

/* Decodes a text. Writes at most `text.length` bytes and a zero; returns the place behind it, or NULL if a %
 * is not followed by two digits or stands for a zero. */
char *tow_percent_decode(char *out, tow_slice text);

/* Appends a text encoded: all but what is unreserved (RFC 3986, section 2.3) and the characters of `also`.
 * Errors: MEMORY. */
int tow_percent_append(tow_buffer *out, tow_slice text, const char *also);

#endif
