#include "connection.h"
#include "entrances.h"
#include "guests.h"
#include "incoming.h"
#include "metrics.h"
#include "post.h"
#include "report.h"
#include "server/listener_text.h"
#include "state.h"
#include "status.h"
#include "transport/loop.h"
#include "transport/workers.h"
#include "unheard.h"
#include "websocket/websocket.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static int server_fill(tow_server *server, const tow_server_options *options) {
    int error = tow_settings_read(&server->settings, options);
    if (error != 0)
        return error;
    error = tow_secrecy_begin(&server->secrecy, &server->settings);
    if (error == 0)
        error = tow_rules_new(&server->rules, (const char *const *)server->settings.allow_origins,
            (const char *const *)server->settings.hosts, &server->settings);
    if (error != 0)
        return error;
    const tow_settings *settings = &server->settings;
    server->descriptors = tow_descriptors_new(settings->connections_possible, settings->max_connections);
    if (server->descriptors == NULL)
        return TOW_ERROR_MEMORY;
    server->loop = options->loop;
    server->owns_loop = options->loop == NULL;
    server->worker_count = (size_t)server->settings.workers;
    error = tow_hub_new(&server->hub, server->worker_count,
        &(tow_hub_options){.on_unheard = tow_unheard_report, .unheard_user = server});
    if (error != 0)
        return error;
    server->workers = calloc(server->worker_count, sizeof(*server->workers));
    if (server->workers == NULL)
        return TOW_ERROR_MEMORY;
    for (size_t i = 0; i < server->worker_count; i++) {
        server->workers[i].server = server;
        pthread_mutex_init(&server->workers[i].row.mutex, NULL);
    }
    server->route_defaults = (tow_route_defaults){
        .limits = server->settings.limits,
        .on_open = tow_connection_socket_opened,
        .owner = &tow_connection_owner,
    };
    return tow_status_routes(server);
}

