#include "connection.h"

#include "client_event.h"
#include "envelope.h"
#include "message.h"
#include "saying.h"
#include "server/entrance.h"
#include "server/exchange.h"
#include "sign_in.h"
#include "subscribing.h"
#include "transport/loop.h"

#include <stdlib.h>
#include <towline/error.h>
#include <towline/server.h>

enum { PONG_SECONDS = 30, VERSION_MIN = 5, VERSION_MAX = 7 };

/* Time. */

static int64_t now_of(const tow_pusher_connection *connection) {
    return tow_loop_now(tow_websocket_loop(connection->socket));
}

static void look(tow_pusher_connection *connection);

static void look_again(tow_timer *timer) {
    look((tow_pusher_connection *)(void *)((char *)timer - offsetof(tow_pusher_connection, timer)));
}

static void ping(tow_pusher_connection *connection) {
    tow_buffer out = {0};
    connection->was_pinged = true;
    tow_pusher_say(connection, &out,
        tow_pusher_envelope_write(&out,
            &(tow_pusher_envelope){.event = tow_slice_from("pusher:ping"), .data = tow_slice_from("{}")}));
}

/* What is due of all that runs against the client. */
static void look(tow_pusher_connection *connection) {
    const int64_t now = now_of(connection);
    const int64_t ping_at = connection->heard + connection->app->settings.activity_seconds * TOW_SECOND;
    const int64_t end_at = ping_at + PONG_SECONDS * TOW_SECOND;
    if (connection->authorize_by != 0 && now >= connection->authorize_by) {
        tow_websocket_close(connection->socket, TOW_PUSHER_UNAUTHORIZED, "not authorized in time");
        return;
    }
    if (now >= end_at && connection->was_pinged) {
        tow_websocket_close(connection->socket, TOW_PUSHER_NO_PONG, "no pong was received");
        return;
    }
    if (now >= ping_at && !connection->was_pinged)
        ping(connection);
    int64_t next = connection->was_pinged ? end_at : ping_at;
    if (connection->authorize_by != 0 && connection->authorize_by < next)
        next = connection->authorize_by;
    tow_timer_set(tow_websocket_loop(connection->socket), &connection->timer, next, look_again);
}

static void heard(tow_pusher_connection *connection) {
    const bool was_pinged = connection->was_pinged;
    connection->heard = now_of(connection);
    connection->was_pinged = false;
    if (was_pinged) /* the next ping is due before an end would have been */
        look(connection);
}

/* Coming in. */

typedef struct refusal { /* code 0: none */
    uint16_t code;
    const char *text;
} refusal;

/* A number, or -1. */
static int version_of(const char *text) {
    int version = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || version > 1000)
            return -1;
        version = version * 10 + (*at - '0');
    }
    return version;
}

static refusal version_check(const char *text) {
    if (text == NULL || text[0] == '\0')
        return (refusal){TOW_PUSHER_NO_VERSION, "no protocol version supplied"};
    int version = version_of(text);
    if (version < 0)
        return (refusal){TOW_PUSHER_BAD_VERSION, "invalid version string format"};
    if (version < VERSION_MIN || version > VERSION_MAX)
        return (refusal){TOW_PUSHER_OTHER_VERSION, "unsupported protocol version: 5 to 7 are known"};
    return (refusal){0};
}

static refusal opening_check(const tow_pusher_app *app, const tow_request *request) {
    if (request == NULL)
        return (refusal){TOW_PUSHER_OVER_CAPACITY, "out of memory"};
    if (strncmp(tow_request_path(request), "/apps/", 6) == 0) /* over another carrier */
        return (refusal){TOW_PUSHER_NO_PATH, "this is for requests of an app's servers"};
    if (app->settings.disabled)
        return (refusal){TOW_PUSHER_DISABLED, "this app is disabled"};
    if (app->settings.tls_only && strcmp(tow_request_scheme(request), "https") != 0)
        return (refusal){TOW_PUSHER_TLS_ONLY, "this app accepts TLS connections only"};
    return version_check(tow_request_parameter(request, "protocol"));
}

static void refuse(tow_websocket *socket, refusal why) {
    tow_websocket_set_user(socket, NULL);
    (void)tow_websocket_close(socket, why.code, why.text);
}

