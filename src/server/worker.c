#include "worker.h"

#include "connection.h"
#include "incoming.h"
#include "placing.h"
#include "report.h"

#include <stdlib.h>
#include <towline/error.h>

enum { DRAINED_A_TICK = 1000 /* connections, so that a round stays short */ };

#define DRAIN_TICK (2 * TOW_MILLISECOND)
#define INCOMING_TICK (10 * TOW_MILLISECOND)
#define STARVED_SILENCE (60 * TOW_SECOND)
#define NEVER (INT64_C(24) * 3600 * TOW_SECOND)

/* A letter that asks a worker to do something. */
typedef struct errand {
    tow_letter letter; /* first */
    tow_worker *worker;
    void (*act)(tow_worker *worker);
} errand;

static void errands_arrive(tow_letter *letters) {
    while (letters != NULL) {
        errand opened = *(errand *)letters;
        free(letters);
        letters = opened.letter.next;
        if (!tow_server_is_freed(opened.worker->server))
            opened.act(opened.worker);
        tow_worker_opened(opened.worker, sizeof(opened));
    }
}

/* It was counted, and was not or will not be opened. */
static void errand_drop(tow_letter *letter) {
    tow_worker_opened(((errand *)letter)->worker, sizeof(errand));
    free(letter);
}

/* NULL without memory. */
static tow_letter *errand_make(tow_worker *worker, void (*act)(tow_worker *worker)) {
    errand *made = malloc(sizeof(*made));
    if (made == NULL)
        return NULL;
    *made = (errand){.letter = {.open = errands_arrive, .drop = errand_drop}, .worker = worker, .act = act};
    return &made->letter;
}

/* Leaves it, or frees it where the worker takes none (any more). */
static void errand_leave(tow_letter *letter) {
    tow_worker *worker = ((errand *)letter)->worker;
    tow_worker_expect(worker, sizeof(errand));
    if (!tow_worker_post_urgently(worker, letter))
        errand_drop(letter);
}

int tow_errands_make(tow_server *server, void (*act)(tow_worker *worker), tow_letter **letters) {
    for (size_t i = 0; i < server->worker_count; i++) {
        tow_letter *letter = errand_make(&server->workers[i], act);
        if (letter == NULL)
            return TOW_ERROR_MEMORY;
        letter->next = *letters;
        *letters = letter;
    }
    return 0;
}

void tow_errands_leave(tow_letter *letters, bool wanted) {
    while (letters != NULL) {
        tow_letter *letter = letters;
        letters = letter->next;
        if (wanted)
            errand_leave(letter);
        else
            free(letter);
    }
}

static void drain(tow_worker *worker);

static int stop_make(tow_worker *worker) {
    tow_letter *letter = errand_make(worker, drain);
    atomic_store(&worker->stop, letter);
    return letter == NULL ? TOW_ERROR_MEMORY : 0;
}

void tow_worker_stop(tow_worker *worker) {
    tow_letter *letter = tow_worker_call(worker) ? atomic_exchange(&worker->stop, NULL) : NULL;
    if (letter != NULL) {
        tow_worker_expect(worker, sizeof(errand));
        tow_loop_post_urgently(worker->loop, letter);
    }
    tow_worker_hang_up(worker);
}

/* Signal handlers come here: no lock, no memory, no line of the log. A worker that is still to begin finds
 * that the server stops. */
void tow_worker_stop_all(tow_server *server) {
    if (atomic_exchange(&server->stopping, true))
        return;
    for (size_t i = 0; i < server->worker_count; i++)
        tow_worker_stop(&server->workers[i]);
}

/* Accepting. */

static void on_accept(tow_listener *listener, int fd) {
    const tow_port *port = (const tow_port *)listener;
    if (port->status)
        tow_connection_open(port->worker, fd, TOW_CONNECTION_STATUS, port->local);
    else
        tow_place_accepted(port->worker, fd, port->local);
}

