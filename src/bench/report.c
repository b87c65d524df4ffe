#include "bench/report.h"

#include <stdio.h>
#include <towline/error.h>

enum { FIGURE_MAX = 32 };

static const char *kind_name(tow_traffic_kind kind) {
    switch (kind) {
    case TOW_TRAFFIC_BINARY:
        return "binary";
    case TOW_TRAFFIC_TEXT:
        return "text";
    case TOW_TRAFFIC_UTF8:
        return "utf8";
    }
    return "";
}

static double per_second(double amount, const tow_load_figures *figures) {
    return figures->elapsed > 0 ? amount * 1e9 / (double)figures->elapsed : 0;
}

static double megabytes_per_second(const tow_load_options *options, const tow_load_figures *figures) {
    return per_second(figures->messages_answered * (double)options->payload_length, figures) / 1e6;
}

/* Of one core. */
static double cpu_share(int64_t cpu, const tow_load_figures *figures) {
    return per_second((double)cpu, figures) / 1e9;
}

static double per_message(int64_t amount, const tow_load_figures *figures) {
    return figures->messages_answered > 0 ? (double)amount / figures->messages_answered : 0;
}

/* For people. */

static const char *time_text(char out[FIGURE_MAX], uint64_t nanoseconds) {
    double value = (double)nanoseconds;
    if (value < 1e6)
        snprintf(out, FIGURE_MAX, "%.1f µs", value / 1e3);
    else if (value < 1e9)
        snprintf(out, FIGURE_MAX, "%.2f ms", value / 1e6);
    else
        snprintf(out, FIGURE_MAX, "%.2f s", value / 1e9);
    return out;
}

static int append_latency(tow_buffer *out, const tow_histogram *latency) {
    char half[FIGURE_MAX];
    char most[FIGURE_MAX];
    char nearly_all[FIGURE_MAX];
    char worst[FIGURE_MAX];
    return tow_buffer_append_format(out, "latency    p50 %s, p99 %s, p99.9 %s, longest %s\n",
        time_text(half, tow_histogram_quantile(latency, 0.5)),
        time_text(most, tow_histogram_quantile(latency, 0.99)),
        time_text(nearly_all, tow_histogram_quantile(latency, 0.999)), time_text(worst, latency->maximum));
}

static int append_traffic(tow_buffer *out, const tow_load_options *options, const tow_load_figures *figures) {
    int error = tow_buffer_append_format(out, "messages   %.0f a second, %.1f MB/s each way\n",
        per_second(figures->messages_answered, figures), megabytes_per_second(options, figures));
    return error != 0 ? error : append_latency(out, &figures->latency);
}

static int append_server(tow_buffer *out, const tow_load_figures *figures) {
    int error = tow_buffer_append_format(
        out, "server     %.0f %% of a core", 100 * cpu_share(figures->server_cpu, figures));
    if (error == 0 && figures->messages > 0)
        error = tow_buffer_append_format(
            out, ", %.0f ns CPU a message", per_message(figures->server_cpu, figures));
    if (error == 0 && figures->messages > 0 && figures->server_system_calls >= 0)
        error = tow_buffer_append_format(
            out, ", %.3f system calls a message", per_message(figures->server_system_calls, figures));
    if (error == 0 && figures->server_memory_total >= 0)
        error = tow_buffer_append_format(out, ", %.1f MB", (double)figures->server_memory_total / 1e6);
    if (error == 0 && figures->server_memory_total >= 0 && figures->server_memory_first > 0)
        error = tow_buffer_append_format(out, " (%.0f bytes for each connection behind the first %d)",
            figures->server_memory_per_connection, figures->server_memory_first);
    return error != 0 ? error : tow_buffer_append_text(out, "\n");
}

