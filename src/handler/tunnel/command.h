/* command: a command as a byte stream: what is written is its standard input, what it writes is what comes.
 * It ends when it has exited and all of its output has been told; with which status it did is asked then.
 * What it leaves unread is dropped, as in a pipe of a shell. */
#ifndef TOW_HANDLER_TUNNEL_COMMAND_H
#define TOW_HANDLER_TUNNEL_COMMAND_H

#include "transport/child.h"

#include <stdbool.h>
#include <towline/stream.h>

typedef struct tow_command tow_command;

struct tow_command { /* embedded; zeroed: none. Private */
    tow_child child;
    tow_byte_stream *handle; /* the owner's; NULL: gone */
    tow_byte_stream *input;  /* NULL: nothing is read any more */
    tow_byte_stream *output;
    void (*on_exit)(tow_command *command);
    int status;
    bool output_ended;
    bool closed; /* by the owner */
};

/* Has a shell run it. `on_exit` comes once for a command that runs when this returns, also with an error; its
 * memory is in use until then and until the stream's on_closed. Closing the stream ends what still runs.
 * Errors: as tow_child_start. */
int tow_command_start(tow_command *command, tow_byte_stream **stream, tow_loop *loop, const char *text,
    const tow_byte_stream_options *options, void (*on_exit)(tow_command *command));

/* Whether it has not exited yet. */
bool tow_command_runs(const tow_command *command);

/* As a shell tells it, when it has exited. 0 if there was none. */
int tow_command_status(const tow_command *command);

/* Kills it, without on_exit: when its loop is not run any more, or gone. */
void tow_command_clear(tow_command *command);

#endif