/* Once in a while, as it happens again and again until connections end. */
static void on_starved(tow_listener *listener, int error) {
    tow_worker *worker = ((const tow_port *)listener)->worker;
    int64_t now = tow_loop_now(worker->loop);
    if (worker->starved != 0 && now - worker->starved < STARVED_SILENCE)
        return;
    worker->starved = now != 0 ? now : 1;
    tow_report_fields fields = {0};
    tow_report_add_text(&fields, "message", "accepting rests");
    tow_report_add_text(&fields, "why", tow_strerror(error));
    tow_report_add_text(&fields, "limit", error == TOW_ERROR_DESCRIPTORS ? "descriptors" : NULL);
    tow_report_with(&worker->server->settings, TOW_LOG_WARNING, &fields,
        "%s: who connects now waits until other connections have ended; raise the limit of descriptors "
        "(ulimit "
        "-n) or lower max-connections",
        tow_strerror(error));
}

static void drain_fired(tow_timer *timer);

static void drain_in(tow_worker *worker, int64_t delay) {
    tow_timer_set(worker->loop, &worker->drain_timer, tow_loop_now(worker->loop) + delay, drain_fired);
}

/* Beginning. */

/* A copy of an inherited descriptor, or a socket for another worker, is ours until a listener has it. */
static int port_open(tow_worker *worker, tow_site *site, bool is_first) {
    int fd = is_first ? tow_site_descriptor(site) : tow_site_open_again(site, worker->loop);
    bool is_sites = is_first && !site->inherited;
    if (fd == TOW_ERROR_UNSUPPORTED || (is_sites && fd < 0))
        return 0;
    const tow_settings *settings = &worker->server->settings;
    if (fd < 0) {
        tow_site_report_failure(site, settings, fd);
        return fd;
    }
    tow_port *port = &worker->ports[worker->port_count];
    *port = (tow_port){.worker = worker,
        .status = site->status,
        .local = tow_address_is_unix(&site->address),
        .listener.on_starved = on_starved};
    int error = tow_listener_start(&port->listener, worker->loop, fd, on_accept);
    if (error == 0)
        worker->port_count++;
    if (error == 0 && is_sites)
        site->fd = -1;
    if (error != 0)
        tow_site_report_failure(site, settings, error);
    if (error != 0 && !is_sites)
        tow_loop_discard(worker->loop, fd);
    return error;
}

static void ports_stop(tow_worker *worker, bool status) {
    for (size_t i = 0; i < worker->port_count; i++) {
        if (worker->ports[i].status == status)
            tow_listener_stop(&worker->ports[i].listener);
    }
}

static int ports_open(tow_worker *worker, bool is_first) {
    tow_sites *sites = &worker->server->sites;
    worker->ports = calloc(sites->count + 1, sizeof(*worker->ports)); /* never nothing */
    int error = worker->ports == NULL ? TOW_ERROR_MEMORY : 0;
    for (size_t i = 0; error == 0 && i < sites->count; i++)
        error = port_open(worker, &sites->items[i], is_first);
    return error;
}

static int tls_begin(tow_worker *worker) {
    tow_server *server = worker->server;
    if (!tow_secrecy_is_on(&server->secrecy))
        return 0;
    return tow_secrecy_context(&server->secrecy, &server->settings, &worker->tls);
}

void tow_worker_take_context(tow_worker *worker) {
    tow_tls_context *before = NULL;
    pthread_mutex_lock(&worker->server->mutex);
    if (worker->next_tls != NULL) {
        before = worker->tls;
        worker->tls = worker->next_tls;
        worker->next_tls = NULL;
    }
    pthread_mutex_unlock(&worker->server->mutex);
    tow_tls_context_release(before);
}

void tow_worker_look_at_routes(tow_worker *worker) {
    (void)tow_routing_look(&worker->server->routing, &worker->routes);
}

void tow_worker_take_rules(tow_worker *worker) {
    tow_rules *before = worker->rules;
    pthread_mutex_lock(&worker->server->mutex);
    worker->rules = tow_rules_retain(worker->server->rules);
    pthread_mutex_unlock(&worker->server->mutex);
    tow_rules_release(before);
    tow_worker_look_at_routes(worker);
}

static void bound_unfinished(tow_worker *worker) {
    const tow_settings *settings = &worker->server->settings;
    tow_websocket_context_bound(
        worker->context, settings->max_unfinished, settings->max_unfinished_per_address);
}

