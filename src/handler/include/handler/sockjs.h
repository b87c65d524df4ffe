/* sockjs: the messages of a server's routes over SockJS: `info`, `websocket`, `xhr`, `xhr_streaming`,
 * `xhr_send` and the raw `websocket`. docs/sockjs.md says what that means for clients. */
#ifndef TOW_HANDLER_SOCKJS_H
#define TOW_HANDLER_SOCKJS_H

#include "handler/option.h"

#include <stdbool.h>
#include <towline/server.h>

typedef struct tow_sockjs tow_sockjs;

/* Zero means the default. */
typedef struct tow_sockjs_settings {
    bool off;              /* for the program: no route is reachable so */
    int64_t max_half_made; /* sessions of a worker that only their first request has come for; more: the
                              oldest of them ends; default 1,000 */
} tow_sockjs_settings;

extern const tow_option tow_sockjs_rows[];

/* Serves the routes of a server, each at PATH/sockjs/, and its transports below PATH itself
 * (PATH/SERVER/SESSION/xhr), as pusher-js asks for them. `settings` are copied; NULL: the defaults. Freed
 * after the server. Errors: MEMORY. */
int tow_sockjs_new(tow_sockjs **sockjs, tow_server *server, const tow_sockjs_settings *settings);
void tow_sockjs_free(tow_sockjs *sockjs); /* NULL is allowed */

#endif
