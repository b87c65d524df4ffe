/* towline/socketio.h: a server of Socket.IO, for clients of its versions 3 and 4 (Socket.IO protocol 5 on
 * Engine.IO protocol 4). It is a library of its own, libtowline-socketio, which needs jansson besides.
 *
 *     static void say(tow_socketio_socket *socket, const tow_socketio_event *event) {
 *         tow_socketio_to(socket, "lobby", "message", &event->arguments);
 *     }
 *     static void welcome(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
 *         tow_socketio_join(socket, "lobby");
 *     }
 *     ...
 *     tow_socketio *io;
 *     const tow_socketio_listener listeners[] = {{"message", say}, {0}};
 *     if (tow_socketio_new(&io, server, NULL) != 0 ||
 *         tow_socketio_namespace(io, "/", &(tow_socketio_handler){.on_connect = welcome, .listeners =
 * listeners}) != 0) return 1; int error = tow_server_run(server); tow_server_free(server);
 *     tow_socketio_free(io);
 *
 * A socket is one client in one namespace; a connection has one for each namespace that it has connected to.
 * What is about a socket is for the thread of its connection's worker; only tow_socketio_broadcast may
 * be called from any. A socket lives until its on_disconnect has returned.
 *
 * Rooms are channels of the server (towline/channel.h): room R of the namespace /N is "socketio/N/R", that of
 * the namespace / is "socketio/main/R", and all of a namespace are "socketio/N" and "socketio/main";
 * `channel` and `share` of tow_socketio_handler give them other names. Whatever is published there reaches
 * them, and what is emitted to rooms reaches whoever has subscribed there. */
#ifndef TOWLINE_SOCKETIO_H
#define TOWLINE_SOCKETIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <towline/server.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tow_socketio tow_socketio;
typedef struct tow_socketio_socket tow_socketio_socket;

/* -- Arguments: what goes with an event, its acknowledgement, a refusal. --
 *
 * They are kept as JSON in the bytes that came, and a number of any size is passed on as it was written. */

/* Bytes that an object {"_placeholder":true,"num":N} in the JSON stands for: N counts them from 0. */
typedef struct tow_socketio_attachment {
    const void *data;
    size_t length;
} tow_socketio_attachment;

enum { TOW_SOCKETIO_ATTACHMENTS_MAX = 10 };

/* Those that callbacks get are lent until they return. */
typedef struct tow_socketio_arguments {
    const char *json;     /* values with commas between: "1,\"two\""; default none */
    size_t length;        /* bytes of `json`; 0: up to its zero */
    const json_t *values; /* to be sent instead of `json`: an array, which stays the caller's */
    const tow_socketio_attachment *attachments; /* that placeholders stand for */
    size_t attachment_count;                    /* how many these are; at most TOW_SOCKETIO_ATTACHMENTS_MAX */
} tow_socketio_arguments;

/* The argument at `index`, from 0, as its JSON, which need not end with a zero. False: there is none. */
bool tow_socketio_argument(
    const tow_socketio_arguments *arguments, size_t index, const char **json, size_t *length);

/* The same as a value of jansson, a new reference; placeholders are objects in it. Errors: ARGUMENT (there is
 * none), UNSUPPORTED (jansson can't hold it: a number out of its range, a name with a zero, half of a
 * surrogate pair), MEMORY. */
int tow_socketio_value(const tow_socketio_arguments *arguments, size_t index, json_t **value);

/* The attachment that the argument at `index` is. False: it is none. */
bool tow_socketio_binary(
    const tow_socketio_arguments *arguments, size_t index, tow_socketio_attachment *attachment);

/* -- Namespaces and what happens in them. -- */

/* An event that came. */
typedef struct tow_socketio_event {
    const char *name; /* UTF-8, ends with a zero; a number as it was written */
    size_t name_length;
    tow_socketio_arguments arguments;
    int64_t ack; /* for tow_socketio_acknowledge, which the client waits for; -1: it does not */
} tow_socketio_event;

typedef struct tow_socketio_listener {
    const char *event; /* its name */
    void (*on_event)(tow_socketio_socket *socket, const tow_socketio_event *event);
} tow_socketio_listener;

/* Why a socket is disconnected. */
typedef enum tow_socketio_reason {
    TOW_SOCKETIO_CLIENT,     /* it has left the namespace */
    TOW_SOCKETIO_SERVER,     /* tow_socketio_disconnect */
    TOW_SOCKETIO_TRANSPORT,  /* the connection is closed or lost */
    TOW_SOCKETIO_PARSE_ERROR /* what it sent breaks the protocol, which ends the connection */
} tow_socketio_reason;

