/* lines: cuts what comes in pieces into lines. */
#ifndef TOW_PROGRAM_LINES_H
#define TOW_PROGRAM_LINES_H

#include "base/buffer.h"
#include "base/slice.h"

/* Longer lines are an error: they would fill memory. */
enum { TOW_LINE_MAX = 64 * 1024 * 1024 };

typedef struct tow_lines { /* zeroed: empty */
    tow_buffer bytes;
    size_t start;   /* of the line that is next */
    size_t scanned; /* no line feed between start and here */
} tow_lines;

/* Adds bytes. Errors: LIMIT (a line longer than TOW_LINE_MAX), MEMORY. */
int tow_lines_add(tow_lines *lines, const char *bytes, size_t length);

/* The next whole line, without its line feed, borrowed until bytes are added. False: there is none yet. */
bool tow_lines_next(tow_lines *lines, tow_slice *line);

/* After the last byte: what stands behind the last line feed. False: nothing does. */
bool tow_lines_rest(tow_lines *lines, tow_slice *line);

void tow_lines_clear(tow_lines *lines);

#endif
