/* service: many connections that are served by somebody else, a pool of programs or a back end: who they are,
 * what happens to them, and what is done to them by those who serve.
 *
 * Connections live on any worker; all of this is on the server's first loop, but where a comment says
 * otherwise. How they are served is a way: a table. */
#ifndef TOW_HANDLER_SERVICE_SERVICE_H
#define TOW_HANDLER_SERVICE_SERVICE_H

#include "handler/program.h"
#include "members.h"

typedef struct tow_service_way {
    /* Begins to serve; errors are told in `why`. */
    int (*begin)(tow_service *service, char why[TOW_HANDLER_TEXT_MAX]);
    void (*joined)(tow_member *member);                  /* before its first event */
    void (*event)(tow_member *member, tow_event *event); /* it is behind the others of the member */
    void (*flush)(tow_service *service);                 /* after some of these */
    void (*dropped)(tow_member *member);                 /* all events are about to be */
    void (*left)(tow_member *member);                    /* it is about to go */
    void (*reload)(tow_service *service);                /* serves anew, as after a change */
    void (*end)(tow_service *service);                   /* ends what runs, and then has the service freed */
    void (*free)(tow_service *service);                  /* nothing runs (any more): its memory goes */
    void (*request)(tow_exchange *exchange, const tow_request *request); /* any thread; may be NULL */
    int64_t max_posted; /* bytes on the way to workers; with more, who serves has to wait */
} tow_service_way;

extern const tow_service_way tow_service_pool;
extern const tow_service_way tow_service_back_end;

struct tow_service {
    void (*free)(void *user); /* first: as of whatever the kind makes */
    tow_program_settings settings;
    tow_handler_log log;
    tow_server *server;
    tow_loop *loop;
    tow_nursery *nursery;
    const tow_service_way *way;
    void *served_by;                   /* the way's */
    void (*take)(tow_letter *letters); /* of events: they have come */
    char *name;                        /* for the log */
    char *path;                        /* where it is served; NULL: the request's path */
    int max_waiting;
    size_t max_waiting_bytes; /* of all connections */
    atomic_size_t waiting_bytes;
    atomic_bool gone;   /* its route is: nothing is begun any more, and nobody told */
    atomic_bool broken; /* who serves can't be reached: new connections get 503 */
    tow_members members;
    tow_letter goodbye;
};

/* Makes one as the kind does. `name` is what the log calls it. */
int tow_service_make(tow_handler *handler, const tow_program_settings *settings, const tow_service_way *way,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]);

/* What the handler's user is, is one. */
bool tow_service_is(const void *user);
void tow_service_reload(tow_service *service);

/* Any thread: whether so much waits that no more is taken. */
static inline bool tow_service_is_full(tow_service *service) {
    return atomic_load(&service->waiting_bytes) > service->max_waiting_bytes;
}

/* Does what a frame asks for: SEND, BROADCAST, ATTACH, CLOSE. Those that are for nobody (any more) do
 * nothing. Errors: QUEUE_FULL (nothing was done: later), ARGUMENT (a frame that is another), MEMORY. */
int tow_service_act(tow_service *service, const tow_service_frame *frame);

/* Its events are dropped and it is closed with 1011; only its end is told to who knows it. */
void tow_service_abandon(tow_member *member, const char *reason);
/* The same with 1008. */
void tow_service_refuse(tow_member *member, const char *reason);

/* It has closed, and that was acknowledged. */
void tow_service_remove(tow_member *member);

/* A line of the log. */
__attribute__((format(printf, 3, 4))) void tow_service_log_line(
    const tow_service *service, int level, const char *format, ...);

/* Of a way that has ended: the service goes. */
void tow_service_over(tow_service *service);

#endif
