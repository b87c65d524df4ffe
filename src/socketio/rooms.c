#include "rooms.h"

#include "away.h"
#include "past.h"
#include "sending.h"
#include "server/channels.h"
#include "socketio/parts.h"
#include "websocket/websocket.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

static tow_socketio_room *room_of(tow_subscription *subscription) {
    return (tow_socketio_room *)(void *)subscription;
}

tow_position *tow_socketio_room_latest(tow_socketio_room *room) {
    tow_socketio_socket *socket = room->socket;
    if (room == &socket->all)
        return &socket->latest[0];
    return room == &socket->own ? &socket->latest[1] : &((tow_socketio_tracked_room *)(void *)room)->latest;
}

/* What is delivered. */

static void subscribed(tow_subscription *subscription, const tow_subscribed *what) {
    tow_socketio_room *room = room_of(subscription);
    tow_socketio_socket *socket = room->socket;
    if (socket->past != NULL && what->missed == 0)
        *tow_socketio_room_latest(room) = what->position;
    if (socket->on_subscribed != NULL)
        socket->on_subscribed(socket, what->is_whole);
}

/* Nothing is left out silently. Of who is too slow its queue's own limit takes care. */
static void send_or_close(tow_socketio_connection *connection, const tow_socketio_form *form) {
    int error = form == NULL ? TOW_ERROR_MEMORY : tow_socketio_send_form(connection, form);
    if (error != 0 && error != TOW_ERROR_CLOSED && error != TOW_ERROR_QUEUE_FULL)
        tow_websocket_close(connection->websocket, 1011, "what was published could not be sent");
}

static void deliver_singly(
    tow_socketio_connection *connection, const tow_encoding *encoding, tow_burst *burst) {
    for (size_t i = 0; i < tow_burst_count(burst); i++)
        send_or_close(connection, tow_published_form(tow_burst_at(burst, i), encoding));
}

static void keep(tow_socketio_room *room, tow_burst *burst) {
    tow_socketio_past *past = room->socket->past;
    for (size_t i = 0; past != NULL && i < tow_burst_count(burst); i++) {
        tow_published *published = tow_burst_at(burst, i);
        tow_position position = tow_published_position(published);
        tow_socketio_past_add(past, published);
        if (position.number > 0)
            *tow_socketio_room_latest(room) = position;
    }
}

/* What an away socket gets goes into its past. */
static bool takes(const tow_subscription *subscription) {
    const tow_socketio_socket *socket = ((const tow_socketio_room *)(const void *)subscription)->socket;
    return socket->stage != TOW_SOCKETIO_CONNECTED || !socket->connection->websocket->above_high;
}

static void deliver(tow_subscription *subscription, tow_burst *burst) {
    const tow_socketio_socket *socket = room_of(subscription)->socket;
    tow_socketio_connection *connection = socket->connection;
    keep(room_of(subscription), burst);
    if (socket->stage != TOW_SOCKETIO_CONNECTED)
        return;
    const tow_encoding *encoding = tow_socketio_encoding_of(socket->scope->encoding);
    const tow_socketio_form *form = tow_burst_form(burst, encoding);
    if (form != NULL)
        send_or_close(connection, form);
    else
        deliver_singly(connection, encoding, burst);
}

static uint64_t identify(const tow_subscription *subscription) {
    return ((const tow_socketio_room *)(const void *)subscription)->socket->number;
}

static void take_out(tow_socketio_room *room) {
    tow_socketio_socket *socket = room->socket;
    tow_socketio_room **at = &socket->rooms;
    while (*at != room)
        at = &(*at)->next;
    *at = room->next;
    socket->room_count--;
    free(room);
}

static bool is_fixed(const tow_socketio_room *room) {
    return room == &room->socket->all || room == &room->socket->own;
}

bool tow_socketio_room_stays(const tow_socketio_room *room, tow_socketio_stays stays) {
    char name[TOW_CHANNEL_NAME_MAX + 1];
    tow_slice text = {0};
    if (room != &room->socket->all)
        text = tow_socketio_room_name(room);
    if (text.length > 0)
        memcpy(name, text.data, text.length);
    name[text.length] = '\0';
    return stays(room->socket, name);
}

/* Who is away, or on its way back, has shown nothing: or it would not be let back in. */
static bool may_stay(const tow_subscription *subscription) {
    const tow_socketio_room *room = (const tow_socketio_room *)(const void *)subscription;
    const tow_socketio_socket *socket = room->socket;
    if (socket->scope->io->stays == NULL)
        return true;
    return socket->stage == TOW_SOCKETIO_CONNECTED && tow_socketio_room_stays(room, socket->scope->io->stays);
}

static void ended(tow_subscription *subscription, tow_subscription_end why) {
    tow_socketio_room *room = room_of(subscription);
    tow_socketio_socket *socket = room->socket;
    bool is_told = is_fixed(room) || socket->scope->io->stays != NULL;
    if (!is_fixed(room))
        take_out(room);
    if (socket->connection == NULL) /* of what is to come nothing may be missing */
        tow_socketio_away_drop(socket);
    else if (why == TOW_SUBSCRIPTION_SLOW)
        socket->scope->io->above->lose(socket, 1008, "too slow for what is published");
    else if (why == TOW_SUBSCRIPTION_LOST || why == TOW_SUBSCRIPTION_REFUSED)
        socket->scope->io->above->lose(socket, 1011, "what was published is lost");
    else if (why == TOW_SUBSCRIPTION_REVOKED && is_told)
        socket->scope->io->above->expel(socket);
}