/* Perhaps it was the last that the drain, or the end of a server that was freed, waited for. */
static void connection_gone(tow_worker *worker) {
    if (tow_server_is_freed(worker->server))
        worker->server->on_gone(worker->server);
    else if (worker->drain != TOW_SERVING)
        drain_in(worker, 0);
}

int tow_worker_begin(tow_worker *worker, tow_loop *loop, bool is_first) {
    worker->loop = loop;
    worker->rules = tow_rules_retain(worker->server->rules);
    worker->on_gone = connection_gone;
    tow_slab_init(&worker->slots, sizeof(tow_connection));
    int error = tow_websocket_context_new(&worker->context, loop, worker);
    if (error == 0)
        bound_unfinished(worker);
    if (error == 0)
        error = stop_make(worker);
    if (error == 0 && tow_report_wants(&worker->server->settings, TOW_LOG_INFO))
        tow_websocket_context_keep_tallies(worker->context);
    if (error == 0)
        error = tls_begin(worker);
    if (error == 0)
        error = tow_worker_channels_begin(worker);
    if (error == 0)
        error = ports_open(worker, is_first);
    if (error != 0) {
        tow_worker_channels_end(worker);
        ports_stop(worker, false);
        ports_stop(worker, true);
        return error;
    }
    tow_worker_accept_letters(worker);
    if (worker->port_count == 0)
        drain_in(
            worker, NEVER); /* nothing else keeps this loop alive while it waits for other workers' gifts */
    if (atomic_load(&worker->server->stopping))
        drain(worker);
    return 0;
}

int tow_worker_run(tow_worker *worker) {
    int error = 0;
    worker->runs = true;
    while (error == 0 && worker->drain != TOW_WORKER_DONE) {
        error = tow_loop_run(worker->loop);
        if (error == 0 && worker->drain == TOW_SERVING)
            tow_worker_stop_all(worker->server); /* somebody stopped the loop */
    }
    return error;
}

/* The connection of a slot, or NULL. */
static tow_connection *slot_at(const tow_worker *worker, uint32_t slot) {
    tow_connection *connection = tow_slab_find(&worker->slots, slot);
    return connection != NULL && connection->kind != TOW_CONNECTION_NONE ? connection : NULL;
}

static void with_all(tow_worker *worker, void (*act)(tow_connection *)) {
    for (uint32_t slot = 0; slot < tow_slab_end(&worker->slots); slot++) {
        tow_connection *connection = slot_at(worker, slot);
        if (connection != NULL)
            act(connection);
    }
}

/* Of those that are not retained alone. */
static void with_each(tow_worker *worker, void (*act)(tow_connection *)) {
    for (uint32_t slot = 0; slot < tow_slab_end(&worker->slots); slot++) {
        tow_connection *connection = slot_at(worker, slot);
        if (connection != NULL && connection->kind != TOW_CONNECTION_RETAINED)
            act(connection);
    }
}

static void end_route(tow_connection *connection) {
    tow_connection_end_route(connection);
}

static void let_routes_go(tow_worker *worker) {
    with_all(worker, end_route);
    tow_snapshot_release(worker->routes);
    worker->routes = NULL;
}

void tow_worker_abandon(tow_worker *worker) {
    if (worker->loop == NULL)
        return;
    ports_stop(worker, false);
    ports_stop(worker, true);
    tow_timer_cancel(worker->loop, &worker->drain_timer);
    worker->drain = TOW_SERVING; /* so that what goes does not set it again */
    with_each(worker, tow_connection_reset);
    with_each(worker, tow_connection_tell_end);
    tow_worker_channels_end(worker);
    let_routes_go(worker);
}

void tow_worker_end(tow_worker *worker) {
    if (worker->retained > 0)
        with_all(worker, tow_connection_forget);
    worker->retained = 0;
    tow_websocket_context_free(worker->context);
    tow_tls_context_release(worker->tls);
    tow_tls_context_release(worker->next_tls);
    tow_snapshot_release(worker->routes);
    tow_slab_clear(&worker->slots);
    free(worker->ports);
    free(atomic_exchange(&worker->stop, NULL));
    worker->context = NULL;
    worker->tls = worker->next_tls = NULL;
    worker->routes = NULL;
    tow_rules_release(worker->rules);
    worker->rules = NULL;
    worker->ports = NULL;
    worker->port_count = 0;
}

