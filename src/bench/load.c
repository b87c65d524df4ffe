#include "bench/load.h"

#include "bench/process.h"
#include "connection.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <unistd.h>

/* How many connections may be on their way at once; more would only fill the listener's queue. */
enum { CONNECTING_MAX = 64, MEMORY_FIRST_MAX = 2000 };
static const int64_t open_limit = 60 * TOW_SECOND;
static const int64_t first_answers_limit = 10 * TOW_SECOND;
static const int64_t progress_interval = TOW_SECOND / 4;

typedef enum load_phase {
    PHASE_OPENING,   /* connections are being made */
    PHASE_WARM_UP,   /* load that is not counted */
    PHASE_MEASURING, /* load that is counted */
    PHASE_DONE
} load_phase;

/* The accounts at one moment. */
typedef struct load_moment {
    int64_t time;
    int64_t generator_cpu;
    int64_t server_cpu;
    int64_t system_calls;
    uint64_t bytes; /* of answers */
} load_moment;

typedef struct load_run {
    tow_load_shared shared; /* first: a connection finds its load */
    const tow_load_options *options;
    tow_load_figures *figures;
    char *text;
    int error;
    load_phase phase;
    tow_load_target target;
    tow_traffic traffic;
    tow_process server;
    tow_process generator;
    int64_t server_memory;        /* before the first connection */
    int64_t server_memory_first;  /* with the first of them: see memory_first */
    int64_t server_memory_opened; /* with all of them */
    tow_load_connection *connections;
    tow_load_batch *batches;
    int started;
    int opened;
    int answering; /* connections that have had an answer */
    int64_t warm_up_began;
    bool retrying;    /* the first connection goes to the target's next address */
    int64_t answered; /* when the answers came that are being settled */
    load_moment begin;
    tow_timer phase_timer;
    tow_timer progress_timer;
    /* with a rate: */
    tow_timer turn_timer;
    int64_t turns_begin;
    uint64_t turns;     /* messages whose turn has come */
    tow_buffer waiting; /* tow_load_batch: those that found no connection free, oldest first */
    int next_connection;
} load_run;

static void start_measuring(tow_timer *timer);
static void finish(tow_timer *timer);

static load_run *run_of(tow_load_connection *connection) {
    return (load_run *)(void *)connection->shared;
}

#define LOAD_OF_TIMER(pointer, member) ((load_run *)(void *)((char *)(pointer)-offsetof(load_run, member)))

/* The end. */

static void stop_all(load_run *run) {
    run->phase = PHASE_DONE;
    tow_timer_cancel(run->shared.loop, &run->phase_timer);
    tow_timer_cancel(run->shared.loop, &run->progress_timer);
    tow_timer_cancel(run->shared.loop, &run->turn_timer);
    for (int i = 0; i < run->started; i++)
        tow_load_connection_stop(&run->connections[i]);
}

__attribute__((format(printf, 3, 4))) static int fail(load_run *run, int error, const char *format, ...) {
    if (run->error != 0)
        return run->error;
    run->error = error;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(run->text, TOW_LOAD_TEXT_MAX, format, arguments);
    va_end(arguments);
    return error;
}

/* Sending. */

static bool is_running(const load_run *run) {
    return run->phase == PHASE_WARM_UP || run->phase == PHASE_MEASURING;
}

static void push_waiting(load_run *run, tow_load_batch batch) {
    if (tow_buffer_append(&run->waiting, &batch, sizeof(batch)) != 0) {
        fail(run, TOW_ERROR_MEMORY, "%s", tow_strerror(TOW_ERROR_MEMORY));
        stop_all(run);
    }
}

/* Gives a connection as many waiting messages as it has room for. */
static void send_waiting(load_run *run, tow_load_connection *connection) {
    uint64_t room = run->shared.in_flight_max - tow_load_connection_in_flight(connection);
    while (room > 0 && run->waiting.length > 0) {
        tow_load_batch batch;
        memcpy(&batch, run->waiting.data, sizeof(batch));
        uint64_t count = batch.count < room ? batch.count : room;
        tow_load_connection_send(connection, count, batch.asked);
        room -= count;
        batch.count -= count;
        if (batch.count == 0)
            tow_buffer_consume(&run->waiting, sizeof(batch));
        else
            memcpy(run->waiting.data, &batch, sizeof(batch));
    }
}

/* Gives one message to the next connection that has room, if there is one. */
static bool send_one(load_run *run, int64_t now) {
    for (int tried = 0; tried < run->options->connections; tried++) {
        tow_load_connection *connection = &run->connections[run->next_connection];
        run->next_connection = (run->next_connection + 1) % run->options->connections;
        if (tow_load_connection_in_flight(connection) < run->shared.in_flight_max) {
            tow_load_connection_send(connection, 1, now);
            return true;
        }
    }
    return false;
}

