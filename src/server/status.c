#include "status.h"

#include "ending.h"
#include "http/response.h"
#include "metrics.h"
#include "server/exchange.h"
#include "transport/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

/* All workers' counters together. */
typedef struct totals {
    tow_server_counters server;
    tow_websocket_counters sockets;
} totals;

/* Adds the counters of one struct, which is made of nothing else, to another's. */
static void add_counters(void *sum, const void *counters, size_t size) {
    uint64_t *to = sum;
    const uint64_t *from = counters;
    for (size_t i = 0; i < size / sizeof(*to); i++)
        to[i] += tow_count_read(&from[i]);
}

static totals gather(tow_server *server) {
    totals sum = {0};
    for (size_t i = 0; i < server->worker_count; i++) {
        tow_worker *worker = &server->workers[i];
        add_counters(&sum.server, &worker->counters, sizeof(worker->counters));
        if (worker->context != NULL)
            add_counters(&sum.sockets, tow_websocket_context_counters(worker->context), sizeof(sum.sockets));
    }
    sum.server.memory_failures += sum.sockets.memory_failures;
    return sum;
}

static int metric_head(tow_buffer *out, const char *name, const char *type, const char *help) {
    return tow_buffer_append_format(
        out, "# HELP towline_%s %s\n# TYPE towline_%s %s\n", name, help, name, type);
}

static int metric(tow_buffer *out, const char *name, const char *type, const char *help, uint64_t value) {
    int error = metric_head(out, name, type, help);
    return error != 0 ? error : tow_buffer_append_format(out, "towline_%s %" PRIu64 "\n", name, value);
}

typedef struct row {
    const char *name;
    const char *help;
    uint64_t value;
} row;

static int counters_text(tow_buffer *out, const row *rows, size_t count) {
    int error = 0;
    char name[64];
    for (size_t i = 0; error == 0 && i < count; i++) {
        snprintf(name, sizeof(name), "%s_total", rows[i].name);
        error = metric(out, name, "counter", rows[i].help, rows[i].value);
    }
    return error;
}

static int server_text(tow_buffer *out, const totals *sum) {
#define ROW(field, text) {.name = #field, .help = (text), .value = sum->server.field},
    const row rows[] = {TOW_SERVER_COUNTERS(ROW)};
#undef ROW
    return counters_text(out, rows, sizeof(rows) / sizeof(rows[0]));
}

static int sockets_text(tow_buffer *out, const totals *sum) {
    const tow_websocket_counters *sockets = &sum->sockets;
    const row rows[] = {
        {"websockets_opened", "WebSocket connections opened.", sockets->opened},
        {"websockets_closed", "WebSocket connections closed.", sockets->closed},
        {"messages_in", "Messages received.", sockets->messages_in},
        {"messages_out", "Messages sent.", sockets->messages_out},
        {"messages_dropped", "Messages dropped, as more than max-queue waited.", sockets->dropped},
        {"payload_bytes_in", "Bytes of messages received, after inflation.", sockets->bytes_in},
        {"payload_bytes_out", "Bytes of messages sent, before compression.", sockets->bytes_out},
        {"pongs_received", "Pongs received.", sockets->pongs_received},
        {"protocol_errors", "WebSocket connections failed with 1002.",
            sockets->ends[TOW_CAUSE_PROTOCOL_ERROR]},
        {"invalid_text", "WebSocket connections failed with 1007.", sockets->ends[TOW_CAUSE_INVALID_PAYLOAD]},
    };
    return counters_text(out, rows, sizeof(rows) / sizeof(rows[0]));
}

static int limit_row(tow_buffer *out, const char *option, uint64_t value) {
    return tow_buffer_append_format(
        out, "towline_limit_reached_total{limit=\"%s\"} %" PRIu64 "\n", option, value);
}

/* The same limit may be reached by requests and by sockets. */
static uint64_t limit_of_sockets(const tow_websocket_counters *sockets, const char *option) {
    for (tow_cause cause = 0; cause < TOW_CAUSE_COUNT; cause++) {
        if (tow_cause_ender(cause) == TOW_ENDED_BY_LIMIT && strcmp(tow_cause_name(cause), option) == 0)
            return sockets->ends[cause];
    }
    return 0;
}

