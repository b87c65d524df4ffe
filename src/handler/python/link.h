/* link: one connection's Unix socket to the Python process: operations in and out.
 *
 * What is sent in one round leaves in one write. What the process does not take waits here, and the owner
 * stops sending until there is room. */
#ifndef TOW_HANDLER_PYTHON_LINK_H
#define TOW_HANDLER_PYTHON_LINK_H

#include "base/buffer.h"
#include "protocol.h"
#include "transport/address.h"
#include "transport/stream.h"

#include <stdbool.h>

typedef struct tow_python_link tow_python_link;

typedef struct tow_python_link_events {
    void (*on_said)(tow_python_link *link, const tow_python_said *said);
    void (*on_room)(tow_python_link *link);   /* what waited has gone */
    void (*on_end)(tow_python_link *link);    /* the host says no more, or what can't be read; once */
    void (*on_closed)(tow_python_link *link); /* the last */
} tow_python_link_events;

struct tow_python_link { /* embedded; private */
    tow_stream stream;   /* first */
    const tow_python_link_events *events;
    tow_buffer kept;    /* of an operation that has not come whole */
    tow_buffer waiting; /* to be sent */
    bool ended;         /* nothing is heard any more */
    bool finished;      /* nothing follows what waits */
    bool lost;          /* what should have waited found no memory */
    bool paused;
};

/* Errors: those of tow_stream_connect. */
int tow_python_link_open(
    tow_python_link *link, tow_loop *loop, const tow_address *address, const tow_python_link_events *events);

/* Sends an operation, in two parts, of which the second may be empty; together of TOW_PYTHON_OPERATION_MAX at
 * most. False: the host does not take it, and the owner waits for on_room. */
bool tow_python_link_send(tow_python_link *link, uint8_t operation, const void *head, size_t head_length,
    const void *bytes, size_t length);

/* Stops and restarts what is heard; some may still come. */
void tow_python_link_pause(tow_python_link *link);
void tow_python_link_resume(tow_python_link *link);

/* Closes it when all is sent; nothing is heard any more but on_closed. */
void tow_python_link_finish(tow_python_link *link);

/* Closes it now. */
void tow_python_link_drop(tow_python_link *link);

/* Frees what it holds. */
void tow_python_link_clear(tow_python_link *link);

#endif
