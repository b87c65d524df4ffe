/* buffer: bytes on the heap that grow at the end.
 *
 * A zeroed tow_buffer is empty and owns nothing. The bytes move when it grows. */
#ifndef TOW_BASE_BUFFER_H
#define TOW_BASE_BUFFER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tow_buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
} tow_buffer;

/* Makes room for `more` bytes behind the end. Errors: MEMORY (the buffer is as before). */
int tow_buffer_reserve(tow_buffer *buffer, size_t more);

/* The same, but never takes more memory than asked for: for what is bounded by a limit. */
int tow_buffer_reserve_exactly(tow_buffer *buffer, size_t more);

/* Appends a copy of the bytes. Errors: MEMORY (the buffer is as before). */
int tow_buffer_append(tow_buffer *buffer, const void *bytes, size_t length);
int tow_buffer_append_text(tow_buffer *buffer, const char *text);
__attribute__((format(printf, 2, 3))) int tow_buffer_append_format(
    tow_buffer *buffer, const char *format, ...);
__attribute__((format(printf, 2, 0))) int tow_buffer_append_format_list(
    tow_buffer *buffer, const char *format, va_list arguments);

/* Takes `length` bytes away from the front. */
void tow_buffer_consume(tow_buffer *buffer, size_t length);

/* Frees the bytes; the buffer is empty again. */
void tow_buffer_clear(tow_buffer *buffer);

/* Empties it, and keeps its memory for the next time if that is no more than `kept` bytes. */
void tow_buffer_empty(tow_buffer *buffer, size_t kept);

#endif
