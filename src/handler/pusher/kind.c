#include "api.h"
#include "apps.h"
#include "connection.h"
#include "handler/pusher.h"
#include "hook_queue.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

enum { MESSAGE_MAX = 64 * 1024 };

static void app_gone(void *user) {
    tow_pusher_app *app = user;
    if (app->pusher != NULL)
        tow_pusher_apps_remove(app->pusher, app);
    tow_pusher_app_release(app);
}

/* Whether it tells of client events, and has none. */
static bool tells_of_nothing(const tow_pusher_settings *settings) {
    const char *const *event = settings->webhook_events;
    while (event != NULL && *event != NULL &&
           strcmp(*event, tow_pusher_hook_name(TOW_PUSHER_HOOK_CLIENT_EVENT)) != 0)
        event++;
    return event != NULL && *event != NULL && !settings->client_events;
}

/* Any page may come: an app is known by its key, and what is private by signatures. */
static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    tow_pusher_app *app;
    if (tells_of_nothing(settings)) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "webhook-events: there is no client_event without client-events");
        return TOW_ERROR_ARGUMENT;
    }
    int error = tow_pusher_app_new(&app, settings, place, why);
    if (error == 0 && place->pusher != NULL)
        error = tow_pusher_apps_add(place->pusher, app);
    if (error != 0) {
        if (error == TOW_ERROR_MEMORY)
            snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(error));
        return error;
    }
    *handler = (tow_handler){.user = app,
        .on_open = tow_pusher_connection_open,
        .on_message = tow_pusher_connection_message,
        .on_pong = tow_pusher_connection_pong,
        .on_close = tow_pusher_connection_close,
        .on_admit = tow_pusher_admit,
        .on_request = tow_pusher_request,
        .any_origin = true,
        .drain_code = TOW_PUSHER_RECONNECT,
        .limits = {.max_message = MESSAGE_MAX, .ping_seconds = TOW_OFF, .idle_seconds = TOW_OFF}};
    return 0;
}

bool tow_pusher_path(const tow_pusher_settings *settings, size_t number, char out[TOW_PUSHER_PATH_MAX]) {
    if (number == 0)
        snprintf(out, TOW_PUSHER_PATH_MAX, "/app/%s", settings->key);
    else if (number == 1)
        snprintf(out, TOW_PUSHER_PATH_MAX, "/apps/%s/*", settings->id);
    else if (number == 2)
        snprintf(out, TOW_PUSHER_PATH_MAX, "/pusher/app/%s", settings->key);
    return number <= 2;
}

const tow_handler_kind tow_pusher_kind = {
    .name = "pusher", .options = tow_pusher_rows, .make = make, .free = app_gone};

/* Apps that are not there: clients see no status of HTTP, and so they are let in and told; servers do. */

static void unknown_open(tow_websocket *socket) {
    static const char prefix[] = "/app/";
    const tow_request *request = tow_websocket_request(socket);
    const char *path = request == NULL ? "" : tow_request_path(request);
    bool is_deeper =
        strncmp(path, prefix, sizeof(prefix) - 1) == 0 && strchr(path + sizeof(prefix) - 1, '/') != NULL;
    (void)tow_websocket_close(socket, is_deeper ? TOW_PUSHER_NO_PATH : TOW_PUSHER_NO_APP,
        is_deeper ? "there is no such path" : "there is no app with this key");
}

static void unknown_request(tow_exchange *exchange, const tow_request *request) {
    tow_pusher_reject(exchange, request, 404, "there is no app with this id");
}

static int unknown_make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    (void)settings, (void)place, (void)why;
    *handler = (tow_handler){.on_open = unknown_open,
        .on_admit = tow_pusher_admit,
        .on_request = unknown_request,
        .any_origin = true,
        .limits = {.max_message = MESSAGE_MAX}};
    return 0;
}

const tow_handler_kind tow_pusher_unknown_kind = {.name = "pusher-unknown", .make = unknown_make};
