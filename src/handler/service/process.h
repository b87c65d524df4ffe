/* process: a program that serves many connections, while it runs: its frames go in and out, each as fast as
 * the other side takes them; and how it ends. Which connections it serves, its owner knows. */
#ifndef TOW_HANDLER_SERVICE_PROCESS_H
#define TOW_HANDLER_SERVICE_PROCESS_H

#include "command.h"
#include "error_lines.h"
#include "service.h"

typedef struct tow_process tow_process;

typedef enum tow_process_stage {
    TOW_PROCESS_STARTING, /* it has not said that it is ready */
    TOW_PROCESS_READY,
    TOW_PROCESS_DRAINING, /* it is to end when it has acknowledged what it was given */
    TOW_PROCESS_OVER      /* its owner has let it go */
} tow_process_stage;

typedef struct tow_process_events {
    void (*on_ready)(tow_process *process);
    /* Errors: ARGUMENT (that was not given). */
    int (*on_acknowledge)(tow_process *process, uint64_t id, uint32_t count);
    void (*on_room)(tow_process *process); /* it takes more */
    /* It has ended, or is ended as it breaks the rules: all that it said was heard. The owner has let it go.
     */
    void (*on_over)(tow_process *process);
} tow_process_events;

struct tow_process {
    tow_service *service;
    const tow_process_events *events;
    void *owner;
    tow_process_stage stage;
    size_t given;     /* to it and not acknowledged: its owner's to count */
    int64_t progress; /* when something was acknowledged last, or given first */
    tow_buffer out;   /* frames for it */
    int64_t since;    /* it is in its stage; from here on private */
    tow_command command;
    tow_error_lines errors;
    tow_byte_stream *stream; /* NULL: gone */
    tow_buffer in;           /* frames of it that are not whole, or wait */
    tow_timer turn;          /* until they are looked at again */
    tow_timer watchdog;
    bool ended; /* it has exited, and what it said is here */
    char name[160];
};

/* Starts one, the `number` of `count`. Errors: as tow_child_start. */
int tow_process_start(tow_process **process, tow_service *service, size_t number, size_t count,
    const tow_process_events *events, void *owner);

/* Whether more may be appended to `out`; tow_process_flush follows. */
bool tow_process_has_room(const tow_process *process);
void tow_process_flush(tow_process *process);

/* Asks it to end, and gives it some seconds for that. */
void tow_process_drain(tow_process *process);

/* Lets it go, without on_over: it is ended, with all that it has started. */
void tow_process_let_go(tow_process *process);

#endif
