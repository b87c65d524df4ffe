#include "returning.h"

#include "arguments.h"
#include "away.h"
#include "base/json.h"
#include "ending.h"
#include "identity.h"
#include "inside.h"
#include "past.h"
#include "rooms.h"
#include "scope.h"
#include "sending.h"
#include "server/carried.h"
#include "socket.h"
#include "transport/loop.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <towline/error.h>

enum { WAIT_SECONDS = 2 /* for another worker */ };

typedef struct left_room {
    struct left_room *next;
    tow_position latest;
    tow_slice name;
    char text[];
} left_room;

/* A letter to the worker where the socket is, and back with what is left of it. */
typedef struct tow_socketio_returning {
    tow_letter letter;         /* first */
    atomic_int holders;        /* the socket that waits, and the letter */
    tow_socketio_scope *scope; /* its tow_socketio is held */
    size_t from, to;           /* workers: where it was, where it is wanted */
    char secret[TOW_SOCKETIO_ID_LENGTH + 1];
    char offset[TOW_POSITION_TEXT_SIZE];
    tow_buffer auth;
    tow_socketio_socket *socket; /* that waits, on its thread; NULL: it is gone */
    size_t awaited;              /* subscriptions that do not stand yet */
    bool is_lost;                /* of what was published something is missing */
    /* What is left. */
    tow_socketio_past *past; /* NULL: nothing was found */
    char id[TOW_SOCKETIO_ID_LENGTH + 1];
    tow_position latest[2];
    left_room *rooms;
} tow_socketio_returning;

static void release(tow_socketio_returning *self) {
    if (atomic_fetch_sub(&self->holders, 1) != 1)
        return;
    while (self->rooms != NULL) {
        left_room *gone = self->rooms;
        self->rooms = gone->next;
        free(gone);
    }
    tow_socketio_past_free(self->past);
    tow_buffer_clear(&self->auth);
    tow_socketio_release(self->scope->io);
    free(self);
}

/* What the client sends along. */

/* A member that is a string of less than `size` bytes. */
static bool read_member(const tow_socketio_packet *packet, const char *name, char *out, size_t size) {
    tow_slice value;
    tow_buffer text = {0};
    bool is_read = packet->payload.length > 0 && tow_json_member(packet->payload, name, &value) &&
                   tow_json_type_of(value) == TOW_JSON_STRING && tow_json_unescape(&text, value) == 0 &&
                   text.length < size;
    if (is_read) {
        memset(out, 0, size);
        if (text.length > 0)
            memcpy(out, text.data, text.length);
    }
    tow_buffer_clear(&text);
    return is_read;
}

/* Without one, nothing was received. */
static bool read_offset(const tow_socketio_packet *packet, char *offset, size_t size) {
    tow_slice unused;
    offset[0] = '\0';
    return !tow_json_member(packet->payload, "offset", &unused) ||
           read_member(packet, "offset", offset, size);
}

/* It is back. */

/* Of what it missed nothing is left out: what can't be sent ends the connection, and it is away again. */
static void send_missed(tow_socketio_socket *socket, size_t first) {
    const tow_encoding *encoding = tow_socketio_encoding_of(socket->scope->encoding);
    for (size_t i = first; i < tow_socketio_past_count(socket->past); i++) {
        const tow_socketio_form *form = tow_socketio_past_at(socket->past, i, encoding);
        if (form == NULL || tow_socketio_send_form(socket->connection, form) != 0) {
            tow_websocket_close(socket->connection->websocket, 1011, "what was missed could not be sent");
            return;
        }
    }
}

static void welcome(tow_socketio_socket *socket, const tow_socketio_arguments *auth, size_t first) {
    socket->was_recovered = true;
    tow_socketio_socket_connected(socket);
    tow_socketio_socket_enter(socket);
    if (tow_socketio_socket_say_accepted(socket) == 0) {
        send_missed(socket, first);
        if (socket->scope->handler.on_connect != NULL)
            socket->scope->handler.on_connect(socket, auth);
    }
    tow_socketio_socket_leave(socket);
}

/* On the same worker: true if it was that one. */
static bool come_back(tow_socketio_connection *connection, const tow_socketio_scope *scope,
    const tow_socketio_packet *packet, size_t worker, const char *secret) {
    char offset[TOW_POSITION_TEXT_SIZE];
    size_t first;
    tow_socketio_arguments auth = tow_socketio_arguments_of(packet->payload, NULL, 0);
    tow_socketio_socket *socket = tow_socketio_away_take(scope, worker, secret);
    if (socket == NULL)
        return false;
    tow_socketio_release(scope->io); /* which the connection's server has, too */
    if (!read_offset(packet, offset, sizeof(offset)) ||
        !tow_socketio_past_has(socket->past, tow_slice_from(offset), &first)) {
        tow_socketio_rooms_end(socket);
        tow_socketio_past_free(socket->past);
        free(socket);
        return false;
    }
    socket->connection = connection;
    socket->next = connection->sockets;
    connection->sockets = socket;
    socket->user = scope->handler.user;
    welcome(socket, &auth, first);
    return true;
}

