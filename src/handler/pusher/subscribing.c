#include "subscribing.h"

#include "encoding.h"
#include "envelope.h"
#include "server/channels.h"
#include "saying.h"
#include "sign_in.h"
#include "watching.h"
#include "websocket/websocket.h"

#include <stdio.h>
#include <towline/error.h>

/* What a client wants, and what was found of it. */
typedef struct wish {
    tow_slice channel;
    tow_slice auth;
    tow_slice data; /* channel_data; its pointer is NULL where there is none */
    tow_pusher_channel_name name;
    tow_pusher_member member; /* in presence channels */
} wish;

/* Why it is refused; `text` NULL: it is not. */
typedef struct refusal {
    const char *type;
    const char *text;
    int status;
} refusal;

static void refuse(tow_pusher_connection *connection, tow_slice channel, refusal why) {
    tow_buffer out = {0};
    tow_pusher_say(connection, &out, tow_pusher_write_refusal(&out, channel, why.type, why.text, why.status));
}

/* What is said when it stands. */

static tow_pusher_connection *of(tow_websocket *socket) {
    return tow_websocket_user(socket);
}

static int roster_write(tow_buffer *out, const tow_subscribed *what) {
    tow_pusher_roster roster = {0};
    int error = 0;
    for (size_t i = 0; error == 0 && i < what->member_count; i++) {
        const tow_slice info = what->members[i].info;
        error = tow_pusher_roster_add(
            &roster, &(tow_pusher_member){what->members[i].user, info.length > 0 ? info : (tow_slice){0}});
    }
    if (error == 0)
        error = tow_pusher_roster_write(out, &roster);
    tow_pusher_roster_clear(&roster);
    return error;
}

static void say_success(
    tow_pusher_connection *connection, tow_slice channel, bool is_presence, const tow_subscribed *what) {
    tow_buffer out = {0}, roster = {0};
    int error = is_presence ? roster_write(&roster, what) : tow_buffer_append_text(&roster, "{}");
    if (error == 0)
        error = tow_pusher_envelope_write(
            &out, &(tow_pusher_envelope){.event = tow_slice_from("pusher_internal:subscription_succeeded"),
                      .channel = channel,
                      .data = {(const char *)roster.data, roster.length}});
    tow_buffer_clear(&roster);
    tow_pusher_say(connection, &out, error);
}

static void say_miss(tow_pusher_connection *connection, tow_slice channel) {
    tow_buffer out = {0};
    tow_pusher_say(connection, &out,
        tow_pusher_envelope_write(
            &out, &(tow_pusher_envelope){.event = tow_slice_from("pusher:cache_miss"), .channel = channel}));
    tow_pusher_watch_miss(connection->app, channel);
}

static void stands(tow_websocket *socket, tow_slice hub_name, const tow_subscribed *what) {
    const tow_slice channel = tow_pusher_channel_of(hub_name);
    const tow_pusher_channel_name name = tow_pusher_channel_name_read(channel);
    say_success(of(socket), channel, name.access == TOW_PUSHER_PRESENCE, what);
    if (name.is_cache && what->missed == 0)
        say_miss(of(socket), channel);
}

static refusal refusal_of(int error) {
    if (error == TOW_ERROR_LIMIT)
        return (refusal){"LimitReached", "there are as many members or channels as there may be", 429};
    return (refusal){"ServerError", tow_strerror(error), 503};
}

/* Whoever can't be served any more had better come back: it subscribes anew then. */
static void ends(tow_websocket *socket, tow_slice hub_name, tow_subscription_end why) {
    const tow_slice channel = tow_pusher_channel_of(hub_name);
    if (why == TOW_SUBSCRIPTION_OVER)
        return;
    if (why == TOW_SUBSCRIPTION_SLOW)
        (void)tow_websocket_close(socket, TOW_PUSHER_OVER_CAPACITY, "too slow: messages would be lost");
    else if (why == TOW_SUBSCRIPTION_LOST)
        (void)tow_websocket_close(socket, TOW_PUSHER_RECONNECT, "messages are lost");
    else {
        tow_pusher_membership_remove(&of(socket)->memberships, channel);
        refuse(of(socket), channel,
            why == TOW_SUBSCRIPTION_REVOKED ? (refusal){"AuthError", "nobody may subscribe any more", 403}
            : why == TOW_SUBSCRIPTION_FULL  ? refusal_of(TOW_ERROR_LIMIT)
                                            : (refusal){"ServerError", "the channel is not there now", 503});
    }
}

