/* state: what there is of a server of Socket.IO: namespaces, connections, and sockets, one for each namespace
 * that a connection is in. Only what these are made of: each file beside this one has a part of what happens
 * to them. */
#ifndef TOW_SOCKETIO_STATE_H
#define TOW_SOCKETIO_STATE_H

#include "base/buffer.h"
#include "handler/engineio.h"
#include "hub/subscription.h"
#include "packet.h"
#include "server/metric.h"
#include "transport/timer.h"
#include "websocket/unfinished.h"

#include <stdatomic.h>
#include <towline/socketio.h>

enum {
    TOW_SOCKETIO_ID_LENGTH = 28,
    TOW_SOCKETIO_NAME_MAX = 100, /* of namespaces and rooms */
    TOW_SOCKETIO_SCOPES_MAX = 64
};

typedef struct tow_socketio_scope tow_socketio_scope;
typedef struct tow_socketio_connection tow_socketio_connection;
typedef struct tow_socketio_encoding tow_socketio_encoding;
typedef struct tow_socketio_room tow_socketio_room;
typedef struct tow_socketio_ask tow_socketio_ask;
typedef struct tow_socketio_past tow_socketio_past;
typedef struct tow_socketio_away tow_socketio_away;

struct tow_socketio_scope { /* a namespace */
    tow_socketio *io;
    tow_socketio_scope *next;
    uint64_t bit; /* in sets of them */
    char *name;
    char *channel;
    tow_socketio_handler handler;
    tow_socketio_encoding *encoding; /* how its sockets get what is published */
};

/* What --status tells of all servers of Socket.IO. */
#define TOW_SOCKETIO_METRICS(X)                                                                              \
    X(connections, TOW_METRIC_GAUGE, "socketio_connections", "Connections of Socket.IO now.")                \
    X(sockets, TOW_METRIC_GAUGE, "socketio_sockets",                                                         \
        "Sockets of Socket.IO in namespaces now, those away left out.")                                      \
    X(away, TOW_METRIC_GAUGE, "socketio_away", "Sockets of Socket.IO that are away and may come back.")      \
    X(over_away, TOW_METRIC_COUNTER, "socketio_not_kept",                                                    \
        "Sockets of Socket.IO that could not be kept, as too many were away.")
typedef struct tow_socketio_metrics {
    TOW_SOCKETIO_METRICS(TOW_METRIC_FIELD)
} tow_socketio_metrics;

/* What rooms need of the files above them. */
typedef struct tow_socketio_above {
    /* Who does not get what it should has to know: its connection ends, and it can't be recovered. */
    void (*lose)(tow_socketio_socket *socket, uint16_t code, const char *why);
    /* It is in its namespace no more. */
    void (*expel)(tow_socketio_socket *socket);
} tow_socketio_above;

struct tow_socketio {
    const tow_socketio_above *above;
    atomic_size_t holders; /* whoever made it, and sockets that are away */
    tow_server *server;
    tow_socketio_options options;
    tow_socketio_scope *scopes;
    size_t scope_count;
    tow_socketio_away *away;                                      /* sockets that may come back */
    tow_engineio *engineio;                                       /* NULL: somebody else carries it */
    bool (*stays)(tow_socketio_socket *socket, const char *room); /* NULL: wherever it is */
    tow_socketio_metrics metrics;
};

/* A packet of which attachments are missing; zeroed: none. */
typedef struct tow_socketio_gathering {
    tow_buffer text;
    tow_socketio_packet packet; /* its slices lie in `text` */
    tow_buffer bytes;           /* the attachments that came, one behind the other */
    size_t ends[TOW_SOCKETIO_ATTACHMENTS_MAX];
    size_t count;
    tow_unfinished_part held;
} tow_socketio_gathering;

struct tow_socketio_connection {
    tow_socketio *io;
    tow_websocket *websocket;
    tow_socketio_socket *sockets;
    uint64_t kicked;    /* scopes that we made it leave, which it may not know yet */
    bool has_connected; /* some time */
    bool is_over;       /* nothing of what it sends is looked at any more */
    tow_timer timer;    /* until it has connected to a namespace */
    tow_socketio_gathering *gathering;
};

struct tow_socketio_room {
    tow_subscription subscription; /* first */
    tow_socketio_socket *socket;
    tow_socketio_room *next;
};

/* One of a socket that may be recovered: up to where it got what is published. */
typedef struct tow_socketio_tracked_room {
    tow_socketio_room room; /* first */
    tow_position latest;
} tow_socketio_tracked_room;

typedef enum tow_socketio_stage {
    TOW_SOCKETIO_RETURNING, /* what is left of it is on the way from another worker */
    TOW_SOCKETIO_ASKING,    /* on_connect has not returned */
    TOW_SOCKETIO_DEFERRED,  /* the application has not decided yet */
    TOW_SOCKETIO_CONNECTED,
    TOW_SOCKETIO_AWAY, /* its connection is lost, and what it misses is kept for its return */
    TOW_SOCKETIO_GONE  /* only its memory is left, until the callbacks that it is in have returned */
} tow_socketio_stage;

struct tow_socketio_socket {
    tow_socketio_scope *scope;
    tow_socketio_connection *connection; /* NULL: it is away */
    tow_loop *loop;
    size_t worker;             /* its number */
    uint64_t address;          /* away: of which it takes a place; 0: none */
    tow_socketio_socket *next; /* of the connection's */
    void *user;
    void (*on_gone)(tow_socketio_socket *socket);
    tow_socketio_stage stage;
    unsigned callbacks; /* that it is in */
    uint64_t number;    /* by which it is left out of what is published */
    char id[TOW_SOCKETIO_ID_LENGTH + 1];
    tow_socketio_room all; /* the namespace */
    tow_socketio_room own;
    tow_socketio_room *rooms; /* others */
    int room_count;
    tow_socketio_ask *asks; /* acknowledgements that are waited for */
    int ask_count;
    int64_t next_ask;
    tow_socketio_past *past; /* NULL: it can't be recovered */
    tow_timer timer;         /* away: until it is not waited for any more */
    bool was_recovered;
    tow_position latest[2]; /* as below, of `all` and `own` */
    struct tow_socketio_returning *returning;
    /* Of one that returns: a subscription stands, with all that came since, or not. NULL: of no interest */
    void (*on_subscribed)(tow_socketio_socket *socket, bool is_whole);
};

#endif