/* With a rate: every millisecond, the messages whose turn has come. Their latency counts from here, also when
 * they have to wait for a connection: a server that stalls is not asked less often. */
static void take_turns(tow_timer *timer) {
    load_run *run = LOAD_OF_TIMER(timer, turn_timer);
    int64_t now = tow_loop_clock(run->shared.loop);
    tow_timer_set(run->shared.loop, timer, tow_loop_now(run->shared.loop) + TOW_MILLISECOND, take_turns);
    double due = (double)(now - run->turns_begin) / (double)TOW_SECOND * run->options->rate;
    uint64_t left = due > (double)run->turns ? (uint64_t)due - run->turns : 0;
    run->turns += left;
    while (left > 0 && run->waiting.length == 0 && send_one(run, now))
        left--;
    if (left > 0)
        push_waiting(run, (tow_load_batch){.asked = now, .count = left});
}

static void start_sending(load_run *run) {
    int64_t now = tow_loop_clock(run->shared.loop);
    if (run->options->in_flight == 0)
        return;
    if (run->options->rate > 0) {
        run->turns_begin = now;
        take_turns(&run->turn_timer);
        return;
    }
    for (int i = 0; i < run->options->connections && is_running(run); i++)
        tow_load_connection_send(&run->connections[i], run->shared.in_flight_max, now);
}

/* The phases. */

static load_moment moment_now(load_run *run) {
    return (load_moment){.time = tow_loop_clock(run->shared.loop),
        .generator_cpu = tow_process_cpu(&run->generator),
        .server_cpu = tow_process_cpu(&run->server),
        .system_calls = tow_process_system_calls(&run->server),
        .bytes = run->shared.received};
}

static int start_connection(load_run *run, int index) {
    tow_load_connection *connection = &run->connections[index];
    connection->shared = &run->shared;
    connection->batches = run->batches + (size_t)index * run->shared.in_flight_max;
    int error = tow_load_connection_start(connection);
    if (error == 0)
        return 0;
    connection->state = TOW_LOAD_CLOSED;
    return fail(
        run, error, "connection %d of %d: %s", index + 1, run->options->connections, tow_strerror(error));
}

/* The first connection alone, as it finds the address; then as many at once as is good for the listener's
 * queue. */
static void start_next(load_run *run) {
    int under_way_max = run->opened == 0 ? 1 : CONNECTING_MAX;
    while (run->started < run->options->connections && run->started - run->opened < under_way_max) {
        if (start_connection(run, run->started) != 0) {
            stop_all(run);
            return;
        }
        run->started++;
    }
}

static void start_warm_up(load_run *run) {
    run->phase = PHASE_WARM_UP;
    run->warm_up_began = tow_loop_clock(run->shared.loop);
    run->server_memory_opened = tow_process_memory(&run->server);
    tow_timer_set(
        run->shared.loop, &run->phase_timer, run->warm_up_began + run->options->warm_up, start_measuring);
    start_sending(run);
}

/* With a lot in flight the first answers take long, and what the server does before them is not what it does
 * later. */
static bool waits_for_first_answers(const load_run *run) {
    bool expected = run->options->in_flight > 0 && run->options->warm_up > 0 && run->options->rate <= 0;
    int64_t limit = run->warm_up_began + run->options->warm_up + first_answers_limit;
    int enough = run->options->connections - run->options->connections / 10;
    return expected && run->answering < enough && tow_loop_clock(run->shared.loop) < limit;
}

static void start_measuring(tow_timer *timer) {
    load_run *run = LOAD_OF_TIMER(timer, phase_timer);
    if (waits_for_first_answers(run)) {
        tow_timer_set(
            run->shared.loop, timer, tow_loop_now(run->shared.loop) + 10 * TOW_MILLISECOND, start_measuring);
        return;
    }
    run->phase = PHASE_MEASURING;
    run->begin = moment_now(run);
    tow_timer_set(run->shared.loop, timer, run->begin.time + run->options->duration, finish);
}

static int64_t difference(int64_t after, int64_t before) {
    return after < 0 || before < 0 ? -1 : after - before;
}

/* How many connections are opened before memory is charged to one: code, tables and buffers that the server
 * needs once are there then. */
static int memory_first(const tow_load_options *options) {
    int part = options->connections / 9;
    return part < MEMORY_FIRST_MAX ? part : MEMORY_FIRST_MAX;
}

