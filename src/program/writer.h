/* writer: bytes to a descriptor that may take them slowly (a pipe that nobody reads), without holding up the
 * loop.
 *
 * What is not taken waits in memory; the owner stops producing while much waits. Many small pieces are few
 * system calls: the first of a round of the loop is written at once, and the others together when it is over.
 */
#ifndef TOW_PROGRAM_WRITER_H
#define TOW_PROGRAM_WRITER_H

#include "base/buffer.h"
#include "transport/timer.h"
#include "transport/watch.h"

typedef struct tow_writer tow_writer;

struct tow_writer { /* embedded */
    tow_loop *loop;
    int fd;
    bool direct; /* files and terminals: written to at once */
    int error;   /* SYSTEM: nothing can be written any more; */
    int reason;  /* errno says why */
    bool watching;
    tow_buffer waiting;
    tow_watch watch;
    tow_timer round;                       /* set until the round is over in which something was written */
    void (*on_change)(tow_writer *writer); /* less waits than before, or it failed */
    void *user;
};

void tow_writer_init(tow_writer *writer, tow_loop *loop, int fd, void (*on_change)(tow_writer *), void *user);

/* Errors: MEMORY, SYSTEM (also later, by on_change and `error`). */
int tow_writer_write(tow_writer *writer, const void *bytes, size_t length);

/* Writes what waits for the end of the round. Errors come by `error`. */
void tow_writer_push(tow_writer *writer);

/* Writes what waits, however long that takes. Errors: SYSTEM (`reason` says why). */
int tow_writer_finish(tow_writer *writer);

/* Drops what waits. */
void tow_writer_clear(tow_writer *writer);

#endif
