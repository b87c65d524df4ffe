/* worker: what one loop of a server owns: listeners, connections, counters, and the drain.
 *
 * Only what is atomic is touched by other threads: when a connection is accepted, and when something is
 * posted. */
#ifndef TOW_SERVER_WORKER_H
#define TOW_SERVER_WORKER_H

#include "base/slab.h"
#include "counters.h"
#include "listening.h"
#include "transport/listener.h"
#include "transport/loop.h"
#include "transport/timer.h"
#include "transport/tls.h"
#include "websocket/websocket.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct tow_worker tow_worker;
typedef struct tow_connection tow_connection;

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
    tow_exchange *opening; /* of the socket whose on_open runs, else NULL */
    tow_tls_context *tls;  /* NULL: connections are plain */
    tow_slab slots;
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
    uint32_t drain_next;          /* the slot with which the drain goes on */
    bool runs;                    /* tow_worker_run is under way */
    bool drain_is_late;           /* the deadline is over: what is left is reset */
    _Atomic int64_t load;         /* connections that it has or is about to get */
    _Atomic int64_t incoming;     /* bytes of letters and descriptors that it has not looked at yet */
    _Atomic uint64_t over_posted; /* posts that were refused for that: max_posted */
    _Atomic int64_t callers;      /* threads that are just about to leave one */
    atomic_bool accepting;        /* they may */
    tow_row row;
    _Atomic(tow_letter *) stop; /* made ahead, as nothing can be made where it is sent; NULL: it is */
};

/* Makes a worker on a loop: takes the sites' sockets (the first worker) or opens its own, and starts to
 * accept. Errors: as tow_listen_socket and tow_listener_start, MEMORY; nothing is left on the loop then but
 * listeners that were stopped. */
int tow_worker_begin(tow_worker *worker, tow_loop *loop, bool is_first);

/* Any thread. Counts bytes of a letter that is about to be left; false when more than max_posted waits. */
bool tow_worker_reserve(tow_worker *worker, size_t bytes);

/* Any thread. Leaves such a letter for the worker; false when the worker takes none (any more). */
bool tow_worker_post(tow_worker *worker, tow_letter *letter);

/* The letter was opened, or not left. */
void tow_worker_opened(tow_worker *worker, size_t bytes);

/* After an error of its loop: nobody leaves letters any more when this returns. */
void tow_worker_refuse_letters(tow_worker *worker);

/* Any thread, and signal handlers: the worker drains soon, or as soon as it begins. */
void tow_worker_stop(tow_worker *worker);

/* Any thread, while the loop is there. Connections that come from some round on get the certificate that was
 * read last; does nothing if none will come any more. Errors: MEMORY. */
int tow_worker_reload(tow_worker *worker);

/* Runs the loop until the drain is done. Errors: as tow_loop_run. */
int tow_worker_run(tow_worker *worker);

/* When nothing runs any more: takes it off its loop, where its connections are reset and their sockets'
 * on_close comes; they may take a while to go. Does nothing if it never began, or its loop is gone. */
void tow_worker_abandon(tow_worker *worker);

/* When nothing runs any more: frees what the worker holds. A second call does nothing. */
void tow_worker_end(tow_worker *worker);

/* A connection of this worker is gone: perhaps it was the last that the drain waited for. */
void tow_worker_connection_gone(tow_worker *worker);

#endif
