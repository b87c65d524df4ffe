/* entrance: another way to what is served: an address below that of a WebSocket route (or in its place), at
 * which somebody carries that route's messages in another way (Engine.IO, SockJS).
 *
 * The exchange's route is that one, so hosts, origins and limits are its own. An origin is judged for each
 * request; one that begins a session is let in as an opening handshake is, by the drain and the handler's
 * word. */
#ifndef TOW_SERVER_ENTRANCE_H
#define TOW_SERVER_ENTRANCE_H

#include "base/slice.h"

#include <towline/server.h>

typedef struct tow_entrance tow_entrance;

struct tow_entrance { /* embedded; the functions are the caller's to set, the rest is private */
    /* The path of the route to which a request for this path leads: a part of it, or a text that stays. Asked
     * with attempt 0, 1 … until there is such a route; false: there is no further attempt. */
    bool (*find)(const tow_entrance *entrance, tow_slice path, unsigned attempt, tow_slice *base);
    /* Whether a request for this path is one for the route itself, by another name; NULL: none is. */
    bool (*is_alias)(const tow_entrance *entrance, tow_slice path);
    /* Whether a request begins a session. */
    bool (*begins)(tow_entrance *entrance, const tow_request *request);
    /* The subprotocols that it offers, with commas between them, as long as the request lives; NULL: none. */
    const char *(*offers)(const tow_entrance *entrance, const tow_request *request);
    /* Adds what the answer says to the page that asks, once its origin was let in: to a refusal, too. NULL:
     * nothing. */
    void (*address)(tow_exchange *exchange, const tow_request *request);
    /* Gets each request that was let in, as a handler's does; of an opening handshake it may say
     * tow_exchange_enter in place of an answer. */
    void (*on_request)(tow_exchange *exchange, const tow_request *request);
    struct tow_route *route;
    tow_entrance *next;
};

/* Makes one by which nobody comes yet. `sockets` has the callbacks and limits of the WebSocket connections
 * that come this way (on_open, on_message, on_close, on_drain), whose tow_websocket_user is `user`. Errors:
 * as tow_server_route. */
int tow_entrance_make(tow_entrance *entrance, tow_server *server, const tow_handler *sockets);

/* From now on requests may come this way, until the server is freed. Any thread. */
void tow_server_add_entrance(tow_server *server, tow_entrance *entrance);

/* One that was not added, or not made. */
void tow_entrance_drop(tow_entrance *entrance);

/* NULL: it came the usual way. */
tow_entrance *tow_exchange_entrance(const tow_exchange *exchange);

/* The request's path without what the entrance has behind it: as the route's own requests have it. It lives
 * as long as the request is lent. */
tow_slice tow_exchange_route_path(const tow_exchange *exchange);

/* In on_request: whether it was let in as one that begins a session. What `begins` went by may be otherwise
 * by now, and nobody may begin one without it: the handler was not asked. */
bool tow_exchange_begins(const tow_exchange *exchange);

/* In on_request: whether this is an opening handshake; and that it goes on, as a WebSocket, when on_request
 * has returned. */
bool tow_exchange_is_opening(const tow_exchange *exchange);
void tow_exchange_enter(tow_exchange *exchange);

/* In on_open of such a WebSocket: its exchange, for tow_exchange_open_carried. */
tow_exchange *tow_websocket_opening(const tow_websocket *socket);

#endif
