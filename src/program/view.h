/* view: what `towline connect` shows: messages on standard output, notices on standard error.
 *
 * On a terminal messages are marked (< in, > out), coloured and harmless: control characters are escaped,
 * binary is a hex dump. Otherwise the output is the payloads: text with a line feed behind each, binary as it
 * is. */
#ifndef TOW_PROGRAM_VIEW_H
#define TOW_PROGRAM_VIEW_H

#include "editor.h"
#include "writer.h"

#include <towline/message.h>

typedef struct tow_view { /* embedded */
    const char *command;  /* its name, for what goes wrong; set by the owner */
    tow_editor *editor;   /* while lines are edited: text goes above the line; set by the owner */
    tow_writer output;
    bool terminal; /* standard output is one */
    bool painted;
    bool notices_terminal; /* standard error is one */
    bool notices_painted;
    int file; /* for binary payloads, -1: none */
    const char *file_name;
} tow_view;

/* `on_change` is the output's. */
void tow_view_init(tow_view *view, tow_loop *loop, void (*on_change)(tow_writer *), void *user);

/* Opens the file to which binary payloads are appended. Errors: SYSTEM (errno tells). */
int tow_view_open_file(tow_view *view, const char *name);

/* Writes what waits and closes the file, and tells when that fails. Errors: SYSTEM. */
int tow_view_clear(tow_view *view);

/* A message that came. Errors: MEMORY, SYSTEM (the output or the file takes nothing any more). */
int tow_view_message(tow_view *view, const tow_message *message);

/* A message that was sent and not typed on this terminal; shown on terminals only. */
int tow_view_sent(tow_view *view, tow_message_type type, const void *data, size_t length);

/* A line on standard error: a notice ("* …"), or what went wrong ("towline COMMAND: …"). Bytes that are not
 * for terminals are escaped. */
__attribute__((format(printf, 2, 3))) void tow_view_notice(tow_view *view, const char *format, ...);
__attribute__((format(printf, 2, 3))) void tow_view_error(tow_view *view, const char *format, ...);

/* Tells why the output takes nothing any more. */
void tow_view_output_lost(tow_view *view);

/* Lines of a head as they went over the wire, each behind `mark` ('>' out, '<' in), on standard error. */
void tow_view_head(tow_view *view, char mark, const char *head, size_t length);

#endif
