/* text: texts in places of a fixed size. What does not fit is cut at a character's border, and said to be
 * cut.
 */
#ifndef TOW_BASE_TEXT_H
#define TOW_BASE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* How much of a text of `length` bytes fits in `max` without a character being cut in two. What is no UTF-8
 * is cut anywhere. */
size_t tow_text_cut(const char *text, size_t length, size_t max);

/* How many bytes the character has with which the text begins; 0: none, or no UTF-8 (RFC 3629). */
size_t tow_text_character(const char *text, size_t length);

/* Writes a text with its final zero to the `size` bytes at `out` and returns the length that it has there
 * (not, as snprintf does, the one that it would have). If it was cut it ends with "...". */
__attribute__((format(printf, 3, 4))) size_t tow_text_format(char *out, size_t size, const char *format, ...);
__attribute__((format(printf, 3, 0))) size_t tow_text_format_list(
    char *out, size_t size, const char *format, va_list arguments);

/* The same for a copy of a text in which all but printable ASCII is escaped, as \xHH. What is shorter than
 * `size` by TOW_TEXT_MARGIN, and printable, is never cut. */
enum { TOW_TEXT_MARGIN = 8 };
size_t tow_text_make_printable(char *out, size_t size, const char *text);

#endif
