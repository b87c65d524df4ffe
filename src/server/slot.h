/* slot: what a connection has in its worker's slab, from accept to the end of the stream.
 *
 * It begins with HTTP, which is allocated; an opening handshake turns it into a WebSocket and frees that, so
 * that an idle WebSocket is this struct and nothing else. */
#ifndef TOW_SERVER_SLOT_H
#define TOW_SERVER_SLOT_H

#include "state.h"

typedef struct tow_connection tow_connection;
typedef struct tow_http1 tow_http1;

typedef enum tow_connection_kind {
    TOW_CONNECTION_NONE, /* the slot is free */
    TOW_CONNECTION_SERVED,
    TOW_CONNECTION_REFUSED, /* over a limit: gets 503 and is not counted */
    TOW_CONNECTION_STATUS,
    TOW_CONNECTION_CARRIED, /* a socket over another carrier: no stream of its own */
    TOW_CONNECTION_RETAINED /* gone, but for the memory of its socket, which somebody has retained */
} tow_connection_kind;

/* What a tow_websocket_id is made of, beside the worker's number. */
enum { TOW_SLOT_BITS = 26, TOW_GENERATION_BITS = 28 };

struct tow_connection {
    tow_websocket socket; /* its stream carries HTTP too */
    uint64_t opened : 48; /* as a WebSocket, in microseconds of the loop's time */
    uint64_t port : 16;   /* of the client, 0: not known */
    uint64_t address_key; /* what the table of addresses counts it by; 0: not known */
    uint32_t slot : TOW_SLOT_BITS;
    uint32_t kind : 3;                         /* tow_connection_kind */
    bool local : 1;                            /* came over a Unix socket */
    bool counted : 1;                          /* in the table of addresses */
    bool noted : 1;                            /* the tally has a note: see remembered.h */
    uint32_t generation : TOW_GENERATION_BITS; /* not 0; tells it from those that had the slot before */
};

_Static_assert(sizeof(tow_connection) <= 184, "an idle connection costs this and nothing else");

/* The connection of a socket, or a stream, that a connection owns: for what their tables call. */
static inline tow_connection *tow_connection_of(const tow_websocket *socket) {
    return (tow_connection *)((uintptr_t)socket - // NOLINT(performance-no-int-to-ptr)
                              offsetof(tow_connection, socket));
}

static inline tow_connection *tow_connection_of_stream(const tow_stream *stream) {
    return tow_connection_of(tow_websocket_of_stream(stream));
}

/* Known by what the worker's sockets share, from the beginning on. */
static inline tow_worker *tow_connection_worker(const tow_connection *connection) {
    return tow_websocket_context_owner(connection->socket.context);
}

/* NULL once it is a WebSocket. */
static inline tow_http1 *tow_connection_http1(const tow_connection *connection) {
    return connection->socket.stage == TOW_STAGE_CONNECTING ? connection->socket.opening : NULL;
}

static inline tow_stream *tow_connection_stream(tow_connection *connection) {
    return &connection->socket.stream;
}

/* Whether it speaks TLS, perhaps after a PROXY header. The status port is for programs of this machine, a
 * Unix socket for a proxy in front. */
static inline bool tow_connection_wants_tls(const tow_connection *connection) {
    return tow_connection_worker(connection)->tls != NULL && connection->kind != TOW_CONNECTION_STATUS &&
           !connection->local;
}

#endif