/* Without a signature nobody is in those; and who has signed in is as good for its own. */
static bool is_proven(tow_pusher_access access) {
    return tow_pusher_access_is_signed(access) || access == TOW_PUSHER_USER;
}

static bool may_stay(tow_websocket *socket, tow_slice hub_name) {
    (void)socket;
    return is_proven(tow_pusher_channel_name_read(tow_pusher_channel_of(hub_name)).access);
}

static const tow_socket_subscriber subscriber = {
    .encoding = &tow_pusher_encoding.encoding, .subscribed = stands, .ended = ends, .may_stay = may_stay};

/* Who may. */

static bool is_signed(const tow_pusher_connection *connection, const wish *wanted) {
    tow_websocket_note_work(connection->socket, TOW_WORK_DIGEST);
    return wanted->auth.data != NULL && tow_pusher_may_subscribe(&connection->app->credentials, wanted->auth,
                                            tow_slice_from(connection->id), wanted->channel, wanted->data);
}

/* In a presence channel a client says who it is, or has said so before. */
static const char *member_find(const tow_pusher_connection *connection, wish *wanted, tow_buffer *texts) {
    if (wanted->data.data != NULL)
        return tow_pusher_member_read(&wanted->member, texts, wanted->data);
    if (connection->signed_in == NULL)
        return "a presence channel needs channel_data, or who has signed in";
    wanted->member = tow_pusher_signed_in_member(connection->signed_in);
    return NULL;
}

static bool is_users_own(const tow_pusher_connection *connection, tow_slice user) {
    if (connection->signed_in == NULL)
        return false;
    const tow_slice own = tow_pusher_signed_in_member(connection->signed_in).id;
    return own.length == user.length && memcmp(own.data, user.data, own.length) == 0;
}

static refusal check(tow_pusher_connection *connection, wish *wanted, tow_buffer *texts) {
    const char *why = NULL;
    if (wanted->name.access == TOW_PUSHER_INVALID)
        return (refusal){
            "InvalidChannel", "a channel's name has 1 to 164 characters: letters, digits and _-=@,.;", 400};
    if (wanted->name.access == TOW_PUSHER_USER && !is_users_own(connection, wanted->name.user))
        return (refusal){"AuthError", "only for who has signed in as this user", 401};
    if (tow_pusher_access_is_signed(wanted->name.access)) {
        if (!is_signed(connection, wanted)) {
            tow_metric_count(connection->app->metrics.refused_auths);
            return (refusal){
                "AuthError", "auth is not KEY:SIGNATURE by this app for this connection and channel", 401};
        }
        tow_pusher_connection_authorize(connection);
    }
    if (wanted->name.access == TOW_PUSHER_PRESENCE && (why = member_find(connection, wanted, texts)) != NULL)
        return (refusal){"InvalidData", why, 400};
    if (tow_socket_subscription_count(connection->socket) >= (size_t)connection->app->settings.max_channels) {
        tow_metric_count(connection->app->metrics.over_channels);
        return (refusal){"LimitReached", "this connection has as many channels as it may", 429};
    }
    return (refusal){0};
}

static int subscribe(tow_pusher_connection *connection, const wish *wanted, tow_slice hub_name) {
    const bool is_presence = wanted->name.access == TOW_PUSHER_PRESENCE;
    const tow_member member = {wanted->member.id, wanted->member.info};
    const tow_subscribe_options options = {.wants_presence = is_presence,
        .member = is_presence ? &member : NULL,
        .wants_counts = connection->app->settings.subscription_counts,
        .last = wanted->name.is_cache ? 1 : 0};
    int error =
        is_presence ? tow_pusher_membership_add(&connection->memberships, wanted->channel, member.user) : 0;
    if (error == 0)
        error = tow_socket_subscribe(connection->socket, hub_name, &subscriber, &options);
    if (error != 0)
        tow_pusher_membership_remove(&connection->memberships, wanted->channel);
    return error;
}

