/* publish_key: the file with the key of who publishes by HTTP, where none is named: made once, for its owner
 * alone, and found again by `towline publish`. */
#ifndef TOW_HANDLER_PUBLISH_KEY_H
#define TOW_HANDLER_PUBLISH_KEY_H

#include "base/buffer.h"
#include "handler/kind.h"

/* publish.key in $STATE_DIRECTORY, else in towline in $XDG_STATE_HOME (default ~/.local/state); to be freed.
 * NULL: none of these is known, or there is no memory; `why` then says which. */
char *tow_publish_key_path(char why[TOW_HANDLER_TEXT_MAX]);

/* Makes the file, with mode 0600 and a random key, and the folders above it, unless it is there. Errors:
 * SYSTEM, MEMORY; `why` then says what is wrong. */
int tow_publish_key_make(const char *path, char why[TOW_HANDLER_TEXT_MAX]);

/* The first key of a file, as it is, with a zero behind it. Errors: those
 * of tow_secret_read, ARGUMENT (there is none, or only its digest); `why` then says what is wrong. */
int tow_publish_key_read(tow_buffer *key, const char *path, char why[TOW_HANDLER_TEXT_MAX]);

/* Clears such a key away. */
void tow_publish_key_clear(tow_buffer *key);

#endif
