#include "socketio.h"

#include "away.h"
#include "connection.h"
#include "form.h"
#include "hub/name.h"
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

tow_socketio_scope *tow_socketio_find_scope(const tow_socketio *io, tow_slice name) {
    tow_socketio_scope *scope = io->scopes;
    while (scope != NULL && !tow_slice_equals(name, scope->name))
        scope = scope->next;
    return scope;
}

/* Namespaces. */

static bool is_scope_name(const char *name) {
    tow_slice text = tow_slice_from(name);
    return name[0] == '/' && text.length <= TOW_SOCKETIO_NAME_MAX && strpbrk(name, ",?") == NULL &&
           tow_channel_name_is_valid(text);
}

static bool are_listeners_free(const tow_socketio_listener *listener) {
    for (; listener != NULL && listener->event != NULL; listener++) {
        if (!tow_packet_name_is_free(tow_slice_from(listener->event)) || listener->on_event == NULL)
            return false;
    }
    return true;
}

static bool has_channel(const tow_socketio *io, const char *channel) {
    for (const tow_socketio_scope *scope = io->scopes; scope != NULL; scope = scope->next) {
        if (strcmp(scope->channel, channel) == 0)
            return true;
    }
    return false;
}

static void scope_free(tow_socketio_scope *scope) {
    free(scope->name);
    free(scope->channel);
    tow_socketio_encoding_release(scope->encoding);
    free(scope);
}

static char *channel_for(const char *name) {
    static const char before[] = "socketio/";
    const char *own = name[1] == '\0' ? "main" : name + 1;
    size_t size = strlen(own) + 1;
    char *channel = malloc(sizeof(before) - 1 + size);
    if (channel == NULL)
        return NULL;
    memcpy(channel, before, sizeof(before) - 1);
    memcpy(channel + sizeof(before) - 1, own, size);
    return channel;
}

static int scope_new(
    tow_socketio_scope **out, tow_socketio *io, const char *name, const tow_socketio_handler *handler) {
    tow_socketio_scope *scope = calloc(1, sizeof(*scope));
    if (scope == NULL)
        return TOW_ERROR_MEMORY;
    scope->io = io;
    scope->bit = (uint64_t)1 << io->scope_count;
    scope->handler = *handler;
    scope->name = strdup(name);
    scope->channel = handler->channel != NULL ? strdup(handler->channel) : channel_for(name);
    scope->handler.channel = NULL;
    scope->encoding = tow_socketio_encoding_new(name, io->options.recovery_seconds > 0);
    if (scope->name == NULL || scope->channel == NULL || scope->encoding == NULL) {
        scope_free(scope);
        return TOW_ERROR_MEMORY;
    }
    if (has_channel(io, scope->channel)) {
        scope_free(scope);
        return TOW_ERROR_STATE;
    }
    *out = scope;
    return 0;
}

int tow_socketio_namespace_sized(
    tow_socketio *io, const char *name, const tow_socketio_handler *handler, size_t handler_size) {
    tow_socketio_handler own = {0};
    tow_socketio_scope *scope;
    if (io == NULL || name == NULL || handler == NULL || handler_size > sizeof(own))
        return TOW_ERROR_ARGUMENT;
    memcpy(&own, handler, handler_size);
    if (!is_scope_name(name) || !are_listeners_free(own.listeners) ||
        (own.channel != NULL && !tow_channel_name_is_valid(tow_slice_from(own.channel))))
        return TOW_ERROR_ARGUMENT;
    if (tow_socketio_find_scope(io, tow_slice_from(name)) != NULL)
        return TOW_ERROR_STATE;
    if (io->scope_count == TOW_SOCKETIO_SCOPES_MAX)
        return TOW_ERROR_LIMIT;
    int error = scope_new(&scope, io, name, &own);
    if (error != 0)
        return error;
    scope->next = io->scopes;
    io->scopes = scope;
    io->scope_count++;
    return 0;
}

/* The whole. */

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

int tow_socketio_make(tow_socketio **io, tow_server *server, const tow_socketio_options *options) {
    tow_socketio *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    atomic_init(&made->holders, 1);
    made->server = server;
    TOW_SERVER_METRICS(server, &made->metrics, TOW_SOCKETIO_METRICS);
    if (options != NULL)
        made->options = *options;
    fill_in(&made->options);
    if (made->options.recovery_seconds > 0 &&
        (made->away = tow_socketio_away_new((size_t)made->options.max_away)) == NULL) {
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

void tow_socketio_hold(tow_socketio *io) {
    atomic_fetch_add(&io->holders, 1);
}

void tow_socketio_release(tow_socketio *io) {
    if (atomic_fetch_sub(&io->holders, 1) != 1)
        return;
    while (io->scopes != NULL) {
        tow_socketio_scope *scope = io->scopes;
        io->scopes = scope->next;
        scope_free(scope);
    }
    tow_socketio_away_free(io->away);
    tow_engineio_free(io->engineio);
    free(io);
}

void tow_socketio_free(tow_socketio *io) {
    if (io != NULL)
        tow_socketio_release(io);
}

void tow_socketio_stay_by(tow_socketio *io, tow_socketio_stays stays) {
    io->stays = stays;
}
