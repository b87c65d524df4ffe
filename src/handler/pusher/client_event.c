#include "client_event.h"

#include "base/json.h"
#include "order.h"
#include "server/channels.h"
#include "transport/loop.h"
#include "saying.h"
#include "watching.h"
#include "websocket/websocket.h"

#include <towline/error.h>

/* Whether there is room for one more in the present second. */
static bool is_in_time(tow_pusher_connection *connection) {
    const int64_t now = tow_loop_now(tow_websocket_loop(connection->socket));
    if (now - connection->second >= TOW_SECOND) {
        connection->second = now;
        connection->events = 0;
    }
    if (connection->events >= connection->app->settings.max_client_events)
        return false;
    connection->events++;
    return true;
}

/* What is set for the channel holds at this door, too; by default it is the app that lets clients publish. */
static bool is_closed(const tow_pusher_connection *connection, const tow_pusher_hub_name *hub_name) {
    tow_channel_policy policy = {0};
    tow_hub_policy(tow_server_hub(connection->app->server), tow_pusher_hub_slice(hub_name), &policy);
    return policy.publish == TOW_ACCESS_NOBODY;
}

/* NULL, or why it is not passed on. */
static const char *check(const tow_pusher_connection *connection, const tow_pusher_message *message,
    const tow_pusher_hub_name *hub_name, tow_pusher_access access) {
    if (!connection->app->settings.client_events)
        return "client events are not enabled for this app";
    if (!tow_pusher_access_is_shared(access))
        return "client events are for private and presence channels that are not encrypted";
    if (tow_socket_subscription(connection->socket, tow_pusher_hub_slice(hub_name)) == NULL)
        return "client events are for channels that the connection is subscribed to";
    if (is_closed(connection, hub_name))
        return "client events are off for this channel";
    if (message->data.length > TOW_PUSHER_DATA_MAX)
        return "the data of a client event have at most 10,240 bytes";
    return NULL;
}

/* Data that are a string are what it says; other values go on as they are. */
static int publish(tow_pusher_connection *connection, const tow_pusher_message *message, tow_slice hub_name) {
    const bool is_string = message->data.data != NULL && tow_json_type_of(message->data) == TOW_JSON_STRING;
    const tow_slice user = tow_pusher_membership_id(connection->memberships, message->channel);
    tow_buffer text = {0};
    tow_draft draft = {.event = message->event,
        .type = TOW_TEXT,
        .form = is_string || message->data.data == NULL ? TOW_DATA_STRING : TOW_DATA_JSON,
        .data = message->data,
        .user = user,
        .leave_out = tow_websocket_identify(connection->socket),
        .not_kept = true};
    int error = is_string ? tow_json_unescape(&text, message->data) : 0;
    tow_websocket_note_work(connection->socket, TOW_WORK_PUBLISH);
    if (error == 0 && is_string)
        draft.data = (tow_slice){(const char *)text.data, text.length};
    if (error == 0)
        error = tow_hub_publish(tow_server_hub(connection->app->server), hub_name, &draft);
    if (error == 0)
        tow_pusher_watch_client_event(connection->app, message, draft.data, connection->id, user);
    tow_buffer_clear(&text);
    return error;
}

void tow_pusher_client_event(tow_pusher_connection *connection, tow_pusher_message *message) {
    const tow_pusher_access access = tow_pusher_channel_name_read(message->channel).access;
    tow_pusher_hub_name hub_name = {.length = 0};
    if (access != TOW_PUSHER_INVALID)
        tow_pusher_app_hub_name(connection->app, message->channel, &hub_name);
    const char *why = check(connection, message, &hub_name, access);
    if (why != NULL) {
        tow_pusher_say_error(connection, 0, why);
        return;
    }
    if (!is_in_time(connection)) {
        tow_metric_count(connection->app->metrics.over_client_events);
        tow_pusher_say_error(connection, TOW_PUSHER_EVENT_REJECTED,
            "more client events in a second than a connection may send: this one was not passed on");
        return;
    }
    int error = publish(connection, message, tow_pusher_hub_slice(&hub_name));
    if (error != 0)
        tow_pusher_say_error(connection, 0, tow_strerror(error));
}
