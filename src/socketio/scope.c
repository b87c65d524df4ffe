#include "scope.h"

#include "away.h"
#include "form.h"
#include "hub/name.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

tow_socketio_scope *tow_socketio_find_scope(const tow_socketio *io, tow_slice name) {
    tow_socketio_scope *scope = io->scopes;
    while (scope != NULL && !tow_slice_equals(name, scope->name))
        scope = scope->next;
    return scope;
}

static bool is_scope_name(const char *name) {
    tow_slice text = tow_slice_from(name);
    return name[0] == '/' && text.length <= TOW_SOCKETIO_NAME_MAX && strpbrk(name, ",?") == NULL &&
           tow_channel_name_is_valid(text);
}

static bool are_listeners_free(const tow_socketio_listener *listener) {
    for (; listener != NULL && listener->event != NULL; listener++) {
        if (!tow_socketio_packet_name_is_free(tow_slice_from(listener->event)) || listener->on_event == NULL)
            return false;
    }
    return true;
}

/* Names of channels, or beginnings with an asterisk. */
static bool are_shares_valid(const char *const *share) {
    for (; share != NULL && *share != NULL; share++) {
        tow_slice name = tow_slice_from(*share);
        if (name.length > 0 && name.data[name.length - 1] == '*')
            name.length--;
        if (!tow_channel_name_is_valid(name) || name.length > TOW_SOCKETIO_NAME_MAX)
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
    if (!is_scope_name(name) || !are_listeners_free(own.listeners) || !are_shares_valid(own.share) ||
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

/* Who holds them all. */

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
