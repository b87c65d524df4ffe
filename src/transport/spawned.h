/* spawned: a command becomes a process, with what it is watched by. The thread that asks for it stands still
 * until the process has become the command; it may be any. */
#ifndef TOW_TRANSPORT_SPAWNED_H
#define TOW_TRANSPORT_SPAWNED_H

#include "transport/child.h"

typedef struct tow_spawned {
    pid_t pid;
    int fd; /* its pidfd */
} tow_spawned;

/* Starts it with these standard streams (-1: ours). Errors: those of tow_child_start; then nothing runs. */
int tow_spawn(tow_spawned *spawned, const tow_child_options *options, const int ends[3]);

/* Has it end, with its group, and waits for that. */
void tow_spawned_kill(const tow_spawned *spawned);

/* What is left of it when it has exited, and of its group: returns its status, as a shell tells it, or -1
 * where it has not exited. `options` of waitid: WNOHANG or 0. */
int tow_spawned_reap(pid_t pid, int options);

#endif