/* What a namespace does. Callbacks left NULL do nothing. */
typedef struct tow_socketio_handler {
    void *user; /* what tow_socketio_user answers at first */
    /* A client wants to connect; `auth` is the object that it sends along, as one argument, or none. It is
     * let in by tow_socketio_accept, by the first that is sent to it or the first room, or when this returns;
     * unless tow_socketio_refuse or tow_socketio_defer was called. */
    void (*on_connect)(tow_socketio_socket *socket, const tow_socketio_arguments *auth);
    const tow_socketio_listener *listeners; /* for events by name; ends with a NULL name; kept, not copied */
    void (*on_event)(tow_socketio_socket *socket, const tow_socketio_event *event); /* for all others */
    /* Once for each socket that was let in. What is sent in it goes nowhere. */
    void (*on_disconnect)(tow_socketio_socket *socket, tow_socketio_reason reason);
    /* "socketio/N" if not set: the channel of all of the namespace, below which its rooms are */
    const char *channel;
    /* Rooms that are the channels of their own names, which clients of other protocols know as well: names,
     * or what they begin with and an asterisk; ends with NULL; kept, not copied */
    const char *const *share;
} tow_socketio_handler;

/* Zero means the default; numbers accept TOW_OFF where it says so. Copied. */
typedef struct tow_socketio_options {
    const char *path;                 /* where clients ask for it; default "/socket.io/" */
    int ping_interval_milliseconds;   /* default 25000 */
    int ping_timeout_milliseconds;    /* for the answer; default 20000 */
    int upgrade_timeout_milliseconds; /* for the change from polling to WebSocket; default 10000 */
    int connect_timeout_milliseconds; /* until the first namespace is connected to; default 45000 */
    int recovery_seconds; /* how long what a client misses is kept after its connection is lost; default and
                             TOW_OFF: no recovery */
    int64_t max_message;  /* bytes of a message, and of an event with its attachments; default 1000000 */
    int max_rooms;        /* that a socket is in, besides its own; default 1000; more: LIMIT */
    int max_acks;         /* that a socket is waited for; default 1000; more: LIMIT */
    const char *const *allow_origins; /* as in tow_handler */
    bool any_origin;                  /* accept any Origin */
    int max_away; /* sockets that are kept for their return, of all clients; default 10000 */
} tow_socketio_options;

/* Makes one that answers at its path on `server`, with no namespace yet. `options` may be NULL. Before the
 * server runs. Errors: ARGUMENT, STATE (the path is taken), UNSUPPORTED (libtowline is of another version),
 * MEMORY. */
int tow_socketio_new_sized(
    tow_socketio **io, tow_server *server, const tow_socketio_options *options, size_t options_size);
static inline int tow_socketio_new(
    tow_socketio **io, tow_server *server, const tow_socketio_options *options) {
    return tow_socketio_new_sized(io, server, options, sizeof(tow_socketio_options));
}

/* After its server was freed. NULL is allowed. */
void tow_socketio_free(tow_socketio *io);

/* Adds a namespace: "/", or "/name" of at most 100 bytes of UTF-8 without commas, question marks and control
 * characters. All others are refused as "Invalid namespace". `handler` is copied, but for its listeners.
 * Before the server runs. Errors: ARGUMENT (no such name, a reserved one among the listeners, no channel's
 * name), STATE (it is there, or another one has its channel), MEMORY. */
int tow_socketio_namespace_sized(
    tow_socketio *io, const char *name, const tow_socketio_handler *handler, size_t handler_size);
static inline int tow_socketio_namespace(
    tow_socketio *io, const char *name, const tow_socketio_handler *handler) {
    return tow_socketio_namespace_sized(io, name, handler, sizeof(tow_socketio_handler));
}

/* -- Admission. -- */

/* Lets a client in, in on_connect or, after tow_socketio_defer, later. Errors: STATE (it is), CLOSED, MEMORY.
 */
int tow_socketio_accept(tow_socketio_socket *socket);

/* Keeps it waiting until tow_socketio_accept or _refuse. In on_connect. If it leaves meanwhile `on_gone`
 * comes, which may be NULL, and the socket is no more. Errors: STATE. */
int tow_socketio_defer(tow_socketio_socket *socket, void (*on_gone)(tow_socketio_socket *socket));

