#include "server/hosted.h"

#include "connection.h"
#include "guests.h"
#include "incoming.h"
#include "worker.h"

#include <towline/error.h>

/* For what a connection leaves behind: bytes to a handler's process, the end of a program. */
#define REST_SECONDS 5

/* Borrowing. */

static int begin_on_loop(tow_server *server, tow_worker *worker, tow_loop *loop) {
    int error = tow_worker_begin(worker, loop, false);
    if (error != 0) {
        tow_worker_end(worker);
        worker->loop = NULL;
        return error;
    }
    worker->lent = true;
    server->lent_next++;
    atomic_fetch_add(&server->lent, 1);
    return 0;
}

/* Under the mutex, as tow_server_reload and others look at the loops of workers. */
static int lend_next(tow_server *server, tow_worker **worker, tow_loop *loop) {
    size_t next = server->lent_next + 1;
    if (server->state != TOW_SERVER_LISTENING || next >= server->worker_count)
        return TOW_ERROR_STATE;
    *worker = &server->workers[next];
    return begin_on_loop(server, *worker, loop);
}

static void rest(tow_worker *worker);

int tow_server_lend(tow_server *server, tow_worker **worker) {
    tow_loop *loop;
    tow_worker *next = NULL;
    int error = tow_loop_new(&loop, &(tow_loop_options){.io = server->settings.io});
    if (error != 0)
        return error;
    pthread_mutex_lock(&server->mutex);
    error = lend_next(server, &next, loop);
    pthread_mutex_unlock(&server->mutex);
    if (error != 0) {
        tow_loop_free(loop);
        return error;
    }
    rest(next);
    *worker = next;
    return 0;
}

bool tow_server_has_route(tow_server *server, const char *path) {
    tow_snapshot *snapshot = NULL;
    const tow_routes *routes = tow_routing_look(&server->routing, &snapshot);
    bool is_there = tow_routes_find(routes, tow_slice_from(path)) != NULL;
    tow_snapshot_release(snapshot);
    return is_there;
}

tow_loop *tow_lent_loop(const tow_worker *worker) {
    return worker->loop;
}

void tow_lent_return(tow_worker *worker) {
    if (worker == NULL)
        return;
    tow_server *server = worker->server;
    tow_loop *loop = worker->loop;
    tow_guests_leave_worker(worker);
    tow_worker_abandon(worker);
    pthread_mutex_lock(&server->mutex);
    worker->loop = NULL;
    pthread_mutex_unlock(&server->mutex);
    tow_loop_free(loop);
    tow_worker_end(worker);
    atomic_fetch_sub(&server->lent, 1);
}

int tow_server_lent_count(const tow_server *server) {
    return atomic_load(&server->lent);
}

/* While a worker has no connection nothing is left for it: whoever posts finds that the socket is gone. */

static void rest(tow_worker *worker) {
    tow_worker_refuse_letters(worker);
    while (tow_worker_expects_something(worker))
        (void)tow_loop_step(worker->loop);
}

/* What it was not told of meanwhile it finds out by itself. */
static void wake(tow_worker *worker) {
    if (worker->drain != TOW_SERVING)
        return;
    tow_worker_accept_letters(worker);
    tow_worker_take_rules(worker);
    tow_guests_dismissed_leave_worker(worker);
    if (atomic_load(&worker->server->stopping))
        tow_worker_stop(worker);
}

/* The first worker's loop. */

static void step_first(tow_watch *watch, int ready) {
    (void)ready;
    (void)tow_loop_step(((tow_server *)watch->user)->loop);
}

/* Under the mutex. Without memory or descriptors for it the next round tries again. */
static void begin_to_lead(tow_worker *worker) {
    tow_server *server = worker->server;
    int fd = tow_loop_fd(server->loop);
    server->first_watch = (tow_watch){.user = server, .unreferenced = true};
    if (fd >= 0 && tow_watch_start(&server->first_watch, worker->loop, fd, TOW_READABLE, step_first) == 0)
        atomic_store(&server->leader, worker);
}

static void lead_if_nobody_does(tow_worker *worker) {
    tow_server *server = worker->server;
    if (atomic_load(&server->leader) != NULL)
        return;
    pthread_mutex_lock(&server->mutex);
    if (atomic_load(&server->leader) == NULL)
        begin_to_lead(worker);
    pthread_mutex_unlock(&server->mutex);
}

/* Under the mutex. Whoever is woken leads, or, when its own connection is over, wakes the next. */
static void wake_another(tow_server *server) {
    for (size_t i = 1; i <= server->lent_next; i++) {
        if (!server->workers[i].serves)
            continue;
        tow_loop_stop(server->workers[i].loop);
        return;
    }
}

static void stop_leading(tow_worker *worker) {
    tow_server *server = worker->server;
    pthread_mutex_lock(&server->mutex);
    worker->serves = false;
    if (atomic_load(&server->leader) == worker) {
        tow_watch_stop(&server->first_watch);
        atomic_store(&server->leader, NULL);
    }
    if (atomic_load(&server->leader) == NULL)
        wake_another(server);
    pthread_mutex_unlock(&server->mutex);
}

/* Serving. */

int tow_lent_begin(tow_worker *worker, const tow_hosted *hosted, tow_byte_stream **stream) {
    wake(worker);
    int error = tow_connection_host(worker, hosted, stream);
    if (error != 0) {
        rest(worker);
        return error;
    }
    pthread_mutex_lock(&worker->server->mutex);
    worker->serves = true;
    pthread_mutex_unlock(&worker->server->mutex);
    return 0;
}

static bool has_connection(const tow_worker *worker) {
    return worker->slots.used > worker->retained;
}

static void no_more(tow_timer *timer) {
    (void)timer; /* the round that it ends was the last */
}

/* What is on the loop beside the connection's stream. */
static void serve_rest(tow_worker *worker) {
    tow_loop *loop = worker->loop;
    tow_timer patience = {0};
    tow_timer_set(loop, &patience, tow_loop_now(loop) + REST_SECONDS * TOW_SECOND, no_more);
    while (tow_timer_is_set(&patience) && tow_loop_open_count(loop) > 0 && tow_loop_round(loop) >= 0)
        lead_if_nobody_does(worker);
    tow_timer_cancel(loop, &patience);
}

void tow_lent_serve(tow_worker *worker) {
    int result = 0;
    while (result >= 0 && has_connection(worker)) {
        lead_if_nobody_does(worker);
        result = tow_loop_round(worker->loop);
    }
    serve_rest(worker);
    stop_leading(worker);
    rest(worker);
}
