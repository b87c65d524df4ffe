/* child: a command as a child process, its standard input and output on a socket each, its end as an event.
 *
 * The command leads a process group of its own, with all that it starts, begins with default signals and none
 * blocked, and has no descriptor of ours but standard error. Not in the simulator. */
#ifndef TOW_TRANSPORT_CHILD_H
#define TOW_TRANSPORT_CHILD_H

#include "transport/timer.h"
#include "transport/watch.h"

#include <sys/types.h>

typedef struct tow_child tow_child;

/* `status`: as a shell tells it, 0 to 255: what it exited with, or 128 and the signal's number. The child's
 * memory may be used again. */
typedef void (*tow_child_on_exit)(tow_child *child, int status);

struct tow_child { /* embedded; zeroed: not in use. Private but `user`. */
    tow_watch watch;
    tow_timer timer; /* until the group is killed */
    tow_child_on_exit on_exit;
    void *user;
    pid_t pid; /* 0: none */
};

/* Runs arguments[0], looked for in PATH unless it has a slash; the list ends with NULL, and so does
 * `environment` ("NAME=VALUE"), which may be NULL for our own. What is written to *input is its standard
 * input, what it writes is read from *output: two sockets, the caller's, so that input that it leaves unread
 * spoils none of its output. The loop is kept alive until on_exit. Keeps `user`. Errors: NAME_NOT_FOUND (no
 * such command), PERMISSION, DESCRIPTORS, MEMORY, SYSTEM, UNSUPPORTED (simulated loop). */
int tow_child_start(tow_child *child, tow_loop *loop, const char *const *arguments,
    const char *const *environment, tow_child_on_exit on_exit, int *input, int *output);

/* Ends its group: SIGTERM now, SIGKILL when it still runs after so many seconds; on_exit follows. Whether it
 * ends by itself meanwhile or has ended already does not matter. */
void tow_child_end(tow_child *child, int seconds);

/* Kills its group and waits for it here, without on_exit: when its loop is not run any more, or gone. */
void tow_child_clear(tow_child *child);

#endif
