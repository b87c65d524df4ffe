#include "placing.h"

#include "connection.h"
#include "incoming.h"
#include "transport/inherited.h"

#include <stdlib.h>
#include <towline/error.h>

/* The limit is exact over all workers. */
static bool enter_server(tow_server *server) {
    if (atomic_fetch_add_explicit(&server->connections, 1, memory_order_relaxed) <
            server->settings.max_connections &&
        tow_descriptors_enter(server->descriptors))
        return true;
    atomic_fetch_sub_explicit(&server->connections, 1, memory_order_relaxed);
    return false;
}

static void leave_server(tow_server *server) {
    atomic_fetch_sub_explicit(&server->connections, 1, memory_order_relaxed);
    tow_descriptors_give(server->descriptors, 1);
}

static int64_t load_of(tow_worker *worker) {
    return atomic_load_explicit(&worker->load, memory_order_relaxed);
}

static void add_load(tow_worker *worker, int64_t change) {
    atomic_fetch_add_explicit(&worker->load, change, memory_order_relaxed);
}

/* The worker with the least load, when this one is more than an eighth above it; else this one. */
static tow_worker *choose(tow_worker *worker) {
    tow_server *server = worker->server;
    tow_worker *least = worker;
    for (size_t i = 0; i < server->worker_count; i++) {
        tow_worker *other = &server->workers[i];
        if (load_of(other) < load_of(least) && atomic_load(&other->accepting))
            least = other;
    }
    int64_t ours = load_of(worker);
    return (ours - load_of(least)) * 8 > ours ? least : worker;
}

/* A descriptor on its way to a worker. */
typedef struct transfer {
    tow_letter letter; /* first */
    tow_worker *to;
    int fd;
    bool local;
    bool adopted; /* accepted by somebody else: not counted as such yet */
    bool refused; /* over max_connections: not counted as a connection */
} transfer;

static void open_refused(tow_worker *worker, int fd, bool local) {
    tow_count(&worker->counters.over_connections);
    tow_connection_open(worker, fd, TOW_CONNECTION_REFUSED, local);
}

/* Only now it is the server's for good. */
static bool take_adopted(const transfer *arrived) {
    tow_count(&arrived->to->counters.accepted);
    return tow_connection_inherit(arrived->fd, arrived->local) == 0;
}

static void arrive(const transfer *arrived) {
    tow_worker *worker = arrived->to;
    bool serves = worker->drain == TOW_SERVING && (!arrived->adopted || take_adopted(arrived));
    if (arrived->refused && serves)
        open_refused(worker, arrived->fd, arrived->local);
    else if (arrived->refused)
        tow_loop_discard(worker->loop, arrived->fd);
    else if (serves)
        tow_connection_open(worker, arrived->fd, TOW_CONNECTION_SERVED, arrived->local);
    else
        tow_connection_abandon(worker, arrived->fd);
}

static void transfers_arrive(tow_letter *letters) {
    while (letters != NULL) {
        transfer arrived = *(transfer *)(void *)letters;
        free(letters);
        letters = arrived.letter.next;
        if (tow_server_is_freed(arrived.to->server))
            tow_loop_discard(arrived.to->loop, arrived.fd);
        else
            arrive(&arrived);
        tow_worker_opened(arrived.to, sizeof(arrived));
    }
}

static void transfer_drop(tow_letter *letter) {
    transfer dropped = *(transfer *)(void *)letter;
    free(letter);
    tow_accepted_drop(dropped.fd);
    tow_worker_opened(dropped.to, sizeof(dropped));
}

/* Errors: MEMORY, STATE (the worker takes nothing any more); the descriptor is the caller's then. */
static int transfer_post(const transfer *what) {
    transfer *made = malloc(sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    *made = *what;
    made->letter = (tow_letter){.open = transfers_arrive, .drop = transfer_drop, .work = 1};
    tow_worker_expect(what->to, sizeof(*made));
    if (tow_worker_post_urgently(what->to, &made->letter))
        return 0;
    tow_worker_opened(what->to, sizeof(*made));
    free(made);
    return TOW_ERROR_STATE;
}

/* The other's load counts it from now on, so that the next one knows. */
static bool hand_over(tow_worker *to, int fd, bool local) {
    add_load(to, 1);
    if (transfer_post(&(transfer){.to = to, .fd = fd, .local = local}) == 0)
        return true;
    add_load(to, -1);
    return false;
}

void tow_place_accepted(tow_worker *worker, int fd, bool local) {
    tow_count(&worker->counters.accepted);
    if (!enter_server(worker->server)) {
        open_refused(worker, fd, local);
        return;
    }
    tow_worker *chosen = choose(worker);
    if (chosen != worker && hand_over(chosen, fd, local)) {
        tow_count(&worker->counters.moved);
        return;
    }
    add_load(worker, 1);
    tow_connection_open(worker, fd, TOW_CONNECTION_SERVED, local);
}

static bool serves(const tow_server *server) {
    return server->state == TOW_SERVER_LISTENING || server->state == TOW_SERVER_RUNNING;
}

int tow_server_adopt(tow_server *server, int fd) {
    if (server == NULL)
        return TOW_ERROR_ARGUMENT;
    if (!serves(server))
        return TOW_ERROR_STATE;
    transfer what = {.to = choose(&server->workers[0]), .fd = fd, .adopted = true};
    int error = tow_connection_check(server->loop, fd, &what.local);
    if (error != 0)
        return error;
    what.refused = !enter_server(server);
    add_load(what.to, !what.refused);
    error = transfer_post(&what);
    if (error == 0 || what.refused)
        return error;
    add_load(what.to, -1);
    leave_server(server);
    return error;
}
