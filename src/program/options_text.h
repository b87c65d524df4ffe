/* options_text: what people read about a command, written from its table: --help and the manual page's
 * sections. */
#ifndef TOW_PROGRAM_OPTIONS_TEXT_H
#define TOW_PROGRAM_OPTIONS_TEXT_H

#include "base/buffer.h"
#include "options.h"

/* Appends the help of a command, at most `columns` wide. Errors: MEMORY. */
int tow_options_help(tow_buffer *out, const tow_command *command, int columns, bool painted);

/* Appends a command's section of the manual page, in mdoc(7). Errors: MEMORY. */
int tow_options_manual(tow_buffer *out, const tow_command *command);

/* Appends `text` broken into lines at spaces; the first line begins at column `at`, the others at `indent`.
 * Errors: MEMORY. */
int tow_text_wrap(tow_buffer *out, const char *text, int at, int indent, int columns);

#endif