/* Draining: listeners first, then connections, a part in each tick; at the deadline what is left is reset;
 * then --status. */

/* The first worker's loop has the program's signals and --status, so it ends last. */
static bool waits_for_others(const tow_worker *worker) {
    return worker == &worker->server->workers[0] && atomic_load(&worker->server->others) > 0;
}

/* Whether nothing can come any more, and nothing but --status is left. */
static bool has_drained(tow_worker *worker) {
    if (worker->slots.used > worker->status_count + worker->retained)
        return false;
    atomic_store(&worker->accepting_from_workers, false); /* nobody waits here */
    return !tow_worker_expects_something(worker) && !waits_for_others(worker);
}

static bool takes_part(const tow_connection *connection) {
    return connection->kind == TOW_CONNECTION_SERVED || connection->kind == TOW_CONNECTION_REFUSED ||
           connection->kind == TOW_CONNECTION_CARRIED;
}

static void drain_one(tow_worker *worker, tow_connection *connection) {
    if (!takes_part(connection))
        return;
    if (!worker->drain_is_late) {
        tow_connection_drain(connection);
        return;
    }
    tow_connection_end_late(connection);
}

static void drain_part(tow_worker *worker) {
    for (int i = 0; i < DRAINED_A_TICK && worker->drain_next < tow_slab_end(&worker->slots); i++) {
        tow_connection *connection = slot_at(worker, worker->drain_next++);
        if (connection != NULL)
            drain_one(worker, connection);
    }
}

static void drain_goes_on(tow_worker *worker) {
    int64_t now = tow_loop_now(worker->loop);
    if (!worker->drain_is_late && now >= worker->drain_deadline) {
        worker->drain_is_late = true;
        worker->drain_next = 0;
    }
    drain_part(worker);
    if (has_drained(worker)) {
        worker->drain = TOW_ENDING;
        ports_stop(worker, true);
        with_each(worker, tow_connection_reset);
        drain_in(worker, 0);
    } else if (worker->drain_next < tow_slab_end(&worker->slots)) {
        drain_in(worker, DRAIN_TICK);
    } else if (tow_worker_expects_something(worker) || waits_for_others(worker)) {
        drain_in(worker, INCOMING_TICK);
    } else if (!worker->drain_is_late && worker->drain_deadline != INT64_MAX) {
        drain_in(worker, worker->drain_deadline - now);
    }
}

static void drain_ends(tow_worker *worker) {
    if (worker->slots.used > worker->retained)
        return;
    worker->drain = TOW_WORKER_DONE;
    if (worker->runs)
        tow_loop_stop(worker->loop); /* what else the caller has on it keeps it alive */
}

static void drain_fired(tow_timer *timer) {
    tow_worker *worker = (tow_worker *)((char *)timer - offsetof(tow_worker, drain_timer));
    if (worker->drain == TOW_DRAINING)
        drain_goes_on(worker);
    else if (worker->drain == TOW_ENDING)
        drain_ends(worker);
    else if (worker->drain == TOW_SERVING)
        drain_in(worker, NEVER);
}

static void report_drain(tow_server *server) {
    if (!atomic_exchange(&server->draining, true))
        tow_report(&server->settings, TOW_LOG_NOTICE, "draining %lld connections",
            (long long)atomic_load(&server->connections));
}

static void drain(tow_worker *worker) {
    if (worker->drain != TOW_SERVING)
        return;
    int seconds = worker->server->settings.drain_seconds;
    report_drain(worker->server);
    worker->drain = TOW_DRAINING;
    worker->drain_deadline =
        seconds == TOW_OFF ? INT64_MAX : tow_loop_now(worker->loop) + seconds * TOW_SECOND;
    atomic_store(&worker->accepting, false);
    ports_stop(worker, false);
    drain_in(worker, 0);
}
