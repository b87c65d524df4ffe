/* connection: a slot of a worker's slab, from accept to the end of the stream.
 *
 * It begins with HTTP, for which an exchange is allocated; an opening handshake turns it into a WebSocket and
 * frees the exchange, so that an idle WebSocket is this struct and nothing else. */
#ifndef TOW_SERVER_CONNECTION_H
#define TOW_SERVER_CONNECTION_H

#include "worker.h"

typedef enum tow_connection_kind {
    TOW_CONNECTION_NONE, /* the slot is free */
    TOW_CONNECTION_SERVED,
    TOW_CONNECTION_REFUSED, /* over a limit: gets 503 and is not counted */
    TOW_CONNECTION_STATUS,
    TOW_CONNECTION_RETAINED /* gone, but for the memory of its socket, which somebody has retained */
} tow_connection_kind;

/* What a tow_websocket_id is made of, beside the worker's number. */
enum { TOW_SLOT_BITS = 26, TOW_GENERATION_BITS = 28 };

struct tow_connection {
    tow_websocket socket; /* first; its stream carries HTTP too */
    uint64_t opened : 48; /* as a WebSocket, in microseconds of the loop's time */
    uint64_t port : 16;   /* of the client, 0: not known */
    uint64_t address_key; /* what the table of addresses counts it by; 0: not known */
    uint32_t slot : TOW_SLOT_BITS;
    uint32_t kind : 3;                         /* tow_connection_kind */
    bool local : 1;                            /* came over a Unix socket */
    bool counted : 1;                          /* in the table of addresses */
    bool noted : 1;                            /* the tally has a note: see ending.h */
    uint32_t generation : TOW_GENERATION_BITS; /* not 0; tells it from those that had the slot before */
};

/* Takes over an accepted descriptor: counted already (SERVED) or not to be counted. The descriptor is closed
 * when it fails. */
void tow_connection_open(tow_worker *worker, int fd, tow_connection_kind kind, bool local);

/* Gives up a descriptor that is counted as SERVED and was not opened. */
void tow_connection_abandon(tow_worker *worker, int fd);

/* Whether it speaks TLS, perhaps after a PROXY header. */
bool tow_connection_wants_tls(const tow_connection *connection);

/* Its stream is closed and nothing uses it any more: frees the slot. */
void tow_connection_release(tow_connection *connection);

/* What the drain does: ends it politely, or (late) resets it, which the log tells; or resets what is left. */
void tow_connection_drain(tow_connection *connection);
void tow_connection_end_late(tow_connection *connection);
void tow_connection_reset(tow_connection *connection);

/* After that: a WebSocket's on_close comes in this call. */
void tow_connection_tell_end(tow_connection *connection);

/* Callbacks of every route's behaviour. */
void tow_connection_socket_opened(tow_websocket *socket);
void tow_connection_socket_gone(tow_websocket *socket);
void tow_connection_socket_released(tow_websocket *socket);

/* When the worker ends: frees what retained sockets hold. */
void tow_connection_forget(tow_connection *connection);

/* Known by what the worker's sockets share, from the beginning on. */
static inline tow_worker *tow_connection_worker(const tow_connection *connection) {
    return tow_websocket_context_owner(connection->socket.context);
}

/* NULL once it is a WebSocket. */
static inline tow_exchange *tow_connection_exchange(const tow_connection *connection) {
    return connection->socket.ready_state == TOW_CONNECTING ? connection->socket.opening : NULL;
}

_Static_assert(sizeof(tow_connection) <= 184, "an idle connection costs this and nothing else");

static inline tow_stream *tow_connection_stream(tow_connection *connection) {
    return &connection->socket.stream;
}

#endif
