#include "metrics.h"

#include "state.h"

#include <stdlib.h>
#include <string.h>

static bool is_same(const tow_metric_about *one, const tow_metric_about *other) {
    return one->kind == other->kind && strcmp(one->name, other->name) == 0;
}

tow_metric *tow_server_metric(tow_server *server, const tow_metric_about *about) {
    if (server == NULL)
        return NULL;
    pthread_mutex_lock(&server->mutex);
    tow_metric **place = &server->metrics;
    while (*place != NULL && !is_same((*place)->about, about))
        place = &(*place)->next;
    if (*place == NULL)
        *place = calloc(1, sizeof(**place));
    tow_metric *metric = *place;
    if (metric != NULL && metric->about == NULL)
        metric->about = about;
    pthread_mutex_unlock(&server->mutex);
    return metric;
}

void tow_server_metrics(
    tow_server *server, tow_metric **metrics, const tow_metric_about *about, size_t count) {
    for (size_t i = 0; i < count; i++)
        metrics[i] = tow_server_metric(server, &about[i]);
}

const tow_metric *tow_metrics_next(const tow_server *server, tow_metric_kind kind, const tow_metric *before) {
    const tow_metric *metric = before != NULL ? before->next : server->metrics;
    while (metric != NULL && metric->about->kind != kind)
        metric = metric->next;
    return metric;
}

void tow_metrics_clear(tow_server *server) {
    while (server->metrics != NULL) {
        tow_metric *metric = server->metrics;
        server->metrics = metric->next;
        free(metric);
    }
}
