/* engineio: the messages of a server's routes over Engine.IO 4: by HTTP polling and by WebSocket, with the
 * upgrade from one to the other. docs/engineio.md says what that means for clients.
 *
 * Needs the server's floors, and no handler. */
#ifndef TOW_HANDLER_ENGINEIO_H
#define TOW_HANDLER_ENGINEIO_H

#include "handler/option.h"

#include <stdbool.h>
#include <towline/server.h>

typedef struct tow_engineio tow_engineio;

#define TOW_ENGINEIO_PING_DEFAULT 25000
#define TOW_ENGINEIO_PONG_DEFAULT 20000
#define TOW_ENGINEIO_PAYLOAD_DEFAULT 1000000

/* Zero means the default. */
typedef struct tow_engineio_settings {
    bool off;                 /* for the program: no route is reachable so */
    int ping_milliseconds;    /* between a Pong and the next Ping */
    int pong_milliseconds;    /* for the answer */
    int upgrade_milliseconds; /* for a WebSocket that is to take a session over; default 10,000 */
    int64_t max_payload;      /* of a message, and of a body that is posted */
    int64_t max_half_made; /* sessions of a worker to which nobody has come back yet; more: the oldest of them
                              ends */
} tow_engineio_settings;

/* Rows of these settings. */
extern const tow_option tow_engineio_rows[];

/* Serves the routes of a server, each at PATH/engine.io/; or, with a `path` that ends with a slash
 * ("/socket.io/"), at that path alone the route that is the same without the slash. `settings` are copied;
 * `path`, which may be NULL, is too. Freed after the server, in each case. Errors: ARGUMENT, MEMORY. */
int tow_engineio_new(
    tow_engineio **engineio, tow_server *server, const tow_engineio_settings *settings, const char *path);
void tow_engineio_free(tow_engineio *engineio); /* NULL is allowed */

/* The same in two steps: nobody comes to it before the second, which can not fail; without that it is freed
 * before the server. */
int tow_engineio_make(
    tow_engineio **engineio, tow_server *server, const tow_engineio_settings *settings, const char *path);
void tow_engineio_enter(tow_engineio *engineio);

#endif
