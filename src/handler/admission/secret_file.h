/* secret_file: a file with users or tokens, read whole. */
#ifndef TOW_HANDLER_ADMISSION_SECRET_FILE_H
#define TOW_HANDLER_ADMISSION_SECRET_FILE_H

#include "base/buffer.h"

enum { TOW_SECRET_FILE_MAX = 1 << 20 };

/* Errors: SYSTEM, ARGUMENT (too large), MEMORY; `why`, of 200 bytes, then says what is wrong. The text is to
 * be cleared by tow_secret_clear. */
int tow_secret_read(tow_buffer *text, const char *path, char *why, size_t size);
void tow_secret_clear(tow_buffer *text);

#endif
