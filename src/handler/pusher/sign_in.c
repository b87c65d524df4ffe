#include "sign_in.h"

#include "envelope.h"
#include "server/channels.h"
#include "saying.h"
#include "watchlist.h"
#include "websocket/websocket.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

struct tow_pusher_signed_in {
    tow_pusher_connection *connection;
    tow_subscription bus;
    tow_buffer data;                 /* as it was signed, until the bus stands and that is said */
    tow_pusher_watchlist *watchlist; /* NULL: there is none */
    size_t id_length, info_length;
    char text[]; /* the id, and behind it the info */
};

tow_pusher_member tow_pusher_signed_in_member(const tow_pusher_signed_in *signed_in) {
    tow_pusher_member member = {.id = {signed_in->text, signed_in->id_length}};
    if (signed_in->info_length > 0)
        member.info = (tow_slice){signed_in->text + signed_in->id_length, signed_in->info_length};
    return member;
}

/* What is said when it stands: who is told so can be reached. */

static void say_success(tow_pusher_connection *connection, tow_slice data) {
    tow_buffer out = {0};
    tow_pusher_say(connection, &out,
        tow_pusher_write_with_text(&out, "pusher:signin_success", (tow_slice){0}, "user_data", data));
}

static void watch(tow_pusher_connection *connection, tow_slice data) {
    int error = tow_pusher_watchlist_new(&connection->signed_in->watchlist, connection, data);
    if (error == TOW_ERROR_LIMIT)
        tow_pusher_say_error(connection, TOW_PUSHER_WATCHLIST_TOO_LONG, "a watchlist has at most 100 users");
    else if (error != 0)
        tow_pusher_say_error(connection, 0, tow_strerror(error));
}

/* The bus. */

static tow_pusher_signed_in *of(tow_subscription *subscription) {
    return (tow_pusher_signed_in *)(void *)((char *)subscription - offsetof(tow_pusher_signed_in, bus));
}

static void bus_stands(tow_subscription *subscription, const tow_subscribed *what) {
    tow_pusher_signed_in *signed_in = of(subscription);
    const tow_slice data = {(const char *)signed_in->data.data, signed_in->data.length};
    (void)what;
    say_success(signed_in->connection, data);
    watch(signed_in->connection, data);
    tow_buffer_clear(&signed_in->data);
}

static void bus_deliver(tow_subscription *subscription, tow_burst *burst) {
    tow_websocket *socket = of(subscription)->connection->socket;
    for (size_t i = 0; i < tow_burst_count(burst); i++)
        if (tow_slice_equals(tow_published_event(tow_burst_at(burst, i)), TOW_PUSHER_TERMINATE)) {
            (void)tow_websocket_close(socket, TOW_PUSHER_UNAUTHORIZED, "disconnected by the app");
            break;
        }
}

static void bus_ended(tow_subscription *subscription, tow_subscription_end why) {
    if (why != TOW_SUBSCRIPTION_OVER)
        (void)tow_websocket_close(
            of(subscription)->connection->socket, TOW_PUSHER_RECONNECT, "the user can't be reached any more");
}

static const tow_subscriber bus_subscriber = {
    .subscribed = bus_stands, .deliver = bus_deliver, .ended = bus_ended};

static int bus_enter(tow_pusher_signed_in *signed_in) {
    tow_pusher_connection *connection = signed_in->connection;
    const tow_member member = {.user = tow_pusher_signed_in_member(signed_in).id};
    tow_pusher_hub_name name;
    tow_pusher_app_bus_name(connection->app, member.user, &name);
    return tow_subscribe(tow_websocket_hub(connection->socket), &signed_in->bus, &bus_subscriber,
        tow_pusher_hub_slice(&name), &(tow_subscribe_options){.member = &member});
}

/* Signing in. */

static void signed_in_free(tow_pusher_signed_in *signed_in) {
    tow_buffer_clear(&signed_in->data);
    free(signed_in);
}

static int signed_in_make(
    tow_pusher_connection *connection, const tow_pusher_member *member, tow_slice data) {
    const size_t info_length = member->info.data != NULL ? member->info.length : 0;
    tow_pusher_signed_in *made = calloc(1, sizeof(*made) + member->id.length + info_length);
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->connection = connection;
    made->id_length = member->id.length;
    made->info_length = info_length;
    memcpy(made->text, member->id.data, member->id.length);
    if (info_length > 0)
        memcpy(made->text + member->id.length, member->info.data, info_length);
    int error = tow_buffer_append(&made->data, data.data, data.length);
    if (error == 0)
        error = bus_enter(made);
    if (error != 0) {
        signed_in_free(made);
        return error;
    }
    connection->signed_in = made;
    return 0;
}

static bool is_the_same(const tow_pusher_connection *connection, const tow_pusher_member *member) {
    const tow_slice id = tow_pusher_signed_in_member(connection->signed_in).id;
    return id.length == member->id.length && memcmp(id.data, member->id.data, id.length) == 0;
}

static void let_in(tow_pusher_connection *connection, const tow_pusher_member *member, tow_slice data) {
    if (connection->signed_in != NULL) {
        if (is_the_same(connection, member) && connection->signed_in->data.length > 0)
            return; /* that is said soon */
        if (is_the_same(connection, member))
            say_success(connection, data);
        else
            tow_pusher_say_error(
                connection, TOW_PUSHER_UNAUTHORIZED, "a connection can't become another user's");
        return;
    }
    int error = signed_in_make(connection, member, data);
    if (error == 0)
        tow_pusher_connection_authorize(connection);
    else
        tow_pusher_say_error(connection, 0, tow_strerror(error));
}

static const char *check(tow_pusher_connection *connection, tow_slice auth, tow_slice data,
    tow_pusher_member *member, tow_buffer *texts) {
    if (auth.data == NULL || data.data == NULL)
        return "signing in needs auth and user_data";
    tow_websocket_note_work(connection->socket, TOW_WORK_DIGEST);
    bool may =
        tow_pusher_may_sign_in(&connection->app->credentials, auth, tow_slice_from(connection->id), data);
    tow_metric_add(connection->app->metrics.refused_auths, may ? 0 : 1);
    if (!may)
        return "auth is not KEY:SIGNATURE by this app for this connection and user";
    return tow_pusher_user_read(member, texts, data);
}

void tow_pusher_sign_in(tow_pusher_connection *connection, tow_pusher_message *message) {
    tow_slice auth = {0}, data = {0};
    tow_pusher_member member;
    tow_buffer texts = {0};
    int error = tow_pusher_message_take_object(message);
    if (error == 0)
        error = tow_pusher_message_string(message, "auth", &auth);
    if (error == 0)
        error = tow_pusher_message_string(message, "user_data", &data);
    const char *why =
        error != 0 ? "auth and user_data are strings" : check(connection, auth, data, &member, &texts);
    if (why != NULL)
        tow_pusher_say_error(connection, TOW_PUSHER_UNAUTHORIZED, why);
    else
        let_in(connection, &member, data);
    tow_buffer_clear(&texts);
}

void tow_pusher_sign_out(tow_pusher_connection *connection) {
    tow_pusher_signed_in *signed_in = connection->signed_in;
    if (signed_in == NULL)
        return;
    connection->signed_in = NULL;
    tow_pusher_watchlist_free(signed_in->watchlist);
    tow_unsubscribe(&signed_in->bus);
    signed_in_free(signed_in);
}
