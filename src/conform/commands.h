/* commands: clients under test as commands, one for each case: started, given time, and ended if they hang.
 */
#ifndef TOW_CONFORM_COMMANDS_H
#define TOW_CONFORM_COMMANDS_H

#include "suite.h"
#include "transport/watch.h"

#include <sys/types.h>

struct commands;

/* A command that plays one case. */
typedef struct client_command {
    tow_watch watch; /* first: of the process */
    tow_timer timer; /* when it has had time enough */
    struct commands *all;
    size_t index; /* of the case */
    pid_t pid;
    int pidfd;
    bool used;
    bool killed;
} client_command;

enum { COMMANDS_MAX = 64 };

typedef struct commands {
    conform_suite *suite;
    tow_loop *loop;
    const char *text; /* with {url} in it */
    const char *base; /* of the URL: "ws://127.0.0.1:9001" */
    client_command list[COMMANDS_MAX];
    int running;
    int error;
    void (*on_done)(struct commands *commands);
    void *user;
} commands;

/* Starts as many as may run at once; the rest follows, then on_done. */
void tow_conform_commands_start(commands *commands);

/* The case's conversation is over: its command has little time left. */
void tow_conform_commands_case_done(commands *commands, size_t index);

/* Ends those that run, and starts no more. */
void tow_conform_commands_stop(commands *commands);

#endif
