#include "handler/socketio.h"

#include "hub/name.h"
#include "manners.h"
#include "options.h"
#include "socketio/parts.h"
#include "visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

typedef struct served {
    tow_socketio_house house;
    tow_socketio *io;
} served;

static const char *const main_only[] = {"/", NULL};

static void free_made(void *user) {
    served *self = user;
    tow_socketio_free(self->io);
    free(self);
}

/* The channel that is set for a namespace, or NULL. */
static const char *channel_for(const tow_socketio_settings *settings, const char *namespace) {
    size_t length = strlen(namespace);
    for (const char *const *text = settings->channels; text != NULL && *text != NULL; text++) {
        if (strncmp(*text, namespace, length) == 0 &&
            strncmp(*text + length, TOW_SOCKETIO_PAIR, strlen(TOW_SOCKETIO_PAIR)) == 0)
            return *text + length + strlen(TOW_SOCKETIO_PAIR);
    }
    return NULL;
}

static int add_namespace(
    served *self, const tow_socketio_settings *settings, const char *name, char why[TOW_HANDLER_TEXT_MAX]) {
    int error = tow_socketio_namespace(self->io, name,
        &(tow_socketio_handler){.user = &self->house,
            .on_connect = tow_socketio_visitor_welcome,
            .on_disconnect = tow_socketio_visitor_leave,
            .listeners = tow_socketio_manners,
            .channel = channel_for(settings, name),
            .share = settings->share});
    if (error == TOW_ERROR_STATE)
        snprintf(why, TOW_HANDLER_TEXT_MAX,
            "the namespace %s stands twice, or has the channel of another one", name);
    else if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "the namespace %s: %s", name, tow_strerror(error));
    return error;
}

static const char *const *namespaces_of(const tow_socketio_settings *settings) {
    return settings->namespaces != NULL ? settings->namespaces : main_only;
}

static bool is_served(const tow_socketio_settings *settings, const char *name, size_t length) {
    for (const char *const *each = namespaces_of(settings); *each != NULL; each++)
        if (strlen(*each) == length && memcmp(*each, name, length) == 0)
            return true;
    return false;
}

/* A channel is set for what is served. */
static bool has_namespaces_of_all(const tow_socketio_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    const char *const *text = settings->channels;
    size_t length = 0;
    for (; text != NULL && *text != NULL; text++) {
        length = (size_t)(strstr(*text, TOW_SOCKETIO_PAIR) - *text);
        if (!is_served(settings, *text, length))
            break;
    }
    if (text == NULL || *text == NULL)
        return true;
    snprintf(
        why, TOW_HANDLER_TEXT_MAX, "channels: the namespace %.*s is none of namespaces", (int)length, *text);
    return false;
}

/* Whom a room of everybody is not open to does not get in. */
static bool lets_somebody_in(
    const tow_socketio_settings *settings, const tow_handler_place *place, char why[TOW_HANDLER_TEXT_MAX]) {
    const char *const *room = settings->rooms;
    bool knows_tokens = place->channels != NULL && place->channels->keeper != NULL;
    while (room != NULL && *room != NULL && !tow_channel_name_is_private(tow_slice_from(*room)))
        room++;
    if (knows_tokens || room == NULL || *room == NULL)
        return true;
    snprintf(why, TOW_HANDLER_TEXT_MAX,
        "rooms: %s is for who has a token, which nobody could show: name the keys that check them with "
        "--token-keys FILE, or a back end that is asked with --token-url URL",
        *room);
    return false;
}

static bool has_room_for_all(const tow_socketio_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    size_t count = 0;
    while (settings->rooms != NULL && settings->rooms[count] != NULL)
        count++;
    if (settings->max_rooms == 0 || count <= (size_t)settings->max_rooms)
        return true;
    snprintf(why, TOW_HANDLER_TEXT_MAX, "everybody is in %zu rooms, which are more than max-rooms", count);
    return false;
}

static int make_served(served *self, const tow_socketio_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    const char *const *name = namespaces_of(settings);
    tow_socketio_options options = {.max_rooms = settings->max_rooms,
        .max_away = settings->max_away,
        .recovery_seconds = settings->recovery_seconds,
        .connect_timeout_milliseconds =
            settings->connect_seconds > 0 ? settings->connect_seconds * 1000 : TOW_OFF};
    int error = tow_socketio_make(&self->io, self->house.server, &options);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
    if (error == 0)
        tow_socketio_stay_by(self->io, tow_socketio_visitor_stays);
    for (; error == 0 && *name != NULL; name++)
        error = add_namespace(self, settings, *name, why);
    return error;
}

/* The path itself is for the packets alone; that with a slash behind it, which clients ask for, is
 * Engine.IO's. */
static bool is_good_path(const char *path, char why[TOW_HANDLER_TEXT_MAX]) {
    size_t length = path == NULL ? 0 : strlen(path);
    if (length < 2 || (path[length - 1] != '/' && path[length - 1] != '*'))
        return true;
    snprintf(
        why, TOW_HANDLER_TEXT_MAX, "leave what is behind the last name of its path away, as in /socket.io");
    return false;
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    const tow_socketio_settings *set = settings;
    if (!is_good_path(place->path, why) || !has_room_for_all(set, why) || !has_namespaces_of_all(set, why) ||
        !lets_somebody_in(set, place, why))
        return TOW_ERROR_ARGUMENT;
    served *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
        return TOW_ERROR_MEMORY;
    }
    self->house =
        (tow_socketio_house){.server = place->server, .channels = place->channels, .rooms = set->rooms};
    int error = make_served(self, set, why);
    if (error != 0) {
        free_made(self);
        return error;
    }
    *handler = tow_socketio_handle(self->io);
    handler->keep_request = place->channels != NULL && place->channels->keeper != NULL; /* it has tokens */
    handler->free_user = self;
    handler->on_free = free_made;
    return 0;
}

const tow_handler_kind tow_socketio_kind = {.name = "socketio", .options = tow_socketio_rows, .make = make};
