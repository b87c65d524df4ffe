/* history: where the lines typed in earlier sessions are kept. */
#ifndef TOW_PROGRAM_HISTORY_H
#define TOW_PROGRAM_HISTORY_H

#include "base/buffer.h"

/* Writes the file's path, ended by a zero: $XDG_STATE_HOME/towline/history, else
 * ~/.local/state/towline/history; makes the folders above it, for this user alone. Errors: UNSUPPORTED (no
 * HOME, or a folder cannot be made), MEMORY. */
int tow_history_path(tow_buffer *path);

#endif