/* What was dropped for who is slow is told where all is promised: by an end that can't be recovered from. */
static void gap(tow_subscription *subscription, const tow_gap *missing) {
    tow_socketio_socket *socket = room_of(subscription)->socket;
    (void)missing;
    if (socket->connection == NULL)
        tow_socketio_away_drop(socket);
    else if (socket->past != NULL)
        socket->scope->io->above->lose(socket, 1008, "too slow for what is published");
}

static const tow_subscriber kind = {.subscribed = subscribed,
    .takes = takes,
    .deliver = deliver,
    .gap = gap,
    .ended = ended,
    .identify = identify,
    .may_stay = may_stay};

/* Its own, in which it is without being asked, and stays. */
static const tow_subscriber own_kind = {.subscribed = subscribed,
    .takes = takes,
    .deliver = deliver,
    .gap = gap,
    .ended = ended,
    .identify = identify,
    .is_inside = true};

/* Being in them. */

static bool fits(const char *pattern, tow_slice room) {
    const size_t length = strlen(pattern);
    if (pattern[length - 1] != '*')
        return tow_slice_equals(room, pattern);
    return room.length >= length - 1 && memcmp(room.data, pattern, length - 1) == 0;
}

/* Whether it is the channel of its own name. */
static bool is_shared(const tow_socketio_scope *scope, tow_slice room) {
    const char *const *share = scope->handler.share;
    while (share != NULL && *share != NULL && !fits(*share, room))
        share++;
    return room.length > 0 && share != NULL && *share != NULL;
}

int tow_socketio_room_channel(
    const tow_socketio_scope *scope, tow_slice room, char name[TOW_CHANNEL_NAME_MAX]) {
    size_t length = is_shared(scope, room) ? 0 : strlen(scope->channel);
    if (room.length > TOW_SOCKETIO_NAME_MAX || length + 1 + room.length > TOW_CHANNEL_NAME_MAX)
        return TOW_ERROR_ARGUMENT;
    memcpy(name, scope->channel, length);
    if (room.length == 0)
        return (int)length;
    if (length > 0)
        name[length++] = '/';
    memcpy(name + length, room.data, room.length);
    length += room.length;
    return tow_channel_name_is_valid((tow_slice){name, length}) ? (int)length : TOW_ERROR_ARGUMENT;
}

int tow_socketio_channel_of(
    const tow_socketio_socket *socket, tow_slice room, char name[TOW_CHANNEL_NAME_MAX]) {
    return tow_socketio_room_channel(socket->scope, room, name);
}

static int enter(
    tow_socketio_socket *socket, tow_socketio_room *room, tow_slice text, const tow_position *since) {
    char name[TOW_CHANNEL_NAME_MAX];
    const tow_subscribe_options options = {.since = since != NULL ? *since : (tow_position){0}};
    int length = tow_socketio_room_channel(socket->scope, text, name);
    if (length < 0)
        return length;
    room->socket = socket;
    room->subscription.owner = is_shared(socket->scope, text);
    return tow_subscribe(tow_websocket_hub(socket->connection->websocket), &room->subscription,
        room == &socket->own ? &own_kind : &kind, (tow_slice){name, (size_t)length}, &options);
}

int tow_socketio_rooms_begin(tow_socketio_socket *socket, const tow_position *all, const tow_position *own) {
    int error = enter(socket, &socket->all, (tow_slice){0}, all);
    if (error != 0)
        return error;
    error = enter(socket, &socket->own, tow_slice_from(socket->id), own);
    if (error != 0)
        tow_unsubscribe(&socket->all.subscription);
    return error;
}

int tow_socketio_room_add(tow_socketio_socket *socket, tow_slice name, const tow_position *since) {
    bool is_tracked = socket->scope->io->away != NULL;
    tow_socketio_room *room =
        calloc(1, is_tracked ? sizeof(tow_socketio_tracked_room) : sizeof(tow_socketio_room));
    int error = room == NULL ? TOW_ERROR_MEMORY : enter(socket, room, name, since);
    if (error != 0) {
        free(room);
        return error;
    }
    room->next = socket->rooms;
    socket->rooms = room;
    socket->room_count++;
    return 0;
}

void tow_socketio_room_remove(tow_socketio_room *room) {
    tow_unsubscribe(&room->subscription);
    take_out(room);
}

void tow_socketio_rooms_end(tow_socketio_socket *socket) {
    tow_unsubscribe(&socket->all.subscription);
    tow_unsubscribe(&socket->own.subscription);
    while (socket->rooms != NULL)
        tow_socketio_room_remove(socket->rooms); /* NOLINT(clang-analyzer-unix.Malloc): so another is first */
    assert(socket->room_count == 0);
}

/* The first goes behind the last: the rooms that come first take what the connection takes. */
static void turn(tow_socketio_socket *socket, tow_socketio_room **end) {
    tow_socketio_room *first = socket->rooms;
    *end = first;
    socket->rooms = first->next;
    first->next = NULL;
}

void tow_socketio_rooms_ready(tow_socketio_socket *socket) {
    tow_subscription_ready(&socket->all.subscription);
    tow_subscription_ready(&socket->own.subscription);
    tow_socketio_room **at = &socket->rooms;
    for (; *at != NULL; at = &(*at)->next)
        tow_subscription_ready(&(*at)->subscription);
    if (socket->rooms != NULL)
        turn(socket, at);
}

tow_slice tow_socketio_room_name(const tow_socketio_room *room) {
    tow_slice channel = tow_subscription_channel(&room->subscription);
    size_t before = room->subscription.owner != 0 ? 0 : strlen(room->socket->scope->channel) + 1; /* shared */
    return (tow_slice){channel.data + before, channel.length - before};
}
