/* metrics: the metrics of a server (server/metric.h), as --status reads them. The list only grows, at its
 * end.
 */
#ifndef TOW_SERVER_METRICS_H
#define TOW_SERVER_METRICS_H

#include "server/metric.h"

/* The next of this kind behind one, or the first (NULL); NULL: there is none. Under the server's mutex. */
const tow_metric *tow_metrics_next(const tow_server *server, tow_metric_kind kind, const tow_metric *before);

/* What it is now: a gauge that several threads change may be below 0 for a moment, which is told as 0. */
static inline uint64_t tow_metric_read(const tow_metric *metric) {
    int64_t value = atomic_load_explicit(&metric->value, memory_order_relaxed);
    return value > 0 ? (uint64_t)value : 0;
}

void tow_metrics_clear(tow_server *server);

#endif
