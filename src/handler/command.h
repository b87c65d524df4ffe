/* command: a child process as a byte stream: what is written is its standard input, what it writes is what
 * comes. It ends when it has exited and all of its output has been told; with which status it did is asked
 * then. What it leaves unread is dropped, as in a pipe of a shell. What it has left running outside of its
 * process group may hold its output open: a second after its exit that does not count any more. */
#ifndef TOW_HANDLER_COMMAND_H
#define TOW_HANDLER_COMMAND_H

#include "transport/child.h"

#include <stdbool.h>
#include <towline/stream.h>

typedef struct tow_command tow_command;

typedef struct tow_command_options {
    tow_child_options child; /* but with_errors and on_start */
    /* With a nursery: it is started on a thread of that, and this comes when it runs. NULL: it runs when
     * tow_command_start returns. */
    void (*on_start)(tow_command *command);
    /* that it has, when the stream was closed and with that its input, before it is told to end */
    int patience_seconds;
    void (*on_exit)(tow_command *command);
    /* What it writes to standard error, borrowed. NULL: that is ours. */
    void (*on_errors)(tow_command *command, const char *bytes, size_t length);
} tow_command_options;

struct tow_command { /* embedded; zeroed: none. Private but `errors` */
    tow_child child;
    tow_timer timer;         /* until it is told to end, or is not waited for any more */
    tow_byte_stream *handle; /* the owner's; NULL: gone */
    tow_byte_stream *input;  /* NULL: nothing is read any more */
    tow_byte_stream *output;
    tow_byte_stream *errors; /* NULL: not read (any more); may be paused and resumed */
    void (*on_start)(tow_command *command);
    void (*on_exit)(tow_command *command);
    void (*on_errors)(tow_command *command, const char *bytes, size_t length);
    int patience_seconds;
    int status;
    bool output_ended;
    bool paused;
    bool closed; /* by the owner */
};

/* Runs it. `on_exit` comes once for a command that runs when this returns, also with an error; its memory is
 * in use until then and until the stream's on_closed. Closing the stream ends what still runs. Errors: as
 * tow_child_start. */
int tow_command_start(tow_command *command, tow_byte_stream **stream, tow_loop *loop,
    const tow_command_options *options, const tow_byte_stream_options *stream_options);

/* Where a command is: the name itself if it has a slash, else what PATH finds, or the name if that finds
 * nothing: to be freed. Who starts it often does not have it looked for each time. NULL without memory. */
char *tow_command_place(const char *name);

/* Why what lies at this place can't be started, as far as that is seen from outside; NULL: it can. */
const char *tow_command_problem(const char *place);

/* Whether it has not exited yet, or is about to run. */
bool tow_command_runs(const tow_command *command);

/* As a shell tells it, when it has exited. 0 if there was none. */
int tow_command_status(const tow_command *command);

/* Why it has not run at all, when on_exit says that it is over: as tow_child_error. */
int tow_command_error(const tow_command *command);

#endif