/* Of a struct that may have grown since, the caller knows so much. */
int tow_server_new_sized(tow_server **out, const tow_server_options *options, size_t options_size) {
    if (out == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_server_options known = {0};
    if (options != NULL)
        memcpy(&known, options, options_size < sizeof(known) ? options_size : sizeof(known));
    tow_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return TOW_ERROR_MEMORY;
    pthread_mutex_init(&server->mutex, NULL);
    sem_init(&server->begun, 0, 0);
    tow_routing_init(&server->routing);
    int error = server_fill(server, &known);
    if (error != 0) {
        tow_server_free(server);
        return error;
    }
    *out = server;
    return 0;
}

static void destroy(tow_server *server) {
    for (size_t i = 0; server->workers != NULL && i < server->worker_count; i++) {
        tow_worker_end(&server->workers[i]);
        tow_post_forget(server->workers[i].row.last);
        pthread_mutex_destroy(&server->workers[i].row.mutex);
    }
    tow_address_table_free(server->addresses);
    tow_entrances_clear(server);
    tow_routing_clear(&server->routing);
    tow_routes_clear(&server->status_routes);
    tow_secrecy_clear(&server->secrecy);
    tow_rules_release(server->rules);
    tow_descriptors_release(server->descriptors);
    tow_hub_free(server->hub);
    tow_metrics_clear(server);
    tow_settings_clear(&server->settings);
    pthread_mutex_destroy(&server->mutex);
    sem_destroy(&server->begun);
    free(server->workers);
    free(server);
}

/* Its memory goes if nothing of it is left on its loop: only the first worker's is there still. */
static void destroy_when_empty(tow_server *server) {
    const tow_worker *first = server->workers;
    if (first == NULL || (first->slots.used == first->retained && atomic_load(&first->incoming) == 0))
        destroy(server);
}

/* Nobody is told of anything any more. */
static void take_callbacks_away(tow_server *server) {
    tow_routing_end(&server->routing);
    tow_routes_end(&server->status_routes);
    tow_entrances_clear(server); /* which are their owners' again */
    server->settings.log_level = -1;
}

/* The memory goes when the last stream is closed and the last letter opened or dropped: until then the loop
 * looks at it. */
void tow_server_free(tow_server *server) {
    if (server == NULL)
        return;
    for (size_t i = 0; server->workers != NULL && i < server->worker_count; i++)
        tow_worker_abandon(&server->workers[i]);
    for (size_t i = 0; server->workers != NULL && i < server->worker_count; i++)
        tow_guests_leave_worker(&server->workers[i]);
    take_callbacks_away(server);
    tow_sites_clear(&server->sites, server->loop);
    if (server->owns_loop)
        tow_loop_free(server->loop);
    server->on_gone = destroy_when_empty;
    destroy_when_empty(server);
}

tow_descriptors *tow_server_descriptors(const tow_server *server) {
    return server != NULL ? server->descriptors : NULL;
}

/* Listening. */

static int make_address_table(tow_server *server) {
    int64_t limit = server->settings.max_connections_per_address;
    uint64_t seed;
    if (limit == INT64_MAX || server->addresses != NULL)
        return 0;
    tow_loop_random(server->loop, &seed, sizeof(seed));
    return tow_address_table_new(&server->addresses, limit, seed);
}

static int listen_on_loop(tow_server *server) {
    int error = make_address_table(server);
    if (error == 0)
        error = tow_sites_open(&server->sites, server->loop, &server->settings);
    if (error != 0)
        return error;
    tow_rules_know_sites(server->rules, &server->sites);
    error = tow_worker_begin(&server->workers[0], server->loop, true);
    if (error != 0) {
        tow_worker_end(&server->workers[0]);
        tow_sites_clear(&server->sites, server->loop);
    }
    return error;
}

/* Beyond the descriptors nobody gets a 503: who connects waits in the kernel's queue. */
static void warn_of_descriptors(const tow_settings *settings) {
    if (settings->max_connections <= settings->connections_possible)
        return;
    tow_report(settings, TOW_LOG_WARNING,
        "max-connections is more than the %lld connections that there are descriptors for: who comes when "
        "these "
        "are used up waits without an answer; raise the limit of descriptors (ulimit -n) or lower "
        "max-connections",
        (long long)settings->connections_possible);
}

int tow_server_listen(tow_server *server) {
    if (server == NULL)
        return TOW_ERROR_ARGUMENT;
    if (server->state != TOW_SERVER_MADE)
        return TOW_ERROR_STATE;
    if (server->loop == NULL) {
        int error = tow_loop_new(&server->loop, &(tow_loop_options){.io = server->settings.io});
        if (error != 0)
            return error;
    }
    int error = listen_on_loop(server);
    if (error != 0)
        return error;
    server->state = TOW_SERVER_LISTENING;
    server->started = tow_loop_wall_seconds(server->loop);
    tow_sites_report(&server->sites, &server->settings);
    warn_of_descriptors(&server->settings);
    return 0;
}

int tow_server_port(const tow_server *server, size_t index) {
    if (server == NULL)
        return 0;
    return tow_sites_port(&server->sites, index);
}

bool tow_server_listener_text(
    const tow_server *server, size_t index, size_t place, char out[TOW_ADDRESS_TEXT_MAX]) {
    return tow_sites_text(&server->sites, index, place, out);
}

/* Running. */

static void note_error(tow_server *server, int error) {
    int none = 0;
    atomic_compare_exchange_strong(&server->error, &none, error);
}

static void run_worker(tow_worker *worker) {
    tow_guests_dismissed_leave_worker(worker);
    int error = tow_worker_run(worker);
    if (error == 0)
        return;
    note_error(worker->server, error);
    tow_worker_refuse_letters(worker);
    tow_server_stop(worker->server);
}

/* A further worker's life. Its loop is published under the mutex, for certificates. */
static void live(tow_server *server, int index, tow_loop *loop) {
    tow_worker *worker = &server->workers[index + 1];
    pthread_mutex_lock(&server->mutex);
    int error = tow_worker_begin(worker, loop, false);
    pthread_mutex_unlock(&server->mutex);
    sem_post(&server->begun);
    if (error == 0) {
        run_worker(worker);
        tow_guests_leave_worker(worker);
        tow_worker_channels_end(worker);
        return;
    }
    note_error(server, error);
    tow_server_stop(server);
}

/* A further worker's thread. */
static void run_thread(void *argument, int index, tow_loop *loop) {
    tow_server *server = argument;
    live(server, index, loop);
    atomic_fetch_sub(&server->others, 1);
}

/* The first worker accepts when there are others to share with; else those who come first, all at once
 * perhaps, would be its own for good. */
static void wait_for_others(tow_server *server) {
    for (size_t i = 1; i < server->worker_count; i++) {
        while (sem_wait(&server->begun) != 0) {
        }
    }
}

static void end_workers(tow_server *server, tow_workers *threads) {
    pthread_mutex_lock(&server->mutex);
    server->state = TOW_SERVER_RAN;
    pthread_mutex_unlock(&server->mutex);
    tow_workers_join(threads);
    for (size_t i = 1; i < server->worker_count; i++) {
        tow_worker_end(&server->workers[i]);
        server->workers[i].loop = NULL; /* it went with its thread */
    }
}

int tow_server_run(tow_server *server) {
    if (server == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_workers *threads = NULL;
    int error = server->state == TOW_SERVER_MADE ? tow_server_listen(server) : 0;
    if (error != 0)
        return error;
    if (server->state != TOW_SERVER_LISTENING)
        return TOW_ERROR_STATE;
    server->state = TOW_SERVER_RUNNING;
    atomic_store(&server->others, (int)server->worker_count - 1);
    if (server->worker_count > 1)
        error = tow_workers_start(
            &threads, (int)server->worker_count - 1, server->settings.io, run_thread, server);
    if (error != 0) {
        atomic_store(&server->others, 0);
        note_error(server, error);
        tow_server_stop(server);
    } else {
        wait_for_others(server);
    }
    run_worker(&server->workers[0]);
    tow_guests_leave_worker(&server->workers[0]);
    end_workers(server, threads);
    tow_report(&server->settings, TOW_LOG_NOTICE, "stopped");
    return atomic_load(&server->error);
}

/* Stopping. */

void tow_server_stop(tow_server *server) {
    if (server != NULL)
        tow_worker_stop_all(server);
}

bool tow_server_is_done(const tow_server *server) {
    if (server == NULL)
        return true;
    bool serves = server->state == TOW_SERVER_LISTENING || server->state == TOW_SERVER_RUNNING;
    return !serves || server->workers[0].drain == TOW_WORKER_DONE;
}
