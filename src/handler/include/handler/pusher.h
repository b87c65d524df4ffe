/* pusher: the protocol of Pusher Channels (version 7) and its HTTP interface, for one app or several: clients
 * at /app/KEY, servers of an app at /apps/ID/.
 *
 * Channels of an app are channels of the hub, "pusher/ID/NAME", unless the app shares them by their own name.
 * What all apps of a server have in common (who watches channels, who tells webhooks) is a tow_pusher. */
#ifndef TOW_HANDLER_PUSHER_H
#define TOW_HANDLER_PUSHER_H

#include "handler/kind.h"
#include "hub/policy.h"

/* Texts outlive the handler. Zero means the default. */
typedef struct tow_pusher_settings {
    const char *id;
    const char *key;
    const char *secret; /* a file */
    bool disabled;
    bool tls_only;
    bool client_events;
    bool subscription_counts;          /* subscribers are told how many they are */
    int max_client_events;             /* of a connection, in a second */
    int64_t max_connections;           /* TOW_OFF: no limit */
    int max_channels;                  /* of a connection */
    int max_members;                   /* of a presence channel */
    int activity_seconds;              /* of silence, until a ping */
    int authorize_seconds;             /* for a signature; TOW_OFF: none is needed */
    int cache_seconds;                 /* that a cache channel keeps its last event */
    const char *const *share;          /* names of channels, or beginnings with an asterisk */
    const char *const *webhooks;       /* URLs */
    const char *const *webhook_events; /* NULL: all */
    int webhook_queue;                 /* events that may wait for one */
} tow_pusher_settings;

extern const tow_handler_kind tow_pusher_kind; /* of one app: all its paths have the handler */
extern const tow_option tow_pusher_rows[];

/* Where an app is served, by number from 0: its clients at "/app/KEY", its servers below "/apps/ID/", and at
 * "/pusher/app/KEY" clients that other carriers bring (SockJS), where WebSocket is blocked. False: there is
 * none more. */
enum { TOW_PUSHER_PATH_MAX = 256 };
bool tow_pusher_path(const tow_pusher_settings *settings, size_t number, char out[TOW_PUSHER_PATH_MAX]);

/* For clients and servers of apps that are not there. */
extern const tow_handler_kind tow_pusher_unknown_kind;
#define TOW_PUSHER_UNKNOWN_PATH "/app/*"
#define TOW_PUSHER_UNKNOWN_CARRIED_PATH "/pusher/app/*"
#define TOW_PUSHER_UNKNOWN_API_PATH "/apps/*"

typedef struct tow_pusher tow_pusher;

/* Before the server listens, and before any app. Errors: MEMORY. */
int tow_pusher_new(tow_pusher **pusher, const tow_handler_place *place);

/* On the thread of the server's first loop, which does not run any more: before the server is freed. NULL is
 * allowed in both. */
void tow_pusher_end(tow_pusher *pusher);

/* When the server and all apps are gone. */
void tow_pusher_free(tow_pusher *pusher);

/* What holds for a channel of an app, above what is in `policy` already. Any thread. False: it is none. */
bool tow_pusher_channel_policy(tow_pusher *pusher, tow_slice name, tow_channel_policy *policy);

#endif