/* Refuses it: the client gets the message, UTF-8, and with `data` (may be NULL) its first argument. In
 * on_connect, or later if it was deferred; the socket is not to be used any more when that returns. The
 * connection stays. Errors: STATE, ARGUMENT, CLOSED, MEMORY. */
int tow_socketio_refuse(tow_socketio_socket *socket, const char *message, const tow_socketio_arguments *data);

/* -- Events. `arguments` may be NULL. --
 *
 * Errors of all that send: ARGUMENT (a reserved name, no JSON, placeholders without attachments, more than
 * ten of these), UTF8, LIMIT (JSON that is too deep), STATE (refused, or deferred), CLOSED, QUEUE_FULL,
 * MEMORY. */

int tow_socketio_emit(
    tow_socketio_socket *socket, const char *event, const tow_socketio_arguments *arguments);

/* The same if nothing waits to be sent to the client; else it is left out, and the answer is QUEUE_FULL. */
int tow_socketio_emit_volatile(
    tow_socketio_socket *socket, const char *event, const tow_socketio_arguments *arguments);

/* Answers an event that waits for it (`ack` not negative), once. */
int tow_socketio_acknowledge(
    tow_socketio_socket *socket, int64_t ack, const tow_socketio_arguments *arguments);

/* What becomes of an acknowledgement that is waited for. */
typedef struct tow_socketio_wait {
    /* `answer` is NULL, and `error` tells why, where none came: TIMED_OUT, or CLOSED (it was disconnected:
     * this comes before on_disconnect). Once. */
    void (*on_ack)(tow_socketio_socket *socket, void *user, const tow_socketio_arguments *answer, int error);
    void *user;               /* what on_ack gets */
    int timeout_milliseconds; /* default 30000; TOW_OFF: until it is disconnected */
} tow_socketio_wait;

/* Emits an event that the client is to acknowledge. LIMIT: more than max_acks are waited for. */
int tow_socketio_emit_with_ack(tow_socketio_socket *socket, const char *event,
    const tow_socketio_arguments *arguments, const tow_socketio_wait *wait);

/* -- Rooms: any text of at most 100 bytes of UTF-8 without control characters. Each socket is in that of its
 * own id. -- */

/* Errors: ARGUMENT, LIMIT (more than max_rooms), STATE, CLOSED, MEMORY. Twice is once. */
int tow_socketio_join(tow_socketio_socket *socket, const char *room);

/* Errors: ARGUMENT (it is not in it, or it is that of its own id). */
int tow_socketio_leave(tow_socketio_socket *socket, const char *room);

bool tow_socketio_is_in(const tow_socketio_socket *socket, const char *room);

/* To everybody in a room (NULL: in the namespace) but the socket itself. */
int tow_socketio_to(tow_socketio_socket *socket, const char *room, const char *event,
    const tow_socketio_arguments *arguments);

/* Who gets what is broadcast. */
typedef struct tow_socketio_target {
    const char *scope;  /* the namespace; default "/" */
    const char *room;   /* or the id of a socket; default: all in the namespace */
    const char *except; /* the id of a socket that does not get it; default none */
} tow_socketio_target;

/* To all of them, on whatever worker. Any thread, while the server runs. */
int tow_socketio_broadcast(tow_socketio *io, const tow_socketio_target *target, const char *event,
    const tow_socketio_arguments *arguments);

/* -- A socket. -- */

/* Makes it leave its namespace, or ends its whole connection. on_disconnect comes in this call. Errors:
 * STATE, CLOSED. */
int tow_socketio_disconnect(tow_socketio_socket *socket, bool whole_connection);

const char *tow_socketio_id(const tow_socketio_socket *socket);         /* 20 characters */
const char *tow_socketio_scope_name(const tow_socketio_socket *socket); /* its namespace */
/* Whether it is the one that it was before its connection was lost: same id, same rooms. What it
 * missed is sent before on_connect, in which it is let in already. */
bool tow_socketio_was_recovered(const tow_socketio_socket *socket);

void *tow_socketio_user(const tow_socketio_socket *socket);
void tow_socketio_set_user(tow_socketio_socket *socket, void *user);

/* The connection that it is on, for its peer, its request and its loop; what is sent there is not for
 * Socket.IO. */
tow_websocket *tow_socketio_websocket(const tow_socketio_socket *socket);

#ifdef __cplusplus
}
#endif

#endif