/* What opening took is that of the further connections, what came later that of all. */
static double memory_per_connection(const load_run *run, int64_t at_the_end) {
    int all = run->options->connections;
    int further = all - memory_first(run->options);
    return (double)(run->server_memory_opened - run->server_memory_first) / further +
           (double)(at_the_end - run->server_memory_opened) / all;
}

static void finish(tow_timer *timer) {
    load_run *run = LOAD_OF_TIMER(timer, phase_timer);
    tow_load_figures *figures = run->figures;
    load_moment end = moment_now(run);
    if (run->options->in_flight > 0 && run->options->rate <= 0 && end.bytes == run->begin.bytes)
        fail(run, TOW_ERROR_TIMED_OUT, "nothing came back for %.1f seconds",
            (double)(end.time - run->begin.time) / 1e9);
    figures->elapsed = end.time - run->begin.time;
    figures->messages = figures->latency.count;
    figures->messages_answered = (double)(end.bytes - run->begin.bytes) / (double)run->traffic.answer_length;
    figures->generator_cpu = difference(end.generator_cpu, run->begin.generator_cpu);
    figures->server_cpu = difference(end.server_cpu, run->begin.server_cpu);
    figures->server_system_calls = difference(end.system_calls, run->begin.system_calls);
    figures->server_memory_total = tow_process_memory(&run->server);
    figures->server_memory = difference(figures->server_memory_total, run->server_memory);
    figures->server_memory_per_connection = memory_per_connection(run, figures->server_memory_total);
    figures->server_memory_first = memory_first(run->options);
    stop_all(run);
}

static void give_up_opening(tow_timer *timer) {
    load_run *run = LOAD_OF_TIMER(timer, phase_timer);
    fail(run, TOW_ERROR_TIMED_OUT, "only %d of %d connections opened within %d seconds", run->opened,
        run->options->connections, (int)(open_limit / TOW_SECOND));
    stop_all(run);
}

static void report_progress(tow_timer *timer) {
    load_run *run = LOAD_OF_TIMER(timer, progress_timer);
    int64_t now = tow_loop_now(run->shared.loop);
    tow_timer_set(run->shared.loop, timer, now + progress_interval, report_progress);
    tow_load_progress progress = {.opened = run->opened};
    if (run->phase == PHASE_MEASURING) {
        progress.elapsed = now - run->begin.time;
        progress.messages = run->figures->latency.count;
    }
    run->options->on_progress(run->options->user, &progress);
}

/* What connections tell. */

static void on_opened(tow_load_connection *connection) {
    load_run *run = run_of(connection);
    run->opened++;
    if (run->opened == memory_first(run->options))
        run->server_memory_first = tow_process_memory(&run->server);
    if (run->started < run->options->connections)
        start_next(run);
    else if (run->opened == run->options->connections)
        start_warm_up(run);
}

static void record(tow_load_connection *connection, int64_t asked, uint64_t count) {
    load_run *run = run_of(connection);
    if (run->phase == PHASE_MEASURING)
        tow_histogram_record(&run->figures->latency, (uint64_t)(run->answered - asked), count);
}

static void on_answered(tow_load_connection *connection, uint64_t messages) {
    load_run *run = run_of(connection);
    run->answered = tow_loop_clock(run->shared.loop);
    run->answering += connection->echo.completed == messages;
    tow_load_connection_settle(connection, messages, record);
    if (run->options->rate > 0)
        send_waiting(run, connection);
    else
        tow_load_connection_send(connection, messages, run->answered);
}

static void on_failed(tow_load_connection *connection, int error, const char *text) {
    load_run *run = run_of(connection);
    if (run->opened == 0 && error == TOW_ERROR_REFUSED &&
        run->shared.address_index + 1 < run->target.address_count) {
        run->shared.address_index++;
        run->retrying = true;
        return;
    }
    fail(run, error, "connection %d of %d: %s", (int)(connection - run->connections) + 1,
        run->options->connections, text);
    stop_all(run);
}

static void on_closed(tow_load_connection *connection) {
    load_run *run = run_of(connection);
    if (!run->retrying)
        return;
    run->retrying = false;
    *connection = (tow_load_connection){0};
    if (run->phase == PHASE_OPENING && start_connection(run, 0) != 0)
        stop_all(run);
}

/* A run. */

static int check_options(const tow_load_options *options, char *text) {
    const char *wrong = NULL;
    if (options->connections < 1 || options->connections > 1000000)
        wrong = "connections: 1 to 1000000";
    else if (options->in_flight < 0 || options->in_flight > 65536)
        wrong = "in flight: 0 to 65536";
    else if (options->payload_length < 1 || options->payload_length > TOW_TRAFFIC_PAYLOAD_MAX)
        wrong = "payload: 1 byte to 1 GiB";
    else if (options->duration < TOW_MILLISECOND || options->warm_up < 0)
        wrong = "duration: a millisecond at least";
    else if (options->rate < 0 || (options->count_system_calls && options->pid == 0))
        wrong = "counting system calls needs the server's process number";
    if (wrong == NULL)
        return 0;
    snprintf(text, TOW_LOAD_TEXT_MAX, "%s", wrong);
    return TOW_ERROR_ARGUMENT;
}