/* From another worker: what is wanted there. */

static int leave_room(tow_socketio_returning *self, tow_socketio_room *room) {
    tow_slice name = tow_socketio_room_name(room);
    left_room *left = malloc(sizeof(*left) + name.length);
    if (left == NULL)
        return TOW_ERROR_MEMORY;
    *left = (left_room){
        .next = self->rooms, .latest = *tow_socketio_room_latest(room), .name = {left->text, name.length}};
    memcpy(left->text, name.data, name.length);
    self->rooms = left;
    return 0;
}

/* What it is by now goes along; without memory for that it is lost. */
static void pack(tow_socketio_returning *self, tow_socketio_socket *socket) {
    int error = 0;
    memcpy(self->id, socket->id, sizeof(self->id));
    memcpy(self->latest, socket->latest, sizeof(self->latest));
    for (tow_socketio_room *room = socket->rooms; error == 0 && room != NULL; room = room->next)
        error = leave_room(self, room);
    tow_socketio_rooms_end(socket);
    if (error == 0)
        self->past = socket->past;
    else
        tow_socketio_past_free(socket->past);
    free(socket);
}

static void arrive(tow_letter *letters);
static void drop_at_home(tow_letter *letter);

static void depart_one(tow_socketio_returning *self) {
    tow_server *server = self->scope->io->server;
    tow_server_letter_opened(server, self->from, sizeof(*self));
    tow_socketio_socket *socket = tow_socketio_away_take(self->scope, self->from, self->secret);
    if (socket != NULL) {
        pack(self, socket);
        tow_socketio_release(self->scope->io); /* which the letter holds, too */
    }
    self->letter = (tow_letter){.open = arrive, .drop = drop_at_home, .work = 1};
    if (!tow_server_owe_letter(server, self->to, &self->letter, sizeof(*self)))
        release(self); /* nobody waits where the worker ends */
}

static void depart(tow_letter *letters) {
    while (letters != NULL) {
        tow_socketio_returning *self = (tow_socketio_returning *)(void *)letters;
        letters = letters->next;
        depart_one(self);
    }
}

static void drop_away(tow_letter *letter) {
    tow_socketio_returning *self = (tow_socketio_returning *)(void *)letter;
    tow_server_letter_opened(self->scope->io->server, self->from, sizeof(*self));
    release(self);
}

static void drop_at_home(tow_letter *letter) {
    tow_socketio_returning *self = (tow_socketio_returning *)(void *)letter;
    tow_server_letter_opened(self->scope->io->server, self->to, sizeof(*self));
    release(self);
}

/* At home: the socket that waits. */

static void part(tow_socketio_socket *socket) {
    tow_socketio_returning *self = socket->returning;
    tow_timer_cancel(socket->loop, &socket->timer);
    socket->returning = NULL;
    socket->on_subscribed = NULL;
    socket->on_gone = NULL;
    self->socket = NULL;
    release(self);
}

/* It is none that was away, or not one that can be recovered. */
static void be_new(tow_socketio_socket *socket) {
    tow_buffer text = socket->returning->auth;
    socket->returning->auth = (tow_buffer){0};
    tow_socketio_rooms_end(socket);
    tow_socketio_past_free(socket->past);
    socket->past = NULL;
    part(socket);
    tow_socketio_socket_name(socket);
    tow_socketio_arguments auth =
        tow_socketio_arguments_of((tow_slice){(const char *)text.data, text.length}, NULL, 0);
    tow_socketio_connection *connection = socket->connection;
    int error = tow_socketio_socket_ask(socket, &auth);
    if (error != 0 && error != TOW_ERROR_CLOSED)
        tow_socketio_connection_end(connection, TOW_SOCKETIO_TRANSPORT, 1011, tow_strerror(error));
    tow_buffer_clear(&text);
}

static void on_timer(tow_timer *timer) {
    be_new((tow_socketio_socket *)(void *)((char *)timer - offsetof(tow_socketio_socket, timer)));
}

static void be_again(tow_socketio_socket *socket, size_t first) {
    tow_buffer text = socket->returning->auth;
    socket->returning->auth = (tow_buffer){0};
    part(socket);
    tow_socketio_arguments auth =
        tow_socketio_arguments_of((tow_slice){(const char *)text.data, text.length}, NULL, 0);
    welcome(socket, &auth, first);
    tow_buffer_clear(&text);
}

