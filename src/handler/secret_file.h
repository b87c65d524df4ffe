/* secret_file: a file with users, tokens or keys, read whole. */
#ifndef TOW_HANDLER_SECRET_FILE_H
#define TOW_HANDLER_SECRET_FILE_H

#include "base/buffer.h"

enum { TOW_SECRET_FILE_MAX = 1 << 20 };

/* Errors: SYSTEM, ARGUMENT (too large), MEMORY; `why`, of 200 bytes, then says what is wrong. The text is to
 * be cleared by tow_secret_clear. */
int tow_secret_read(tow_buffer *text, const char *path, char *why, size_t size);
void tow_secret_clear(tow_buffer *text);

/* A copy that ends with a zero, to be freed, and how many lines are in it. NULL without memory. */
char *tow_secret_copy(const char *text, size_t length, size_t *lines);

/* Takes the next line as a text without the white space at its ends; *rest is NULL behind the last. */
char *tow_secret_line(char **rest);

#endif
