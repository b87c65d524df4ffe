/* metric: a number of --status that belongs to what stands above the server: whoever counts something asks
 * for it by name, and all who ask for the same name share it. It lives as long as the server. */
#ifndef TOW_SERVER_METRIC_H
#define TOW_SERVER_METRIC_H

#include <stdatomic.h>
#include <stdint.h>
#include <towline/server.h>

typedef enum tow_metric_kind {
    TOW_METRIC_COUNTER, /* towline_NAME_total */
    TOW_METRIC_GAUGE,   /* towline_NAME: what is added is taken off again */
    TOW_METRIC_LIMIT,   /* towline_limit_reached_total{limit="NAME"}: the name is the option's */
    TOW_METRIC_REFUSAL  /* towline_refused_total{what="NAME"}: something was shown, and is no good */
} tow_metric_kind;

typedef struct tow_metric_about { /* lives longer than the server */
    tow_metric_kind kind;
    const char *name;
    const char *help; /* of counters and gauges */
} tow_metric_about;

typedef struct tow_metric {
    const tow_metric_about *about;
    _Atomic int64_t value;
    struct tow_metric *next;
} tow_metric;

/* Made the first time, at 0. NULL: there is no server (NULL is allowed), or no memory: then nothing is
 * counted. Any thread. */
tow_metric *tow_server_metric(tow_server *server, const tow_metric_about *about);

/* Several at once: a struct of nothing but pointers to metrics, whose fields stand with what they are in one
 * list, NAME_METRICS(X) of X(field, kind, name, help). */
#define TOW_METRIC_FIELD(field, kind, name, help) tow_metric *field;
#define TOW_METRIC_ABOUT(field, kind, name, help) {(kind), (name), (help)},
void tow_server_metrics(
    tow_server *server, tow_metric **metrics, const tow_metric_about *about, size_t count);
#define TOW_SERVER_METRICS(server, metrics, list)                                                            \
    do {                                                                                                     \
        static const tow_metric_about about[] = {list(TOW_METRIC_ABOUT)};                                    \
        tow_server_metrics(                                                                                  \
            (server), (tow_metric **)(void *)(metrics), about, sizeof(about) / sizeof(about[0]));            \
    } while (0)

/* Any thread; NULL is allowed. */
static inline void tow_metric_add(tow_metric *metric, int64_t more) {
    if (metric != NULL)
        atomic_fetch_add_explicit(&metric->value, more, memory_order_relaxed);
}

static inline void tow_metric_count(tow_metric *metric) {
    tow_metric_add(metric, 1);
}

#endif