static int ends_text(tow_buffer *out, const totals *sum) {
    int error = metric_head(out, "websocket_ends_total", "counter",
        "WebSocket connections that ended, by who ended them and why.");
    for (tow_cause cause = 0; error == 0 && cause < TOW_CAUSE_COUNT; cause++)
        error =
            tow_buffer_append_format(out, "towline_websocket_ends_total{by=\"%s\",why=\"%s\"} %" PRIu64 "\n",
                tow_ending_ender(cause), tow_cause_name(cause), sum->sockets.ends[cause]);
    return error;
}

static uint64_t exhausted(tow_server *server) {
    uint64_t sum = 0;
    for (size_t i = 0; i < server->worker_count; i++) {
        if (server->workers[i].loop != NULL)
            sum += tow_count_read(&tow_loop_count(server->workers[i].loop)->exhausted);
    }
    return sum;
}

static uint64_t over_posted(tow_server *server) {
    uint64_t sum = 0;
    for (size_t i = 0; i < server->worker_count; i++)
        sum += atomic_load_explicit(&server->workers[i].over_posted, memory_order_relaxed);
    return sum;
}

static int limits_text(tow_buffer *out, tow_server *server, const totals *sum) {
    tow_hub_counters channels;
    tow_hub_gauges now;
    tow_hub_read(server->hub, &channels, &now);
#define ROW(field, option) {(option), NULL, sum->server.field + limit_of_sockets(&sum->sockets, (option))},
    const row rows[] = {
        TOW_SERVER_LIMIT_COUNTERS(ROW){
            "max-queue", NULL, sum->sockets.ends[TOW_CAUSE_MAX_QUEUE] + sum->sockets.overflows},
        {"max-posted", NULL, over_posted(server)},
        {"ping-seconds", NULL, sum->sockets.pings_sent},
        {"close-seconds", NULL, sum->sockets.ends[TOW_CAUSE_CLOSE_SECONDS]},
        {"descriptors", NULL, exhausted(server)},
        {"max-channels", NULL, channels.over_channels},
        {"max-channel-members", NULL, channels.over_members},
        {"max-publication", NULL, channels.too_large},
        {"max-pending", NULL, channels.over_pending},
        {"max-history-bytes", NULL, channels.history_dropped},
    };
#undef ROW
    int error =
        metric_head(out, "limit_reached_total", "counter", "How often a limit took effect, by option.");
    for (size_t i = 0; error == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
        error = limit_row(out, rows[i].name, rows[i].value);
    const tow_metric *metric = NULL;
    while (error == 0 && (metric = tow_metrics_next(server, TOW_METRIC_LIMIT, metric)) != NULL)
        error = limit_row(out, metric->about->name, tow_metric_read(metric));
    return error;
}

/* What stands above the server. */

static int handlers_counters_text(tow_buffer *out, const tow_server *server) {
    const tow_metric *metric = NULL;
    int error = 0;
    while (error == 0 && (metric = tow_metrics_next(server, TOW_METRIC_COUNTER, metric)) != NULL) {
        const row shown = {metric->about->name, metric->about->help, tow_metric_read(metric)};
        error = counters_text(out, &shown, 1);
    }
    return error;
}

static int handlers_gauges_text(tow_buffer *out, const tow_server *server) {
    const tow_metric *each = NULL;
    int error = 0;
    while (error == 0 && (each = tow_metrics_next(server, TOW_METRIC_GAUGE, each)) != NULL)
        error = metric(out, each->about->name, "gauge", each->about->help, tow_metric_read(each));
    return error;
}

static int refusals_text(tow_buffer *out, const tow_server *server) {
    const tow_metric *metric = tow_metrics_next(server, TOW_METRIC_REFUSAL, NULL);
    int error = metric == NULL ? 0
                               : metric_head(out, "refused_total", "counter",
                                     "What was shown and is no good: keys, signatures, tokens, passwords.");
    for (; error == 0 && metric != NULL; metric = tow_metrics_next(server, TOW_METRIC_REFUSAL, metric))
        error = tow_buffer_append_format(out, "towline_refused_total{what=\"%s\"} %" PRIu64 "\n",
            metric->about->name, tow_metric_read(metric));
    return error;
}

static int handlers_text(tow_buffer *out, const tow_server *server) {
    int error = handlers_counters_text(out, server);
    if (error == 0)
        error = handlers_gauges_text(out, server);
    return error != 0 ? error : refusals_text(out, server);
}

static int gauges_text(tow_buffer *out, tow_server *server, const totals *sum) {
    int64_t connections = atomic_load_explicit(&server->connections, memory_order_relaxed);
    int64_t uptime = tow_loop_wall_seconds(server->loop) - server->started;
    int error = metric(out, "connections", "gauge", "Connections now.", (uint64_t)connections);
    if (error == 0)
        error =
            metric(out, "descriptors", "gauge", "Descriptors that connections have, with handlers' for them.",
                (uint64_t)tow_descriptors_taken(server->descriptors));
    if (error == 0)
        error = metric(out, "websockets", "gauge", "WebSocket connections now.",
            sum->sockets.opened - sum->sockets.closed);
    if (error == 0)
        error = metric(out, "carried", "gauge", "Sessions of Engine.IO and SockJS now.",
            (uint64_t)atomic_load_explicit(&server->carried, memory_order_relaxed));
    if (error == 0)
        error = metric(out, "unfinished_bytes", "gauge",
            "Bytes of messages, and of bodies, that have not ended.", sum->sockets.unfinished);
    if (error == 0)
        error = metric(out, "kept_bytes", "gauge", "Bytes that were read from WebSockets and wait for turns.",
            sum->sockets.kept);
    if (error == 0)
        error =
            metric(out, "posted_bytes", "gauge", "Bytes that other threads posted and that have not arrived.",
                (uint64_t)tow_server_posted_amount(server));
    if (error == 0)
        error = metric(out, "max_connections", "gauge", "The limit on connections.",
            (uint64_t)server->settings.max_connections);
    if (error == 0)
        error = metric(
            out, "uptime_seconds", "gauge", "Seconds since the start.", (uint64_t)(uptime > 0 ? uptime : 0));
    return error;
}

static int worker_rows(tow_buffer *out, tow_server *server, const char *name, size_t offset) {
    int error = 0;
    for (size_t i = 0; error == 0 && i < server->worker_count; i++) {
        const tow_loop *loop = server->workers[i].loop;
        if (loop == NULL)
            continue;
        const uint64_t *counter = (const uint64_t *)((const char *)tow_loop_count(loop) + offset);
        error = tow_buffer_append_format(
            out, "towline_loop_%s_total{worker=\"%zu\"} %" PRIu64 "\n", name, i, tow_count_read(counter));
    }
    return error;
}

static int loops_text(tow_buffer *out, tow_server *server) {
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } counters[] = {
        {"rounds", "Rounds of the worker's loop.", offsetof(tow_loop_counters, rounds)},
        {"reads", "Reads delivered.", offsetof(tow_loop_counters, reads)},
        {"writes", "Sends.", offsetof(tow_loop_counters, writes)},
        {"unsent", "Sends that were not taken whole.", offsetof(tow_loop_counters, unsent)},
        {"turns", "Times that a connection with much to do had to let others go first.",
            offsetof(tow_loop_counters, turns)},
        {"accepts", "Connections accepted by the worker.", offsetof(tow_loop_counters, accepts)},
        {"system_calls", "System calls.", offsetof(tow_loop_counters, system_calls)},
    };
    int error = 0;
    for (size_t i = 0; error == 0 && i < sizeof(counters) / sizeof(counters[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "loop_%s_total", counters[i].name);
        error = metric_head(out, name, "counter", counters[i].help);
        if (error == 0)
            error = worker_rows(out, server, counters[i].name, counters[i].offset);
    }
    return error;
}

static int loads_text(tow_buffer *out, tow_server *server) {
    int error = metric_head(out, "worker_connections", "gauge", "Connections of each worker.");
    for (size_t i = 0; error == 0 && i < server->worker_count; i++)
        error = tow_buffer_append_format(out, "towline_worker_connections{worker=\"%zu\"} %" PRId64 "\n", i,
            atomic_load_explicit(&server->workers[i].load, memory_order_relaxed));
    return error;
}

static int channel_counters_text(tow_buffer *out, const tow_hub_counters *counters) {
#define ROW(field, text) {.name = "channel_" #field, .help = (text), .value = counters->field},
    const row rows[] = {TOW_HUB_COUNTERS(ROW)};
#undef ROW
    return counters_text(out, rows, sizeof(rows) / sizeof(rows[0]));
}

static int channels_text(tow_buffer *out, tow_server *server) {
    tow_hub_counters counters;
    tow_hub_gauges now;
    tow_hub_read(server->hub, &counters, &now);
    const row rows[] = {
        {"channels", "Channels now.", now.channels},
        {"channel_subscriptions", "Subscriptions to channels now.", now.subscriptions},
        {"channel_members", "Users present in channels.", now.members},
        {"channel_history_bytes", "Bytes that channels keep.", now.history_bytes},
        {"channel_pending_bytes", "Bytes published that are on their way to subscribers.", now.pending_bytes},
        {"channel_waiting_bytes", "Bytes that wait for slow subscribers.", now.waiting_bytes},
        {"channel_asked_bytes", "Bytes of questions that the store of channels has not answered.",
            now.asked_bytes},
    };
    int error = channel_counters_text(out, &counters);
    for (size_t i = 0; error == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
        error = metric(out, rows[i].name, "gauge", rows[i].help, rows[i].value);
    return error;
}

int tow_status_text(tow_server *server, tow_buffer *out) {
    pthread_mutex_lock(&server->mutex); /* workers are still to begin, perhaps */
    totals sum = gather(server);
    int error = gauges_text(out, server, &sum);
    if (error == 0)
        error = server_text(out, &sum);
    if (error == 0)
        error = sockets_text(out, &sum);
    if (error == 0)
        error = ends_text(out, &sum);
    if (error == 0)
        error = limits_text(out, server, &sum);
    if (error == 0)
        error = channels_text(out, server);
    if (error == 0)
        error = handlers_text(out, server);
    if (error == 0)
        error = loads_text(out, server);
    if (error == 0)
        error = loops_text(out, server);
    pthread_mutex_unlock(&server->mutex);
    return error;
}

static void answer_metrics(tow_exchange *exchange, const tow_request *request) {
    tow_buffer text = {0};
    if (tow_status_text(tow_request_user(request), &text) == 0)
        tow_exchange_respond(
            exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text.data, text.length);
    tow_buffer_clear(&text);
}

static void answer_health(tow_exchange *exchange, const tow_request *request) {
    tow_server *server = tow_request_user(request);
    bool draining = atomic_load(&server->stopping);
    const char *text = draining ? "draining\n" : "ok\n";
    tow_exchange_respond(exchange, draining ? 503 : 200, "text/plain; charset=utf-8", text, strlen(text));
}

/* RFC 9110, section 9.2.1: nothing here is changed by asking. */
static void answer_reading(tow_exchange *exchange, const tow_request *request,
    void (*answer)(tow_exchange *exchange, const tow_request *request)) {
    const char *method = tow_request_method(request);
    if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
        answer(exchange, request);
    else if (tow_exchange_field(exchange, "Allow", "GET, HEAD") == 0)
        tow_exchange_respond(exchange, 405, "text/plain; charset=utf-8", "only GET and HEAD\n", 18);
}

static void on_metrics(tow_exchange *exchange, const tow_request *request) {
    answer_reading(exchange, request, answer_metrics);
}

static void on_health(tow_exchange *exchange, const tow_request *request) {
    answer_reading(exchange, request, answer_health);
}

int tow_status_routes(tow_server *server) {
    const tow_handler metrics = {.user = server, .on_request = on_metrics};
    const tow_handler health = {.user = server, .on_request = on_health};
    int error = tow_routes_add(&server->status_routes, "/metrics", &metrics, &server->route_defaults, NULL);
    if (error == 0)
        error = tow_routes_add(&server->status_routes, "/", &metrics, &server->route_defaults, NULL);
    if (error == 0)
        error = tow_routes_add(&server->status_routes, "/health", &health, &server->route_defaults, NULL);
    return error;
}
