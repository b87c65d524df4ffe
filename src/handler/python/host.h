/* host: the Python process that all connections share, what it has loaded, and how it is kept running. */
#ifndef TOW_HANDLER_PYTHON_HOST_H
#define TOW_HANDLER_PYTHON_HOST_H

#include "../command.h"
#include "../error_lines.h"
#include "base/buffer.h"
#include "handler/python.h"
#include "life.h"
#include "server/descriptors.h"
#include "transport/address.h"
#include "transport/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <towline/stream.h>

typedef struct tow_python_version tow_python_version;

/* A file as it was when it was loaded. Counted by its handler and by connections, on any thread; its place in
 * the list, and all else, is the loop's. */
struct tow_python_version {
    tow_letter letter; /* first: with the last who has it, it goes on the loop */
    tow_python *python;
    tow_python_version *next, **previous;
    uint64_t number;
    _Atomic uint32_t holders;
    tow_python_on_loaded on_loaded; /* NULL: it was told */
    bool asked;                     /* for it to be loaded, and there is no answer yet */
    void *user;
    char file[];
};

struct tow_python {
    const tow_python_settings *settings;
    tow_handler_place place;
    tow_address address; /* of the socket that the process accepts from, in a folder of its own */
    char folder[64];
    int listener;            /* -1: not yet */
    tow_command command;     /* the process */
    tow_byte_stream *stream; /* its input and output; NULL: gone */
    tow_error_lines lines;   /* what it, or a handler, prints */
    tow_buffer unsaid;       /* to be written to it */
    tow_buffer unheard;      /* of an operation that has not come whole */
    tow_timer again;         /* until it is started once more */
    tow_python_life life;    /* whether it serves */
    tow_python_version *versions;
    uint64_t last_number;
    int64_t began;                /* the process that runs */
    bool ends;                    /* for good */
    bool careful;                 /* new files are loaded one by one: a process has died of one of them */
    bool speaks;                  /* the one that runs has said something */
    tow_descriptors *descriptors; /* the server's; held */
    _Atomic int connection_count;
    _Atomic bool broken; /* the last did not come to that: who comes is refused */
    pthread_mutex_t mutex;
    struct tow_python_connection *connections; /* `mutex` */
};

#endif
