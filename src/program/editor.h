/* editor: lines typed on a terminal, with editing and history, while a loop goes on running.
 *
 * Waiting for a key runs the loop, so callbacks come while the user types; tow_editor_print shows their text
 * above the line that is being typed. Knows nothing of WebSocket. */
#ifndef TOW_PROGRAM_EDITOR_H
#define TOW_PROGRAM_EDITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <towline/loop.h>

typedef struct tow_editor tow_editor;

/* Takes over standard input and output, which are terminals. `prompt` is borrowed; `history` is the file of
 * earlier lines, NULL for none. Errors: MEMORY, SYSTEM, UNSUPPORTED (libedit is not installed). */
int tow_editor_new(
    tow_editor **editor, tow_loop *loop, const char *prompt, const char *history, bool painted);

/* Saves the history and gives the terminal back as it was. NULL is allowed. */
void tow_editor_free(tow_editor *editor);

/* Reads a line, running the loop meanwhile. Returns 1 with the line (borrowed until the next call, without
 * its line feed), 0 when the input ended (^D) or tow_editor_stop was called, or MEMORY. */
int tow_editor_read(tow_editor *editor, const char **line);

/* Ends the read that is under way, and those to come. Callable from the loop's callbacks. */
void tow_editor_stop(tow_editor *editor);

/* Shows text that ends with a line feed above the line that is being typed. */
void tow_editor_print(tow_editor *editor, const void *text, size_t length);

/* NULL is allowed in each. The terminal has another size; it is given back, as the program is about to be
 * stopped; it is taken again; the program was stopped, and others have written on it. */
void tow_editor_resized(tow_editor *editor);
void tow_editor_suspended(tow_editor *editor);
void tow_editor_resumed(tow_editor *editor);
void tow_editor_continued(tow_editor *editor);

#endif
