/* input: standard input that is no terminal to edit on: a pipe, a file, a device; whole lines or the pieces
 * in which it comes. */
#ifndef TOW_PROGRAM_INPUT_H
#define TOW_PROGRAM_INPUT_H

#include "lines.h"
#include "transport/watch.h"

typedef struct tow_standard_input tow_standard_input;

typedef struct tow_standard_input_events {
    /* A line without its line feed, or a piece of at most 64 KiB; borrowed. */
    void (*on_piece)(tow_standard_input *input, const char *bytes, size_t length);
    /* The input has ended: `error` is 0, or LIMIT (a line that is too long), SYSTEM, MEMORY. Last. */
    void (*on_end)(tow_standard_input *input, int error);
} tow_standard_input_events;

struct tow_standard_input { /* embedded */
    const tow_standard_input_events *events;
    void *user;
    tow_loop *loop;
    int fd;
    bool whole_lines;
    bool is_file; /* always readable: read in rounds of the loop */
    bool scheduled;
    bool watching;
    bool paused;
    bool stopped;
    bool ended; /* nothing is left to read; lines may be left to deliver */
    tow_lines lines;
    tow_watch watch;
};

/* Starts reading; callbacks come from the loop's next round. Errors: MEMORY, SYSTEM. */
int tow_standard_input_start(tow_standard_input *input, tow_loop *loop, int fd, bool whole_lines,
    const tow_standard_input_events *events, void *user);

/* Stops and restarts; callable inside the callbacks. When there is no memory to restart, on_end comes. */
void tow_standard_input_pause(tow_standard_input *input);
void tow_standard_input_resume(tow_standard_input *input);

/* No callback afterwards. A zeroed input is allowed. */
void tow_standard_input_stop(tow_standard_input *input);

#endif