int tow_report_text(tow_buffer *out, const tow_load_options *options, const tow_load_figures *figures) {
    int error =
        tow_buffer_append_format(out, "%s: %d connection%s, %d in flight on each, %zu bytes of %s, %.1f s\n",
            options->url, options->connections, options->connections == 1 ? "" : "s", options->in_flight,
            options->payload_length, kind_name(options->kind), (double)figures->elapsed / 1e9);
    if (error == 0 && options->in_flight > 0)
        error = append_traffic(out, options, figures);
    if (error == 0 && figures->server_cpu >= 0)
        error = append_server(out, figures);
    double share = cpu_share(figures->generator_cpu, figures);
    if (error == 0)
        error = tow_buffer_append_format(out, "generator  %.0f %% of a core%s\n", 100 * share,
            share > 0.97 ? ": it may be what limits the rate" : "");
    return error;
}

/* For programs. */

/* The URL comes from the command line and was accepted: no quotes, no control characters, but maybe a
 * backslash. */
static int append_string(tow_buffer *out, const char *text) {
    int error = tow_buffer_append(out, "\"", 1);
    for (; *text != 0 && error == 0; text++) {
        if (*text == '"' || *text == '\\')
            error = tow_buffer_append(out, "\\", 1);
        if (error == 0)
            error = tow_buffer_append(out, text, 1);
    }
    return error != 0 ? error : tow_buffer_append(out, "\"", 1);
}

/* A number that may be unknown. */
static int append_number(tow_buffer *out, const char *name, bool known, double value) {
    return known ? tow_buffer_append_format(out, ",\"%s\":%.9g", name, value)
                 : tow_buffer_append_format(out, ",\"%s\":null", name);
}

static int append_json_latency(tow_buffer *out, const tow_histogram *latency) {
    static const struct {
        const char *name;
        double fraction;
    } rows[] = {{"p50_ns", 0.5}, {"p99_ns", 0.99}, {"p999_ns", 0.999}, {"longest_ns", 1}};
    int error = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && error == 0; i++)
        error = append_number(
            out, rows[i].name, latency->count > 0, (double)tow_histogram_quantile(latency, rows[i].fraction));
    return error;
}

static int append_json_costs(
    tow_buffer *out, const tow_load_options *options, const tow_load_figures *figures) {
    bool answered = figures->messages_answered > 0;
    const struct {
        const char *name;
        bool known;
        double value;
    } rows[] = {
        {"generator_cpu", true, cpu_share(figures->generator_cpu, figures)},
        {"server_cpu", figures->server_cpu >= 0, cpu_share(figures->server_cpu, figures)},
        {"server_cpu_ns_per_message", figures->server_cpu >= 0 && answered,
            per_message(figures->server_cpu, figures)},
        {"server_system_calls_per_message", figures->server_system_calls >= 0 && answered,
            per_message(figures->server_system_calls, figures)},
        {"server_memory", figures->server_memory_total >= 0, (double)figures->server_memory_total},
        {"server_memory_growth", figures->server_memory_total >= 0, (double)figures->server_memory},
        {"server_memory_per_connection",
            figures->server_memory_total >= 0 && figures->server_memory_first > 0,
            figures->server_memory_per_connection},
    };
    int error = 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && error == 0; i++)
        error = append_number(out, rows[i].name, rows[i].known, rows[i].value);
    return error;
}

int tow_report_json(tow_buffer *out, const tow_load_options *options, const tow_load_figures *figures) {
    int error = tow_buffer_append_text(out, "{\"url\":");
    if (error == 0)
        error = append_string(out, options->url);
    if (error == 0)
        error = tow_buffer_append_format(out,
            ",\"connections\":%d,\"in_flight\":%d,\"payload\":%zu,\"kind\":\"%s\",\"seconds\":%.6f,"
            "\"messages\":%llu",
            options->connections, options->in_flight, options->payload_length, kind_name(options->kind),
            (double)figures->elapsed / 1e9, (unsigned long long)figures->messages);
    if (error == 0)
        error =
            append_number(out, "messages_per_second", true, per_second(figures->messages_answered, figures));
    if (error == 0)
        error = append_number(out, "megabytes_per_second", true, megabytes_per_second(options, figures));
    if (error == 0)
        error = append_json_latency(out, &figures->latency);
    if (error == 0)
        error = append_json_costs(out, options, figures);
    return error != 0 ? error : tow_buffer_append_text(out, "}\n");
}