static int open_processes(load_run *run) {
    const tow_load_options *options = run->options;
    int error = tow_process_open(&run->generator, getpid());
    if (error == 0 && options->pid != 0)
        error = tow_process_open(&run->server, options->pid);
    if (error != 0)
        return fail(run, error, "no process %d", options->pid);
    run->server_memory = run->server_memory_first = tow_process_memory(&run->server);
    if (options->count_system_calls)
        error = tow_process_count_system_calls(&run->server);
    if (error != 0)
        return fail(run, error, "system calls of process %d can't be counted: it needs root and tracefs",
            options->pid);
    return 0;
}

static int prepare_tls(load_run *run) {
    const tow_load_options *options = run->options;
    char why[TOW_TLS_TEXT_MAX];
    char *authorities = NULL;
    int error = 0;
    if (options->authorities != NULL)
        error = tow_tls_read_file(options->authorities, &authorities, why);
    tow_tls_settings settings = {.roots = authorities,
        .verify = options->insecure ? TOW_TLS_VERIFY_NONE : TOW_TLS_VERIFY_REQUIRED,
        .files.roots = options->authorities};
    if (error == 0)
        error = tow_tls_client_context(run->shared.loop, &settings, &run->shared.tls, why);
    free(authorities);
    return error == 0 ? 0 : fail(run, error, "%s", why);
}

static int prepare(load_run *run) {
    const tow_load_options *options = run->options;
    int error = tow_load_target_read(&run->target, options->url);
    if (error != 0)
        return fail(run, error, "%s: %s", options->url,
            error == TOW_ERROR_URL ? "give ws or wss://HOST[:PORT][/PATH], or tcp or tls://HOST:PORT"
                                   : tow_strerror(error));
    tow_traffic_options traffic = {
        .framed = run->target.framed, .kind = options->kind, .payload_length = options->payload_length};
    error = tow_traffic_init(&run->traffic, &traffic);
    if (error == 0)
        error = tow_loop_new(&run->shared.loop, &(tow_loop_options){.io = TOW_IO_EPOLL});
    run->shared.in_flight_max = options->in_flight > 0 ? (uint32_t)options->in_flight : 1;
    size_t count = (size_t)options->connections;
    run->connections = calloc(count, sizeof(*run->connections));
    run->batches = calloc(count * run->shared.in_flight_max, sizeof(*run->batches));
    if (error == 0 && (run->connections == NULL || run->batches == NULL))
        error = TOW_ERROR_MEMORY;
    if (error != 0)
        return fail(run, error, "%s", tow_strerror(error));
    error = run->target.secure ? prepare_tls(run) : 0;
    return error != 0 ? error : open_processes(run);
}

static void clear(load_run *run) {
    tow_process_close(&run->server);
    tow_process_close(&run->generator);
    tow_loop_free(run->shared.loop);
    tow_traffic_clear(&run->traffic);
    tow_buffer_clear(&run->waiting);
    free(run->connections);
    free(run->batches);
}

static void start(load_run *run) {
    int64_t now = tow_loop_clock(run->shared.loop);
    tow_timer_set(run->shared.loop, &run->phase_timer, now + open_limit, give_up_opening);
    if (run->options->on_progress != NULL)
        tow_timer_set(run->shared.loop, &run->progress_timer, now + progress_interval, report_progress);
    start_next(run);
    int error = tow_loop_run(run->shared.loop);
    if (error != 0)
        fail(run, error, "%s", tow_strerror(error));
}

int tow_load_run(const tow_load_options *options, tow_load_figures *figures, char text[TOW_LOAD_TEXT_MAX]) {
    int error = check_options(options, text);
    if (error != 0)
        return error;
    memset(figures, 0, sizeof(*figures));
    load_run run = {.options = options, .figures = figures, .text = text, .server_memory = -1};
    run.shared.target = &run.target;
    run.shared.traffic = &run.traffic;
    run.shared.origin = options->origin;
    run.shared.on_opened = on_opened;
    run.shared.on_answered = on_answered;
    run.shared.on_failed = on_failed;
    run.shared.on_closed = on_closed;
    if (prepare(&run) == 0)
        start(&run);
    clear(&run);
    return run.error;
}
