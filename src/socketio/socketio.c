/* socketio: a server of Socket.IO as a whole. */
#include "away.h"
#include "ending.h"
#include "scope.h"
#include "socket.h"
#include "socketio/parts.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>
#include <towline/version.h>

enum {
    DEFAULT_ROOMS = 1000,
    DEFAULT_ACKS = 1000,
    DEFAULT_AWAY = 10000,
    DEFAULT_CONNECT = 45000,
    DEFAULT_MESSAGE = 1000000
};

static void fill_in(tow_socketio_options *options) {
    if (options->path == NULL)
        options->path = "/socket.io/";
    if (options->connect_timeout_milliseconds == 0)
        options->connect_timeout_milliseconds = DEFAULT_CONNECT;
    if (options->max_message == 0)
        options->max_message = DEFAULT_MESSAGE;
    if (options->max_rooms == 0)
        options->max_rooms = DEFAULT_ROOMS;
    if (options->max_away == 0)
        options->max_away = DEFAULT_AWAY;
    if (options->max_acks == 0)
        options->max_acks = DEFAULT_ACKS;
}

static const tow_socketio_above above = {.lose = tow_socketio_lose, .expel = tow_socketio_expel};

int tow_socketio_make(tow_socketio **io, tow_server *server, const tow_socketio_options *options) {
    tow_socketio *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&made->holders, 1);
    made->above = &above;
    made->server = server;
    TOW_SERVER_METRICS(server, &made->metrics, TOW_SOCKETIO_METRICS);
    if (options != NULL)
        made->options = *options;
    fill_in(&made->options);
    if (made->options.recovery_seconds > 0 &&
        (made->away = tow_socketio_away_new((size_t)made->options.max_away, tow_socketio_socket_forget)) ==
            NULL) {
        free(made);
        return TOW_ERROR_MEMORY;
    }
    *io = made;
    return 0;
}

/* The packets themselves are served at the path without its last slash; at the path they are carried by
 * Engine.IO. */
static int route(tow_socketio *io, tow_server *server) {
    char path[256];
    size_t length = strlen(io->options.path);
    if (length < 2 || length > sizeof(path) || io->options.path[length - 1] != '/')
        return TOW_ERROR_ARGUMENT;
    memcpy(path, io->options.path, length - 1);
    path[length - 1] = '\0';
    tow_handler handler = tow_socketio_handle(io);
    return tow_server_route(server, path, &handler);
}

static int carry(tow_socketio *io, tow_server *server) {
    const tow_socketio_options *options = &io->options;
    const tow_engineio_settings settings = {.ping_milliseconds = options->ping_interval_milliseconds,
        .pong_milliseconds = options->ping_timeout_milliseconds,
        .upgrade_milliseconds = options->upgrade_timeout_milliseconds,
        .max_payload = options->max_message};
    return tow_engineio_new(&io->engineio, server, &settings, options->path);
}

int tow_socketio_new_sized(
    tow_socketio **io, tow_server *server, const tow_socketio_options *options, size_t options_size) {
    tow_socketio_options own = {0};
    tow_socketio *made;
    if (io == NULL || server == NULL || options_size > sizeof(own))
        return TOW_ERROR_ARGUMENT;
    if (strcmp(tow_version(), TOW_VERSION) !=
        0) /* what is private of libtowline goes with this version alone */
        return TOW_ERROR_UNSUPPORTED;
    if (options != NULL)
        memcpy(&own, options, options_size);
    int error = tow_socketio_make(&made, server, &own);
    if (error != 0)
        return error;
    error = route(made, server);
    if (error == 0)
        error = carry(made, server);
    made->options.path = NULL; /* lent by the caller, as the origins are, and of no use any more */
    made->options.allow_origins = NULL;
    if (error != 0)
        tow_socketio_free(made);
    else
        *io = made;
    return error;
}

void tow_socketio_free(tow_socketio *io) {
    if (io != NULL)
        tow_socketio_release(io);
}

void tow_socketio_stay_by(tow_socketio *io, tow_socketio_stays stays) {
    io->stays = stays;
}
