/* connection: one client of an app: what it is called, what it may, and how long it may be silent.
 *
 * Its subscriptions are the socket's (server/channels.h), but for those by which a user is known
 * (signed_in.h). */
#ifndef TOW_HANDLER_PUSHER_CONNECTION_H
#define TOW_HANDLER_PUSHER_CONNECTION_H

#include "app.h"
#include "base/buffer.h"
#include "membership.h"
#include "socket_id.h"
#include "transport/timer.h"

#include <towline/websocket.h>

/* Codes of errors and of Closes. Below 4100 clients stay away, below 4200 they come back after a second, and
 * then at once. */
enum {
    TOW_PUSHER_TLS_ONLY = 4000,
    TOW_PUSHER_NO_APP = 4001,
    TOW_PUSHER_DISABLED = 4003,
    TOW_PUSHER_OVER_QUOTA = 4004,
    TOW_PUSHER_NO_PATH = 4005,
    TOW_PUSHER_BAD_VERSION = 4006,
    TOW_PUSHER_OTHER_VERSION = 4007,
    TOW_PUSHER_NO_VERSION = 4008,
    TOW_PUSHER_UNAUTHORIZED = 4009,
    TOW_PUSHER_OVER_CAPACITY = 4100,
    TOW_PUSHER_RECONNECT = 4200,
    TOW_PUSHER_NO_PONG = 4201,
    TOW_PUSHER_EVENT_REJECTED = 4301,
    TOW_PUSHER_WATCHLIST_TOO_LONG = 4302
};

typedef struct tow_pusher_connection {
    tow_websocket *socket;
    tow_pusher_app *app; /* its route's */
    tow_timer timer;
    int64_t heard;        /* when something was received last, in the loop's time */
    int64_t authorize_by; /* the same; 0: no more */
    int64_t second;       /* when the present second of client events began */
    int events;           /* in it */
    bool was_pinged;
    bool is_foreign; /* of a page that is let in as any would be */
    tow_pusher_membership *memberships;
    struct tow_pusher_signed_in *signed_in; /* NULL: it has not */
    char id[TOW_PUSHER_SOCKET_ID_TEXT];
} tow_pusher_connection;

/* It has shown a signature. */
static inline void tow_pusher_connection_authorize(tow_pusher_connection *connection) {
    connection->authorize_by = 0;
}

/* The handler's functions. */
void tow_pusher_connection_open(tow_websocket *socket);
void tow_pusher_connection_message(tow_websocket *socket, const tow_message *message);
void tow_pusher_connection_pong(tow_websocket *socket, const void *payload, size_t length);
void tow_pusher_connection_close(tow_websocket *socket, const tow_close_event *event);

#endif
