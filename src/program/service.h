/* service: what runs until SIGTERM or SIGINT: a log, a loop, signals, and a tick each second.
 *
 * SIGHUP opens the log again and reloads; the first SIGTERM or SIGINT stops, a second SIGINT leaves at once.
 */
#ifndef TOW_PROGRAM_SERVICE_H
#define TOW_PROGRAM_SERVICE_H

#include "base/log.h"
#include "heap.h"
#include "serve.h"
#include "transport/timer.h"
#include "transport/watch.h"

#include <stdatomic.h>

typedef struct tow_service tow_service;

typedef struct tow_service_kind {
    void (*on_stop)(tow_service *service);   /* ends all that keeps the loop running */
    void (*on_reload)(tow_service *service); /* may be NULL, and so may be the next */
    void (*on_tick)(tow_service *service);
} tow_service_kind;

struct tow_service { /* the first three are set, the rest is zeroed */
    const tow_service_kind *kind;
    const tow_options *options;         /* of its command */
    const tow_serve_settings *settings; /* a part of theirs, or made of it */
    tow_log *log;
    tow_loop *loop;
    tow_signals signals;
    tow_timer tick;
    tow_heap heap;
    bool draining;
    atomic_bool has_failed; /* the log was told of an error */
};

/* Opens log and loop and takes the signals over, before any thread is made. What goes wrong was told. */
int tow_service_begin(tow_service *service);

/* Takes what a service manager said of sockets out of the environment: children must not take ours for
 * theirs.
 */
void tow_service_forget_sockets(void);

/* Starts the tick, which keeps the loop running until it is stopped. */
void tow_service_tick(tow_service *service);

/* Frees all of it; nothing is open on the loop any more. */
void tow_service_end(tow_service *service);

/* A line on standard error, behind the command's name: before the log is open, or for whoever started us. */
__attribute__((format(printf, 2, 3))) void tow_service_complain(
    const tow_service *service, const char *format, ...);

/* As above: why an address, given by this option, can't be listened on, and what to do about it. */
void tow_service_complain_of_address(
    const tow_service *service, const char *option, const char *address, int error);

/* --max-connections for connections that take more than their own descriptor: as it was given, with a line in
 * the log if that is more than is possible; otherwise that. When the service has begun. */
int64_t tow_service_max_connections(tow_service *service, int workers, int descriptors_each);

/* A line for the log; any thread. */
__attribute__((format(printf, 3, 4))) void tow_service_say(
    tow_service *service, int level, const char *format, ...);
void tow_service_log(tow_service *service, const tow_log_entry *entry);

#endif
