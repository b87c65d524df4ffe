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
typedef struct tow_nursery tow_nursery;

/* A child among those of its nursery. */
typedef struct tow_kin {
    struct tow_kin *next;
    pid_t pid;
    uint64_t number;
} tow_kin;

/* `status`: as a shell tells it, 0 to 255: what it exited with, or 128 and the signal's number. The child's
 * memory may be used again. */
typedef void (*tow_child_on_exit)(tow_child *child, int status);

struct tow_child { /* embedded; zeroed: not in use. Private but `user`. */
    tow_watch watch;
    tow_timer timer; /* until the group is killed */
    tow_child_on_exit on_exit;
    void (*on_start)(tow_child *child);
    void *user;
    tow_child *next, **previous; /* of the loop's */
    tow_nursery *nursery;        /* NULL: none */
    tow_kin kin;
    struct tow_birth *birth; /* it is being started; NULL: it runs, or there is none */
    pid_t pid;               /* 0: none, or not yet */
    int error;               /* why it has not begun to run; 0: it has */
    int patience;            /* in seconds, if it is to end when it is there; 0: it is not */
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
    tow_nursery *nursery;           /* that looks after it; lives longer than the loop. Default none */
    /* With a nursery: it is started on a thread of that, and this comes when it runs. */
    void (*on_start)(tow_child *child);
} tow_child_options;

/* Runs it. What is written to descriptors[0] is its standard input, what it writes is read from [1], and from
 * [2] (-1 without `with_errors`): sockets, the caller's, so that input that it leaves unread spoils none of
 * its output. The loop is kept alive until on_exit; one that is freed before gives all of them a second to
 * end by SIGTERM, kills their groups, and has on_exit called. Keeps `user`. Errors: NAME_NOT_FOUND (no such
 * command or directory), NO_PROGRAM, INTERPRETER (of a name with a slash), PERMISSION, DESCRIPTORS, MEMORY,
 * SYSTEM, UNSUPPORTED (simulated loop).
 *
 * With `on_start` this returns before it is started, and what is written to it waits in the socket; on_start
 * or on_exit, with tow_child_error, follow. */
int tow_child_start(tow_child *child, tow_loop *loop, const tow_child_options *options,
    tow_child_on_exit on_exit, int descriptors[3]);

/* Whether it runs, or is about to. */
bool tow_child_is_there(const tow_child *child);

/* For on_exit: why it has not run at all, one of the errors of tow_child_start; 0: it has, or was not wanted
 * any more. */
int tow_child_error(const tow_child *child);

/* Ends its group: SIGTERM now, SIGKILL when it still runs after so many seconds; on_exit follows. Whether it
 * ends by itself meanwhile or has ended already does not matter. */
void tow_child_end(tow_child *child, int seconds);

#endif
