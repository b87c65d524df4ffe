/* app: one app: its credentials and limits, what its channels are called in the hub, and how many connections
 * it has. Counted; it does not change but for that number. */
#ifndef TOW_HANDLER_PUSHER_APP_H
#define TOW_HANDLER_PUSHER_APP_H

#include "channel_name.h"
#include "credentials.h"
#include "handler/pusher.h"
#include "hub/name.h"
#include "server/metric.h"

#include <stdatomic.h>

enum { TOW_PUSHER_ID_MAX = 20, TOW_PUSHER_KEY_MAX = 64, TOW_PUSHER_SECRET_MAX = 256 };

/* What --status tells of all apps. */
#define TOW_PUSHER_METRICS(X)                                                                                \
    X(connections, TOW_METRIC_GAUGE, "pusher_connections", "Clients of Pusher's protocol now.")              \
    X(refused_calls, TOW_METRIC_REFUSAL, "pusher-call", NULL)                                                \
    X(refused_auths, TOW_METRIC_REFUSAL, "pusher-auth", NULL)                                                \
    X(over_connections, TOW_METRIC_LIMIT, "pusher-max-connections", NULL)                                    \
    X(over_channels, TOW_METRIC_LIMIT, "pusher-max-channels", NULL)                                          \
    X(over_client_events, TOW_METRIC_LIMIT, "pusher-max-client-events", NULL)
typedef struct tow_pusher_metrics {
    TOW_PUSHER_METRICS(TOW_METRIC_FIELD)
} tow_pusher_metrics;

typedef struct tow_pusher_app {
    tow_pusher *pusher;
    tow_server *server;
    tow_pusher_settings settings; /* but for the file's name: its texts are copies */
    tow_pusher_credentials credentials;
    char secret[TOW_PUSHER_SECRET_MAX];
    char **texts; /* the copies */
    size_t text_count;
    uint64_t mask; /* see tow_pusher */
    tow_pusher_metrics metrics;
    _Atomic int64_t connections;
    atomic_int holders;
} tow_pusher_app;

/* Held by the caller. Errors: MEMORY, and those of the secret's file; `why` then says what is wrong. */
int tow_pusher_app_new(tow_pusher_app **app, const tow_pusher_settings *settings,
    const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]);
tow_pusher_app *tow_pusher_app_retain(tow_pusher_app *app);
void tow_pusher_app_release(tow_pusher_app *app); /* NULL is allowed */

/* One connection more, unless there are as many as may be; and one less. Any thread. */
bool tow_pusher_app_enter(tow_pusher_app *app);
void tow_pusher_app_leave(tow_pusher_app *app);

/* A name of the hub. */
typedef struct tow_pusher_hub_name {
    char text[TOW_CHANNEL_NAME_MAX];
    size_t length;
} tow_pusher_hub_name;

static inline tow_slice tow_pusher_hub_slice(const tow_pusher_hub_name *name) {
    return (tow_slice){name->text, name->length};
}

/* What a channel of the app is called there, whose name is a valid one. */
void tow_pusher_app_hub_name(const tow_pusher_app *app, tow_slice channel, tow_pusher_hub_name *out);

/* The channel on which the connections of a user are, and which no door opens. */
void tow_pusher_app_bus_name(const tow_pusher_app *app, tow_slice user, tow_pusher_hub_name *out);

/* Which of `share` gives a channel its own name in the hub, by number; -1: none. */
int tow_pusher_app_share_of(const tow_pusher_app *app, tow_slice channel);

/* What a channel of the hub is called in the protocol. */
tow_slice tow_pusher_channel_of(tow_slice hub_name);

/* The id of the app whose channel it is, and which is not shared; length 0: none. */
tow_slice tow_pusher_app_id_of(tow_slice hub_name);

#endif