static void say_again(tow_pusher_connection *connection, tow_slice channel) {
    char text[TOW_PUSHER_CHANNEL_MAX + 64];
    snprintf(text, sizeof(text), "Existing subscription to channel %.*s", (int)channel.length, channel.data);
    tow_pusher_say_error(connection, 0, text);
}

/* What is set for the channel holds at this door, too; a signature is as good as a token. To an app any page
 * may come, but to what it shares only those that may at other doors. */
static refusal may_enter(const tow_pusher_connection *connection, const wish *wanted, tow_slice hub_name) {
    static const refusal closed = {"AuthError", "this channel is not for clients without a proof", 403};
    static const refusal foreign = {
        "AuthError", "this channel is not for pages of this origin: the app's allow-origin may say so", 403};
    tow_channel_policy policy = {0};
    tow_hub_policy(tow_server_hub(connection->app->server), hub_name, &policy);
    if (policy.subscribe == TOW_ACCESS_NOBODY)
        return closed;
    if (is_proven(wanted->name.access))
        return (refusal){0};
    if (policy.subscribe == TOW_ACCESS_TOKEN)
        return closed;
    bool is_shared = tow_pusher_app_share_of(connection->app, wanted->channel) >= 0;
    return is_shared && connection->is_foreign && policy.subscribe != TOW_ACCESS_ANYONE ? foreign
                                                                                        : (refusal){0};
}

/* Who may, does. */
static refusal enter(tow_pusher_connection *connection, const wish *wanted) {
    tow_pusher_hub_name name;
    tow_pusher_app_hub_name(connection->app, wanted->channel, &name);
    const tow_slice hub_name = tow_pusher_hub_slice(&name);
    const refusal why = may_enter(connection, wanted, hub_name);
    if (why.text != NULL)
        return why;
    if (tow_socket_subscription(connection->socket, hub_name) != NULL) {
        say_again(connection, wanted->channel);
        return (refusal){0};
    }
    int error = subscribe(connection, wanted, hub_name);
    return error != 0 ? refusal_of(error) : (refusal){0};
}

static void grant(tow_pusher_connection *connection, wish *wanted) {
    tow_buffer texts = {0};
    refusal why = check(connection, wanted, &texts);
    if (why.text == NULL)
        why = enter(connection, wanted);
    if (why.text != NULL)
        refuse(connection, wanted->channel, why);
    tow_buffer_clear(&texts);
}

/* The channel that is meant; NULL: the client was told that there is none. */
static bool channel_take(tow_pusher_connection *connection, tow_pusher_message *message, tow_slice *channel) {
    int error = tow_pusher_message_take_object(message);
    if (error == 0)
        error = tow_pusher_message_string(message, "channel", channel);
    if (error == 0 && channel->data != NULL)
        return true;
    tow_pusher_say_error(connection, 0, "the data name no channel");
    return false;
}

void tow_pusher_subscribe(tow_pusher_connection *connection, tow_pusher_message *message) {
    wish wanted = {0};
    if (!channel_take(connection, message, &wanted.channel))
        return;
    wanted.name = tow_pusher_channel_name_read(wanted.channel);
    if (tow_pusher_message_string(message, "auth", &wanted.auth) != 0 ||
        tow_pusher_message_string(message, "channel_data", &wanted.data) != 0)
        refuse(
            connection, wanted.channel, (refusal){"InvalidData", "auth and channel_data are strings", 400});
    else
        grant(connection, &wanted);
}

void tow_pusher_unsubscribe(tow_pusher_connection *connection, tow_pusher_message *message) {
    tow_pusher_hub_name hub_name;
    tow_slice channel;
    if (!channel_take(connection, message, &channel) ||
        tow_pusher_channel_name_read(channel).access == TOW_PUSHER_INVALID)
        return;
    tow_pusher_app_hub_name(connection->app, channel, &hub_name);
    (void)tow_socket_unsubscribe(connection->socket, tow_pusher_hub_slice(&hub_name));
    tow_pusher_membership_remove(&connection->memberships, channel);
}