static void on_subscribed(tow_socketio_socket *socket, bool is_whole) {
    tow_socketio_returning *self = socket->returning;
    size_t first;
    self->is_lost |= !is_whole;
    if (--self->awaited > 0)
        return;
    if (!self->is_lost && tow_socketio_past_has(socket->past, tow_slice_from(self->offset), &first))
        be_again(socket, first);
    else
        be_new(socket);
}

/* Into its rooms again, from where it had got there. Errors: as tow_subscribe. */
static int enter_rooms(tow_socketio_returning *self, tow_socketio_socket *socket) {
    socket->past = self->past;
    self->past = NULL;
    memcpy(socket->id, self->id, sizeof(socket->id));
    socket->number = tow_socketio_id_number(socket->id);
    memcpy(socket->latest, self->latest, sizeof(socket->latest));
    socket->on_subscribed = on_subscribed;
    self->is_lost = self->latest[0].epoch == 0 || self->latest[1].epoch == 0; /* it stood nowhere yet */
    int error = tow_socketio_rooms_begin(socket, &self->latest[0], &self->latest[1]);
    self->awaited = error == 0 ? 2 : 0;
    for (const left_room *room = self->rooms; error == 0 && room != NULL; room = room->next) {
        error = tow_socketio_room_add(socket, room->name, &room->latest);
        self->awaited += error == 0;
        self->is_lost |= room->latest.epoch == 0;
    }
    return error;
}

static void arrive_one(tow_socketio_returning *self) {
    tow_socketio_socket *socket = self->socket;
    tow_server_letter_opened(self->scope->io->server, self->to, sizeof(*self));
    if (socket != NULL && (self->past == NULL || enter_rooms(self, socket) != 0))
        be_new(socket);
    release(self);
}

static void arrive(tow_letter *letters) {
    while (letters != NULL) {
        tow_socketio_returning *self = (tow_socketio_returning *)(void *)letters;
        letters = letters->next;
        arrive_one(self);
    }
}

/* NULL without memory, or if the other worker takes no letter. */
static tow_socketio_returning *ask_for(tow_socketio_scope *scope, const tow_socketio_packet *packet,
    const char *secret, size_t from, size_t to) {
    tow_socketio_returning *self = calloc(1, sizeof(*self));
    if (self == NULL)
        return NULL;
    self->letter = (tow_letter){.open = depart, .drop = drop_away, .work = 1};
    self->scope = scope;
    self->from = from;
    self->to = to;
    memcpy(self->secret, secret, sizeof(self->secret));
    atomic_init(&self->holders, 2);
    if (read_offset(packet, self->offset, sizeof(self->offset)) &&
        tow_buffer_append(&self->auth, packet->payload.data, packet->payload.length) == 0) {
        tow_socketio_hold(scope->io);
        return self;
    }
    free(self);
    return NULL;
}

static bool fetch(tow_socketio_connection *connection, tow_socketio_scope *scope,
    const tow_socketio_packet *packet, const char *secret, size_t from) {
    tow_loop *loop = tow_websocket_loop(connection->websocket);
    tow_socketio_socket *socket = tow_socketio_socket_new(connection, scope);
    if (socket == NULL)
        return false;
    tow_socketio_returning *self = ask_for(scope, packet, secret, from, socket->worker);
    socket->stage = TOW_SOCKETIO_RETURNING;
    if (self == NULL) {
        tow_socketio_socket_end(socket, TOW_SOCKETIO_TRANSPORT);
        return false;
    }
    self->socket = socket;
    socket->returning = self;
    socket->on_gone = part;
    tow_timer_set(loop, &socket->timer, tow_loop_now(loop) + WAIT_SECONDS * TOW_SECOND, on_timer);
    if (tow_server_leave_letter(scope->io->server, from, &self->letter, sizeof(*self)))
        return true;
    release(self);
    tow_socketio_socket_end(socket, TOW_SOCKETIO_TRANSPORT);
    return false;
}

bool tow_socketio_return_begin(
    tow_socketio_connection *connection, tow_socketio_scope *scope, const tow_socketio_packet *packet) {
    char secret[TOW_SOCKETIO_ID_LENGTH + 1];
    size_t here = tow_websocket_id_worker(tow_websocket_identify(connection->websocket));
    size_t there;
    if (scope->io->away == NULL || !read_member(packet, "pid", secret, sizeof(secret)) ||
        !tow_socketio_away_find(scope, secret, &there))
        return false;
    return there == here ? come_back(connection, scope, packet, here, secret)
                         : fetch(connection, scope, packet, secret, there);
}
