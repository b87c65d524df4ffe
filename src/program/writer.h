/* writer: bytes to a descriptor that may take them slowly (a pipe that nobody reads), without holding up the
 * loop.
 *
 * What is not taken waits in memory; the owner stops producing while much waits. */
#ifndef TOW_PROGRAM_WRITER_H
#define TOW_PROGRAM_WRITER_H

#include "base/buffer.h"
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
    void (*on_change)(tow_writer *writer); /* less waits than before, or it failed */
    void *user;
};

void tow_writer_init(tow_writer *writer, tow_loop *loop, int fd, void (*on_change)(tow_writer *), void *user);

/* Errors: MEMORY, SYSTEM (also later, by on_change and `error`). */
int tow_writer_write(tow_writer *writer, const void *bytes, size_t length);

/* Writes what waits, however long that takes. Errors: SYSTEM (`reason` says why). */
int tow_writer_finish(tow_writer *writer);

/* Drops what waits. */
void tow_writer_clear(tow_writer *writer);

#endif
