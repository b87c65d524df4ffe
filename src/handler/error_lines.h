/* error_lines: what a program writes to standard error, as lines of the log. A line is cut at some length,
 * what is not printable is escaped, and of more than so many lines in a second the rest is counted and left
 * out: meanwhile it is not read. */
#ifndef TOW_HANDLER_ERROR_LINES_H
#define TOW_HANDLER_ERROR_LINES_H

#include "command.h"
#include "handler/kind.h"

enum {
    TOW_ERROR_LINE_MAX = 400,  /* bytes as they are written; the rest of a line is left out */
    TOW_ERROR_LINES_RATE = 100 /* a second */
};

typedef struct tow_error_lines { /* embedded, zeroed but for the first two; private */
    tow_handler_log log;
    const char *name; /* in front of each line */
    tow_command *command;
    tow_timer timer; /* until it is read again */
    int64_t second;  /* when it began */
    int count;       /* of lines in it */
    int64_t left_out;
    size_t length;
    bool cut;
    char line[TOW_ERROR_LINE_MAX];
} tow_error_lines;

/* Bytes came: as on_errors. */
void tow_error_lines_take(tow_error_lines *lines, tow_command *command, const char *bytes, size_t length);

/* It has exited: logs what is no whole line, and stops. */
void tow_error_lines_end(tow_error_lines *lines, tow_command *command);

#endif
