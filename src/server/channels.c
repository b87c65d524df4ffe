/* channels: what users, and handlers, call of a server's channels (towline/channel.h). */
#include "server/channels.h"

#include "exchange_state.h"
#include "state.h"

#include <towline/error.h>

tow_hub *tow_server_hub(tow_server *server) {
    return server->hub;
}

void tow_server_set_channel_policy(tow_server *server, tow_channel_policy_find policy_of, void *user) {
    tow_hub_renew(server->hub, policy_of, user);
}

tow_hub_part *tow_exchange_hub(const tow_exchange *exchange) {
    return tow_exchange_worker(exchange)->channels.part;
}

/* What users call. */

static const tow_socket_subscriber plain_subscriber = {.encoding = &tow_plain_encoding.encoding};

static int name_read(tow_slice *out, const char *name) {
    if (name == NULL)
        return TOW_ERROR_ARGUMENT;
    *out = tow_slice_from(name);
    return tow_channel_name_is_valid(*out) ? 0 : TOW_ERROR_ARGUMENT;
}

int tow_channel_subscribe(tow_websocket *socket, const char *name) {
    tow_slice channel;
    int error = socket == NULL ? TOW_ERROR_ARGUMENT : name_read(&channel, name);
    return error != 0 ? error : tow_socket_subscribe_silently(socket, channel, &plain_subscriber);
}

int tow_channel_unsubscribe(tow_websocket *socket, const char *name) {
    tow_slice channel;
    int error = socket == NULL ? TOW_ERROR_ARGUMENT : name_read(&channel, name);
    return error != 0 ? error : tow_socket_unsubscribe(socket, channel);
}

static tow_slice slice_of(const char *text) {
    return tow_slice_from(text == NULL ? "" : text);
}

int tow_channel_publish_sized(
    tow_server *server, const char *name, const tow_publication *publication, size_t publication_size) {
    tow_publication known = {0};
    tow_slice channel;
    if (server == NULL || publication == NULL)
        return TOW_ERROR_ARGUMENT;
    memcpy(&known, publication, publication_size < sizeof(known) ? publication_size : sizeof(known));
    int error = name_read(&channel, name);
    if (error != 0 || (known.data == NULL && known.length > 0))
        return TOW_ERROR_ARGUMENT;
    const tow_draft draft = {.type = known.type == 0 ? TOW_TEXT : known.type,
        .data = {known.data, known.length},
        .event = slice_of(known.event),
        .key = slice_of(known.key),
        .leave_out = known.leave_out};
    return tow_hub_publish(server->hub, channel, &draft);
}

size_t tow_channel_subscribers(tow_server *server, const char *name) {
    tow_slice channel;
    if (server == NULL || name_read(&channel, name) != 0)
        return 0;
    return (size_t)tow_hub_subscriber_count(server->hub, channel);
}

/* Whoever wants the channels. */
typedef struct asker {
    void (*each)(void *user, const char *name, size_t subscribers);
    void *user;
} asker;

static void pass_on(void *user, const tow_channel_count *count) {
    const asker *self = user;
    char name[TOW_CHANNEL_NAME_MAX + 1];
    memcpy(name, count->name.data, count->name.length);
    name[count->name.length] = '\0';
    self->each(self->user, name, (size_t)count->subscribers);
}

int64_t tow_channel_list(tow_server *server, const char *prefix,
    void (*each)(void *user, const char *name, size_t subscribers), void *user) {
    if (server == NULL || prefix == NULL || each == NULL)
        return TOW_ERROR_ARGUMENT;
    asker self = {.each = each, .user = user};
    return tow_hub_each_channel(server->hub, tow_slice_from(prefix), pass_on, &self);
}
