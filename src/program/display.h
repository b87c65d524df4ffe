/* display: payloads as a terminal may show them: text without control characters, binary as a hex dump. */
#ifndef TOW_PROGRAM_DISPLAY_H
#define TOW_PROGRAM_DISPLAY_H

#include "base/buffer.h"

#include <stdbool.h>

/* Appends text so that it can do nothing to a terminal and hide nothing: control characters, what changes the
 * direction of writing, what has no width, and bytes that are no UTF-8 become escapes such as \x1b and
 * \u202e, dim when `painted`. After a line feed the text goes on behind `indent` spaces; tabs stay. Errors:
 * MEMORY. */
int tow_display_text(tow_buffer *out, const char *text, size_t length, int indent, bool painted);

/* Appends lines of sixteen bytes: offset, hexadecimal, ASCII; each line behind `indent` spaces. Errors:
 * MEMORY. */
int tow_display_hex(tow_buffer *out, const uint8_t *bytes, size_t length, int indent);

#endif
