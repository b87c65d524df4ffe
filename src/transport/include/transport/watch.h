/* watch: tells when a descriptor that is no stream (a terminal, an eventfd, a signalfd) is readable or writable. */
#ifndef TOW_TRANSPORT_WATCH_H
#define TOW_TRANSPORT_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <towline/loop.h>

typedef struct tow_watch tow_watch;

enum { TOW_READABLE = 1, TOW_WRITABLE = 2 };

struct tow_watch { /* embedded; private but `user` */
    tow_loop *loop;
    void (*callback)(tow_watch *watch, int ready);
    void *user;
    tow_watch *next;
    int fd;
    uint8_t wanted;
    uint8_t pending;
    bool stopped;
    bool unreferenced; /* does not keep the loop alive */
};

/* Level-triggered. The descriptor stays the caller's; regular files are always ready (UNSUPPORTED: read them instead). */
int tow_watch_start(tow_watch *watch, tow_loop *loop, int fd, int wanted, void (*callback)(tow_watch *, int ready));

/* No callback afterwards; the memory may be reused after the loop's next round. */
void tow_watch_stop(tow_watch *watch);

/* Signals as events (programs only; the set is blocked in the calling thread). `callback` gets the number. */
typedef struct tow_signals {
    tow_watch watch;
    void (*callback)(struct tow_signals *signals, int number);
    void *user;
} tow_signals;
int tow_signals_start(tow_signals *signals, tow_loop *loop, const sigset_t *set, void (*callback)(tow_signals *, int));
void tow_signals_stop(tow_signals *signals);

#endif
