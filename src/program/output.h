/* output: bytes to a descriptor that may take them slowly (a pipe that nobody reads), without holding up the
 * loop.
 *
 * What is not taken waits in memory; the owner stops producing while much waits. */
#ifndef TOW_PROGRAM_OUTPUT_H
#define TOW_PROGRAM_OUTPUT_H

#include "base/buffer.h"
#include "transport/watch.h"

typedef struct tow_output tow_output;

struct tow_output { /* embedded */
    tow_loop *loop;
    int fd;
    bool direct; /* files and terminals: written to at once */
    int error;   /* SYSTEM: nothing can be written any more; */
    int reason;  /* errno says why */
    bool watching;
    tow_buffer waiting;
    tow_watch watch;
    void (*on_change)(tow_output *output); /* less waits than before, or it failed */
    void *user;
};

void tow_output_init(tow_output *output, tow_loop *loop, int fd, void (*on_change)(tow_output *), void *user);

/* Errors: MEMORY, SYSTEM (also later, by on_change and `error`). */
int tow_output_write(tow_output *output, const void *bytes, size_t length);

/* Writes what waits, however long that takes. */
void tow_output_finish(tow_output *output);

/* Drops what waits. */
void tow_output_clear(tow_output *output);

#endif
