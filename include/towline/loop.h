/* towline/loop.h: the event loop that a connection lives on.
 *
 * A loop belongs to the thread that steps it. Only tow_loop_post and tow_loop_stop may be called from others,
 * and of these only tow_loop_stop in a signal handler.
 *
 * A loop does not cross fork(2): the child calls nothing for a loop that was made before, nor for what lives
 * on it, not even to free it, and goes on to exec or _exit. The library's descriptors are closed by exec. Who
 * wants several processes forks first and makes loops then.
 *
 *     tow_loop *loop;
 *     if (tow_loop_new(&loop, NULL) != 0) return 1;
 *     ... tow_websocket_open(&socket, loop, url, &options) ...
 *     tow_loop_run(loop);
 *     tow_loop_free(loop);
 */
#ifndef TOWLINE_LOOP_H
#define TOWLINE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_loop tow_loop;

/* How the loop asks the kernel. AUTO takes io_uring where the kernel allows it, else epoll. */
typedef enum tow_io { TOW_IO_AUTO, TOW_IO_URING, TOW_IO_EPOLL } tow_io;

typedef struct tow_loop_options {
    tow_io io; /* default TOW_IO_AUTO */
    /* Host names are looked up by the loop itself, in /etc/hosts and by DNS. Where the line of hosts in
     * /etc/nsswitch.conf names another service (mdns, resolve ...) the system is asked instead, by
     * getaddrinfo, on one thread that the loop makes for that: should it get stuck, only names wait, for 30
     * seconds at most. True: never; names that only such a service knows are not found then. */
    bool no_name_thread;
} tow_loop_options;

/* Makes a loop. `options` may be NULL. The loop is the caller's until tow_loop_free.
 * Errors: ARGUMENT, MEMORY, DESCRIPTORS, UNSUPPORTED (io_uring asked for by name and refused by the kernel),
 * SYSTEM. */
int tow_loop_new_sized(tow_loop **loop, const tow_loop_options *options, size_t options_size);
static inline int tow_loop_new(tow_loop **loop, const tow_loop_options *options) {
    return tow_loop_new_sized(loop, options, sizeof(tow_loop_options));
}

/* Frees a loop on which nothing is open any more, on the thread that has stepped it, if any has; timers are
 * stopped. NULL is allowed. */
void tow_loop_free(tow_loop *loop);

/* Runs until nothing that keeps a loop alive is left (open connections, listeners, timers that are started),
 * or until tow_loop_stop. Returns 0, STATE (inside one of the loop's own callbacks), or SYSTEM. */
int tow_loop_run(tow_loop *loop);

/* Makes tow_loop_run return at the end of the current round, or the next one at once. From any thread, and in
 * a signal handler: it takes no lock and no memory, and leaves errno alone. */
void tow_loop_stop(tow_loop *loop);

/* A descriptor that becomes readable when tow_loop_step has something to do: for poll, epoll, libuv, GLib and
 * the like. It stays the loop's. */
int tow_loop_fd(tow_loop *loop);

/* Does what is ready and returns without waiting; returns 1 while the loop is alive, 0 when nothing keeps it
 * alive any more, or the errors of tow_loop_run. */
int tow_loop_step(tow_loop *loop);

/* The monotonic time of the current round, in nanoseconds. */
int64_t tow_loop_now(const tow_loop *loop);

/* Runs `task(argument)` on the loop's thread in its next round; never, when the loop is freed before. From
 * any thread. Errors: ARGUMENT, MEMORY. */
int tow_loop_post(tow_loop *loop, void (*task)(void *argument), void *argument);

/* "io_uring", "epoll" or "simulated": a static string. */
const char *tow_loop_io(const tow_loop *loop);

#ifdef __cplusplus
}
#endif

#endif
