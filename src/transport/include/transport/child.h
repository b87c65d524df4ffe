/* child: a command as a child process, its standard input and output on a socket each, its end as an event.
 *
 * The command leads a process group of its own, with all that it starts, begins with default signals and none
 * blocked, and has no descriptor of ours but standard error, if that is not read, and one that is handed to
 * it. Not in the simulator. */
#ifndef TOW_TRANSPORT_CHILD_H
#define TOW_TRANSPORT_CHILD_H

#include "transport/timer.h"
#include "transport/watch.h"

#include <stdbool.h>
#include <stdint.h>
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
    tow_child *next, **previous; /* of the loop's */
    pid_t pid;                   /* 0: none */
};

/* Zero means the default. */
typedef struct tow_child_options {
    const char *const *arguments; /* the first is looked for in PATH unless it has a slash; ends with NULL */
    const char *const *environment; /* "NAME=VALUE"; ends with NULL; default our own */
    const char *directory;          /* where it runs; default where we do */
    bool with_errors;               /* its standard error is read as well; else it is ours */
    int handed;                     /* a descriptor that it has as 3; default none */
    int64_t max_memory;             /* bytes of address space; default as ours */
    int64_t max_cpu_seconds;        /* default as ours */
} tow_child_options;

/* Runs it. What is written to descriptors[0] is its standard input, what it writes is read from [1], and from
 * [2] (-1 without `with_errors`): sockets, the caller's, so that input that it leaves unread spoils none of
 * its output. The loop is kept alive until on_exit; one that is freed before gives all of them a second to
 * end by SIGTERM, kills their groups, and has on_exit called. Keeps `user`. Errors: NAME_NOT_FOUND (no such
 * command or directory), NO_PROGRAM, INTERPRETER (of a name with a slash), PERMISSION, DESCRIPTORS, MEMORY,
 * SYSTEM, UNSUPPORTED (simulated loop). */
int tow_child_start(tow_child *child, tow_loop *loop, const tow_child_options *options,
    tow_child_on_exit on_exit, int descriptors[3]);

/* Ends its group: SIGTERM now, SIGKILL when it still runs after so many seconds; on_exit follows. Whether it
 * ends by itself meanwhile or has ended already does not matter. */
void tow_child_end(tow_child *child, int seconds);

#endif
