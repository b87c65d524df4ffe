/* watch: tells when a descriptor that is no stream (a terminal, an eventfd, a signalfd) is readable or
 * writable. */
#ifndef TOW_TRANSPORT_WATCH_H
#define TOW_TRANSPORT_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <towline/loop.h>

typedef struct tow_watch tow_watch;

/* HUNG_UP: the peer of a socket has ended its side, whatever it has sent before. */
enum { TOW_READABLE = 1, TOW_WRITABLE = 2, TOW_HUNG_UP = 4 };

struct tow_watch { /* embedded; zeroed: not in use. Private but `user` and `unreferenced`, which are the
                      caller's to set. */
    tow_loop *loop;
    void (*callback)(tow_watch *watch, int ready);
    void *user;
    void *request; /* io_uring's poll under way */
    int fd;
    uint8_t wanted;
    bool started;
    bool unreferenced; /* does not keep the loop alive; set before the start */
};

/* Level-triggered. The descriptor stays the caller's, who closes it after tow_watch_stop; one watch a
 * descriptor. A descriptor that is broken is ready for all that is wanted. Files and folders are always ready
 * (UNSUPPORTED: read them instead). Errors: MEMORY, SYSTEM. */
int tow_watch_start(
    tow_watch *watch, tow_loop *loop, int fd, int wanted, void (*callback)(tow_watch *, int ready));

/* No callback afterwards; the memory may be reused after the loop's current round, at once if it is not being
 * stepped. */
void tow_watch_stop(tow_watch *watch);

/* Signals as events (programs only; the set is blocked in the calling thread, and stays so). `callback` gets
 * the number. They do not keep the loop alive. */
typedef struct tow_signals {
    tow_watch watch;
    void (*callback)(struct tow_signals *signals, int number);
    void *user;
} tow_signals;
int tow_signals_start(
    tow_signals *signals, tow_loop *loop, const sigset_t *set, void (*callback)(tow_signals *, int));
void tow_signals_stop(tow_signals *signals);

#endif
