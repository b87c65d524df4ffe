/* connection: one connection of a load: connects, does the opening handshake, sends what it is told to,
 * checks what comes.
 *
 * It knows the load that it belongs to only through four calls: opened, answered, failed, closed. */
#ifndef TOW_BENCH_CONNECTION_H
#define TOW_BENCH_CONNECTION_H

#include "base/buffer.h"
#include "bench/echo.h"
#include "bench/target.h"
#include "protocol/opening.h"
#include "transport/stream.h"
#include "transport/tls.h"

typedef struct tow_load_connection tow_load_connection;

/* Messages that were asked for at one time. */
typedef struct tow_load_batch {
    int64_t asked; /* nanoseconds */
    uint64_t count;
} tow_load_batch;

/* What all connections of a load share. */
typedef struct tow_load_shared {
    tow_loop *loop;
    const tow_traffic *traffic;
    const tow_load_target *target;
    const char *origin;
    tow_tls_context *tls; /* NULL: plain; lent */
    int address_index;    /* of the target: the first that answers */
    uint32_t in_flight_max;
    uint64_t received; /* bytes of answers, over all connections */
    void (*on_opened)(tow_load_connection *connection);
    void (*on_answered)(tow_load_connection *connection, uint64_t messages);
    void (*on_failed)(tow_load_connection *connection, int error, const char *text);
    void (*on_closed)(
        tow_load_connection *connection); /* after on_failed or a stop: the memory may be used again */
} tow_load_shared;

typedef enum tow_load_state {
    TOW_LOAD_CONNECTING,
    TOW_LOAD_SECURING, /* the TLS handshake is under way */
    TOW_LOAD_OPENING,  /* the opening handshake is under way */
    TOW_LOAD_OPEN,
    TOW_LOAD_CLOSED
} tow_load_state;

struct tow_load_connection {
    tow_stream stream; /* first: a stream's callback finds its connection */
    tow_load_shared *shared;
    tow_load_state state;
    uint32_t batch_first;
    uint32_t batch_count;
    tow_load_batch *batches; /* a ring of in_flight_max, oldest first: what is under way */
    size_t position;         /* in a turn of the traffic's frames */
    uint64_t unsent;         /* bytes of frames that were asked for and not taken yet */
    uint64_t sent;           /* messages asked for */
    tow_buffer head;         /* of the server's answer to the opening handshake, while it comes */
    tow_buffer ahead;        /* what goes out before the next frame: the request, a Pong */
    char key[TOW_KEY_LENGTH + 1];
    tow_echo echo;
};

/* Starts connecting a zeroed connection whose `shared` and `batches` are set. What goes wrong later comes to
 * on_failed. */
int tow_load_connection_start(tow_load_connection *connection);

/* Sends `count` more messages, asked for at `asked`. Not more than in_flight_max may be under way. */
void tow_load_connection_send(tow_load_connection *connection, uint64_t count, int64_t asked);

/* Takes the oldest `count` messages under way away: calls `each` for each batch of them with when they were
 * asked for. */
void tow_load_connection_settle(tow_load_connection *connection, uint64_t count,
    void (*each)(tow_load_connection *connection, int64_t asked, uint64_t count));

static inline uint64_t tow_load_connection_in_flight(const tow_load_connection *connection) {
    return connection->sent - connection->echo.completed;
}

/* Resets it. No callback comes afterwards but on_closed. */
void tow_load_connection_stop(tow_load_connection *connection);

#endif
