/* server: what all workers of one server share. Made before they run; afterwards only read, but for the
 * atomics. */
#ifndef TOW_SERVER_SERVER_H
#define TOW_SERVER_SERVER_H

#include "listening.h"
#include "server/address_table.h"
#include "server/host.h"
#include "server/route.h"
#include "secrecy.h"
#include "settings.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum tow_server_state {
    TOW_SERVER_MADE,      /* routes are added */
    TOW_SERVER_LISTENING, /* listeners are open */
    TOW_SERVER_RUNNING,   /* tow_server_run is under way */
    TOW_SERVER_RAN
} tow_server_state;

struct tow_server {
    tow_settings settings;
    tow_route_defaults route_defaults;
    tow_routes routes;
    tow_routes status_routes;
    tow_host_rule host_rule;
    tow_host_rule status_host_rule;
    tow_address_table *addresses; /* NULL without a limit for each address */
    tow_sites sites;
    tow_secrecy secrecy;
    tow_loop *loop; /* of the first worker */
    bool owns_loop;
    _Atomic tow_server_state state;
    tow_worker *workers;
    size_t worker_count;
    int64_t started;       /* wall time in seconds */
    pthread_mutex_t mutex; /* guards tow_worker.loop against its end; not for the data path */
    _Atomic int64_t connections;
    atomic_bool stopping;
    atomic_bool draining; /* and a worker has begun to drain */
    atomic_int others;    /* further workers that have not ended; the first one ends last */
    atomic_int error;     /* the first that ended a worker */
    bool freed;           /* by its owner: it goes with its last connection */
};

/* Of a server that was freed: its memory goes if nothing of it is left on its loop. */
void tow_server_connection_gone(tow_server *server);

#endif
