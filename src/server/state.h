/* state: what a server is made of: what all its workers share, made before they run and afterwards only read,
 * but for the atomics; and what each of them has, of which other threads touch only what is atomic: when a
 * connection is accepted, and when something is posted. */
#ifndef TOW_SERVER_STATE_H
#define TOW_SERVER_STATE_H

#include "base/slab.h"
#include "counters.h"
#include "listening.h"
#include "routing.h"
#include "rules.h"
#include "secrecy.h"
#include "server/address_table.h"
#include "server/descriptors.h"
#include "settings.h"
#include "subscribers.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "transport/tls.h"
#include "transport/watch.h"
#include "websocket/websocket.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

typedef enum tow_server_state {
    TOW_SERVER_MADE,
    TOW_SERVER_LISTENING, /* listeners are open */
    TOW_SERVER_RUNNING,   /* tow_server_run is under way */
    TOW_SERVER_RAN
} tow_server_state;

struct tow_server {
    tow_settings settings;
    tow_route_defaults route_defaults;
    tow_routing routing;
    tow_routes status_routes;
    tow_rules *rules;             /* the newest, under the mutex once workers run */
    tow_address_table *addresses; /* NULL without a limit for each address */
    tow_sites sites;
    tow_secrecy secrecy;
    tow_hub *hub;
    tow_loop *loop; /* of the first worker */
    bool owns_loop;
    _Atomic tow_server_state state;
    tow_worker *workers;
    size_t worker_count;
    int64_t started; /* wall time in seconds */
    pthread_mutex_t
        mutex; /* guards tow_worker.loop against its end, guests, metrics; not for the data path */
    struct tow_guest *guests;
    struct tow_metric *metrics; /* under the mutex */
    _Atomic int64_t connections;
    tow_descriptors *descriptors;             /* that these have, and handlers for them; held */
    _Atomic int64_t carried;                  /* sockets over other carriers */
    _Atomic(struct tow_entrance *) entrances; /* the list only grows, at its head */
    atomic_bool stopping;
    atomic_bool draining; /* and a worker has begun to drain */
    sem_t begun;          /* posted by each further worker that accepts, or has failed */
    atomic_int others;    /* further workers that have not ended; the first one ends last */
    atomic_int error;     /* the first that ended a worker */
    /* of one inside of another server: see hosted.h */
    size_t lent_next;             /* so many workers were lent, those behind the first; under the mutex */
    atomic_int lent;              /* and not given back */
    _Atomic(tow_worker *) leader; /* steps the first worker's loop; NULL: nobody; set under the mutex */
    tow_watch first_watch;        /* on the leader's loop: of that loop */
    /* Of one that was freed by its owner, else NULL: a connection or a letter is gone, perhaps the last. */
    void (*on_gone)(tow_server *server);
};

/* What is left of it on its loop does nothing any more, and keeps its memory. */
static inline bool tow_server_is_freed(const tow_server *server) {
    return server->on_gone != NULL;
}

/* A listener and what its connections are. */
typedef struct tow_port {
    tow_listener listener; /* first: found by a cast */
    tow_worker *worker;
    bool status;
    bool local; /* a Unix socket: no address, no rule for Host */
} tow_port;

/* What was posted last to a single id: post.c adds further ids to it. */
typedef struct tow_row {
    pthread_mutex_t mutex; /* of those who post; the worker's thread never waits for it */
    struct tow_post *last; /* NULL: none that ids may be added to */
    size_t length;         /* ids in a row that its message went to */
} tow_row;

typedef enum tow_drain_state {
    TOW_SERVING,
    TOW_DRAINING,   /* waits for connections to end */
    TOW_ENDING,     /* the --status connections are reset */
    TOW_WORKER_DONE /* nothing is left on the loop */
} tow_drain_state;

struct tow_worker {
    tow_server *server;
    tow_loop *loop; /* NULL before it begins and after its end: see tow_server.mutex */
    tow_websocket_context *context;
    tow_exchange *opening;        /* of the socket whose on_open runs, else NULL */
    struct tow_connection *opens; /* that socket's */
    tow_tls_context *tls;         /* NULL: connections are plain */
    tow_tls_context *next_tls;    /* to take its place; NULL: none; under the server's mutex */
    tow_snapshot *routes;         /* of which it knows: see tow_routing_look */
    tow_rules *rules;             /* the same, held */
    tow_slab slots;
    tow_worker_channels channels;
    tow_port *ports;
    size_t port_count;
    tow_server_counters counters;
    uint32_t refusing; /* connections over a limit that get their 503 */
    uint32_t status_count;
    int64_t starved;     /* when the log was told that accepting rests; 0: never */
    uint32_t retained;   /* slots of connections that are gone, but for their sockets */
    uint32_t generation; /* of the last connection */
    tow_drain_state drain;
    tow_timer drain_timer;
    int64_t drain_deadline;
    uint32_t drain_next; /* the slot with which the drain goes on */
    bool runs;           /* tow_worker_run is under way */
    bool lent;           /* to a thread of who hosts the server: while it has no connection, no
                            letters are taken, and what is posted has nobody to go to */
    bool serves;         /* it has one; under the server's mutex */
    bool drain_is_late;  /* the deadline is over: what is left is reset */
    void (*on_gone)(tow_worker *worker); /* a connection is gone */
    _Atomic int64_t load;                /* connections that it has or is about to get */
    _Atomic int64_t incoming;            /* bytes of letters and descriptors that it has not looked at yet */
    _Atomic uint64_t over_posted;        /* posts that were refused for that: max_posted */
    _Atomic int64_t callers;             /* threads that are just about to leave one */
    atomic_bool accepting;               /* they may */
    atomic_bool accepting_from_workers;  /* other workers may: also while it drains */
    tow_row row;
    _Atomic(tow_letter *) stop; /* made ahead, as nothing can be made where it is sent; NULL: it is */
};

#endif
