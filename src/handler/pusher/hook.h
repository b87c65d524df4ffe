/* hook: one webhook of an app: what it is to be told is sent in batches, signed, one request at a time, and
 * again when it fails. Lives on the server's first loop as long as there is something to tell. */
#ifndef TOW_HANDLER_PUSHER_HOOK_H
#define TOW_HANDLER_PUSHER_HOOK_H

#include "app.h"
#include "client/http_client.h"
#include "hook_queue.h"
#include "server/metric.h"

typedef struct tow_pusher_hook tow_pusher_hook;

/* What --status tells of them. */
#define TOW_PUSHER_HOOK_METRICS(X)                                                                           \
    X(waiting, TOW_METRIC_GAUGE, "webhook_events_waiting", "Events that webhooks are still to be told.")     \
    X(told, TOW_METRIC_COUNTER, "webhook_events_told", "Events that webhooks have been told.")               \
    X(dropped, TOW_METRIC_COUNTER, "webhook_events_dropped",                                                 \
        "Events that webhooks are not told, as too many waited or nobody took them.")                        \
    X(failures, TOW_METRIC_COUNTER, "webhook_failures",                                                      \
        "Requests to webhooks that came to nothing, and are tried again.")
typedef struct tow_pusher_hook_metrics {
    TOW_PUSHER_HOOK_METRICS(TOW_METRIC_FIELD)
} tow_pusher_hook_metrics;

/* What the hooks of a server share. */
typedef struct tow_pusher_hooks {
    tow_ring list;
    tow_loop *loop;
    tow_http_client *client;
    tow_handler_log log;
    tow_pusher_hook_metrics metrics;
} tow_pusher_hooks;

/* Errors: those of tow_http_client_new. */
int tow_pusher_hooks_init(tow_pusher_hooks *hooks, const tow_handler_place *place);

/* What was not told is dropped. */
void tow_pusher_hooks_clear(tow_pusher_hooks *hooks);

/* Tells all webhooks of the app. What finds no room is dropped, and the log says so. */
void tow_pusher_hooks_tell(tow_pusher_hooks *hooks, tow_pusher_app *app, const tow_pusher_hook_event *event);

#endif