static void welcome(tow_pusher_connection *connection) {
    const uint64_t number = tow_websocket_identify(connection->socket);
    const tow_pusher_settings *settings = &connection->app->settings;
    tow_buffer out = {0};
    tow_pusher_socket_id_write(connection->id, number ^ connection->app->mask);
    tow_pusher_say(
        connection, &out, tow_pusher_write_established(&out, connection->id, settings->activity_seconds));
    connection->heard = now_of(connection);
    if (settings->authorize_seconds != TOW_OFF)
        connection->authorize_by = connection->heard + settings->authorize_seconds * TOW_SECOND;
    look(connection);
}

void tow_pusher_connection_open(tow_websocket *socket) {
    tow_pusher_app *app = tow_websocket_user(socket);
    tow_exchange *opening = tow_websocket_opening(socket);
    refusal why = opening_check(app, tow_websocket_request(socket));
    if (why.code == 0 && !tow_pusher_app_enter(app))
        why = (refusal){TOW_PUSHER_OVER_QUOTA, "this app has as many connections as it may"};
    if (why.code != 0) {
        refuse(socket, why);
        return;
    }
    tow_pusher_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        tow_pusher_app_leave(app);
        refuse(socket, (refusal){TOW_PUSHER_OVER_CAPACITY, "out of memory"});
        return;
    }
    connection->socket = socket;
    connection->app = app;
    connection->is_foreign = opening == NULL || tow_exchange_is_foreign(opening);
    tow_websocket_set_user(socket, connection);
    welcome(connection);
}

/* What it says. */

static void pong(tow_pusher_connection *connection, tow_pusher_message *message) {
    tow_buffer out = {0};
    (void)message;
    tow_pusher_say(connection, &out,
        tow_pusher_envelope_write(&out,
            &(tow_pusher_envelope){.event = tow_slice_from("pusher:pong"), .data = tow_slice_from("{}")}));
}

static void ignore(tow_pusher_connection *connection, tow_pusher_message *message) {
    (void)connection, (void)message;
}

static const struct {
    const char *event;
    void (*act)(tow_pusher_connection *connection, tow_pusher_message *message);
} acts[] = {
    {"pusher:ping", pong},
    {"pusher:pong", ignore},
    {"pusher:subscribe", tow_pusher_subscribe},
    {"pusher:unsubscribe", tow_pusher_unsubscribe},
    {"pusher:signin", tow_pusher_sign_in},
};

static void act(tow_pusher_connection *connection, tow_pusher_message *message) {
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
        if (tow_slice_equals(message->event, acts[i].event)) {
            acts[i].act(connection, message);
            return;
        }
    if (tow_pusher_event_is_clients(message->event))
        tow_pusher_client_event(connection, message);
    else
        tow_pusher_say_error(connection, 0, "there is no such event: those of clients begin with client-");
}

void tow_pusher_connection_message(tow_websocket *socket, const tow_message *message) {
    tow_pusher_connection *connection = tow_websocket_user(socket);
    tow_pusher_message read = {0};
    int error = TOW_ERROR_ARGUMENT;
    if (connection == NULL)
        return;
    heard(connection);
    if (message->type == TOW_TEXT)
        error = tow_pusher_message_read(&read, (tow_slice){message->data, message->length});
    if (error == 0)
        act(connection, &read);
    else
        tow_pusher_say_error(connection, 0, "a message is an object of JSON with an event");
    tow_pusher_message_clear(&read);
}

void tow_pusher_connection_pong(tow_websocket *socket, const void *payload, size_t length) {
    tow_pusher_connection *connection = tow_websocket_user(socket);
    (void)payload, (void)length;
    if (connection != NULL)
        heard(connection);
}

/* Its end. */

void tow_pusher_connection_close(tow_websocket *socket, const tow_close_event *event) {
    tow_pusher_connection *connection = tow_websocket_user(socket);
    (void)event;
    if (connection == NULL)
        return;
    tow_websocket_set_user(socket, NULL);
    tow_timer_cancel(tow_websocket_loop(socket), &connection->timer);
    tow_pusher_sign_out(connection);
    tow_pusher_memberships_clear(&connection->memberships);
    tow_pusher_app_leave(connection->app);
    free(connection);
}
