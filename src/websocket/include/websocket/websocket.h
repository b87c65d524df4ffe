/* websocket: what the server and client floors need of tow_websocket beyond towline/websocket.h.
 *
 * The struct is embedded by value in the server's connection and in the client's object. This floor owns
 * ready state, events, send queue, closing handshake, and the timers of an open connection; the opening
 * handshake is done by the floors above, which own stream->events until tow_websocket_start. */
#ifndef TOW_WEBSOCKET_WEBSOCKET_H
#define TOW_WEBSOCKET_WEBSOCKET_H

#include "base/complaint.h"
#include "protocol/compression.h"
#include "protocol/receiver.h"
#include "transport/stream.h"
#include "transport/timer.h"
#include "websocket/cause.h"

#include <towline/server.h>
#include <towline/websocket.h>

/* Things that happened, counted per worker; --status adds the workers up. */
typedef struct tow_websocket_counters {
    uint64_t opened, closed, messages_in, messages_out, bytes_in,
        bytes_out; /* bytes of payload as on the application's side */
    uint64_t pings_sent, pongs_received, memory_failures;
    uint64_t unfinished; /* bytes of messages that have not ended: now, so it falls as well */
    uint64_t kept;       /* bytes that were read and wait for a turn: the same */
    uint64_t
        overflows; /* messages and Pings that max-queue kept from being sent, while the connection stayed */
    uint64_t dropped;               /* see tow_websocket_dropped */
    uint64_t ends[TOW_CAUSE_COUNT]; /* each connection's once: when it fails, or else when it is closed */
} tow_websocket_counters;

/* What owns a socket: a server's connection, a client. The socket is a part of it and is all that the floors
 * below know of it, so they ask by these, each of which may be NULL where nothing is said of that. */
typedef struct tow_socket_owner {
    tow_websocket_id (*identify)(const tow_websocket *socket);    /* NULL: it has no id */
    const tow_request *(*request)(const tow_websocket *socket);   /* NULL: there is none */
    const tow_response *(*response)(const tow_websocket *socket); /* the same */
    /* The peer as a text, as in tow_stream_peer_text. NULL: the stream's. */
    int (*peer)(const tow_websocket *socket, char *text, size_t size);
    /* What its memory is counted by: a key of the peer's address, or 0. NULL: 0. */
    uint64_t (*address)(const tow_websocket *socket);
    /* After on_close, when the stream is closed and the floor below uses nothing of the socket any more. Its
     * memory may go, in this call or later, after tow_websocket_clear. */
    void (*gone)(tow_websocket *socket);
    /* After `gone` has found the socket retained: the last who did has released it, and its memory may go as
     * there. Servers only. */
    void (*released)(tow_websocket *socket);
    /* The socket was closed or failed while the opening handshake is under way (CONNECTING): the owner of the
     * handshake ends it, with no callback inside this call. Only clients need it. */
    void (*abandon)(tow_websocket *socket);
    /* tow_websocket_free. NULL: it goes by itself. */
    void (*free)(tow_websocket *socket);
    /* Whether somebody else than the application has it, who needs its events and frees it. NULL: no. */
    bool (*is_held)(const tow_websocket *socket);
} tow_socket_owner;

/* What takes messages across in place of RFC 6455's frames: see carrier.h. */
typedef struct tow_carrier tow_carrier;

/* What all connections of one route (or one client) share. Not copied: outlives the connections. */
typedef struct tow_behaviour {
    tow_role role;
    const tow_socket_owner *owner; /* of all its sockets */
    const tow_carrier *carrier;    /* NULL: RFC 6455's frames over the socket's stream */
    const void *common;            /* for the owner: what else they have in common, or NULL */
    tow_on_open on_open;
    tow_on_message on_message; /* see tow_behaviour_receive_by */
    tow_on_piece on_piece;     /* NULL: messages are assembled */
    tow_on_error on_error;
    tow_on_close on_close;
    tow_on_drain on_drain;
    tow_on_ping on_ping;
    tow_on_ping on_pong;
    tow_limits limits; /* resolved by tow_limits_resolve: no zero is left, TOW_OFF is kept */
    const char *url;   /* "" for servers */
    /* Set: each side ends for itself, as those of a stream do. The peer's orderly Close is told here and
     * waits for its answer (RFC 6455, section 5.5.1) until tow_websocket_shutdown or tow_websocket_close, and
     * what waits to be sent does not keep us from reading. It is for the owner to see that both ends come. */
    void (*on_end)(tow_websocket *socket);
    /* Set in its place: the same for a Close with any code, which is told. */
    void (*on_peer_close)(tow_websocket *socket, const tow_close_event *event);
    bool no_pongs; /* who hears on_ping answers it */
    bool carries;  /* another socket, which ends it: who drains leaves that to the other one */
} tow_behaviour;

/* Whether each side ends for itself. */
static inline bool tow_behaviour_has_two_ends(const tow_behaviour *behaviour) {
    return behaviour->on_end != NULL || behaviour->on_peer_close != NULL;
}

/* Sets the two callbacks of which one gets the messages: `on_piece` if there is one. */
void tow_behaviour_receive_by(tow_behaviour *behaviour, tow_on_message on_message, tow_on_piece on_piece);

/* Gives each limit that is zero the value that a server has for all its routes, where that is not NULL, or
 * else the default of the library for this role. */
void tow_limits_resolve(tow_limits *limits, tow_role role, const tow_limits *server);

/* Whether resolved limits make sense. Errors: ARGUMENT (a number out of its range, a low mark that is not
 * below the high one, messages to be dropped that others refer to): `complaint`, which may be NULL, tells. */
int tow_limits_check(const tow_limits *limits, tow_complaint *complaint);

/* What its memory is counted by (tow_socket_owner.address), or 0. */
uint64_t tow_websocket_address_key(const tow_websocket *socket);

/* How much longer than message_seconds a message may take for so many bytes that have come, in nanoseconds.
 */
int64_t tow_limits_time_for(const tow_limits *limits, uint64_t bytes);

/* What connections on one loop share: compressors without takeover, counters. One per loop and floor above.
 */
typedef struct tow_websocket_context tow_websocket_context;
int tow_websocket_context_new(tow_websocket_context **context, tow_loop *loop, void *owner);
void *tow_websocket_context_owner(const tow_websocket_context *context);
void tow_websocket_context_free(tow_websocket_context *context);
tow_websocket_counters *tow_websocket_context_counters(tow_websocket_context *context);

/* Who wants to know of sockets what no callback of theirs tells. Called inside what brings it about: neither
 * may call anything on the socket but what only asks. */
typedef struct tow_socket_watcher {
    void (*closing)(tow_websocket
            *socket); /* it is open no more: its Close was read, or ours is said, or it has failed */
    void (*drained)(tow_websocket *socket); /* as on_drain, which comes next */
} tow_socket_watcher;

/* For all sockets of the context, as long as it lives. */
void tow_websocket_context_watch(tow_websocket_context *context, const tow_socket_watcher *watcher);

/* Whether an open one's peer has shown life since then (tow_loop_now's time): something has come, or is not
 * read by us; or it has taken of what was ahead of a Ping, before which tow_websocket_mark was called. */
void tow_websocket_mark(tow_websocket *socket);
bool tow_websocket_lives(tow_websocket *socket, int64_t since);

/* Whether more waits than the high mark, so that `drained` is to come. */
bool tow_websocket_is_above_high(const tow_websocket *socket);

/* In a callback for a message: what it has cost beyond a message, in units of about a microsecond. When a
 * round's measure is full others have their turn (frames/turn.h). */
void tow_websocket_note_work(tow_websocket *socket, unsigned work);

/* A turn of who tells sockets what a carrier has brought, perhaps inside another one: what their messages
 * cost counts, and when it is over the rest is for a later round. */
uint32_t tow_websocket_begin_turn(tow_websocket_context *context);
bool tow_websocket_turn_is_over(const tow_websocket_context *context);
void tow_websocket_end_turn(tow_websocket_context *context, uint32_t outer);

/* What is noted for the same in several protocols. */
enum {
    TOW_WORK_READ = 512,   /* bytes of JSON that are read for one */
    TOW_WORK_PUBLISH = 8,  /* in a channel, or asking for something of it */
    TOW_WORK_DIGEST = 32,  /* a signature by a secret */
    TOW_WORK_TOKEN = 1024, /* several public keys may have to be tried */
};

/* What a socket shares with others; and who watches those. */
tow_websocket_context *tow_websocket_context_of(const tow_websocket *socket);
const tow_socket_watcher *tow_websocket_context_watcher(const tow_websocket_context *context);

/* From now on each socket keeps a tally of what it carries. */
void tow_websocket_context_keep_tallies(tow_websocket_context *context);

/* Bounds the bytes of messages that have not ended, of all connections and of those of one address; 0: by
 * none. */
void tow_websocket_context_bound(
    tow_websocket_context *context, int64_t max_unfinished, int64_t max_unfinished_per_address);

/* What a socket has carried, as bytes of payload on the application's side. */
typedef struct tow_tally {
    uint64_t messages_in, messages_out, bytes_in, bytes_out;
    char note[]; /* of whoever made it */
} tow_tally;

/* Where a connection stands; its ready state is what the public has of that. */
typedef enum tow_stage {
    TOW_STAGE_CONNECTING, /* the opening handshake is under way */
    TOW_STAGE_OPEN,
    TOW_STAGE_PEER_ENDED, /* open: the peer's Close is the end of its side alone, and waits for our answer */
    TOW_STAGE_WE_ENDED,   /* closing: ours is, and messages are delivered until the peer's Close comes */
    TOW_STAGE_CLOSING,    /* ours is said; the peer's is awaited */
    TOW_STAGE_CROSSED,    /* both are said: what is left is the end of the stream */
    TOW_STAGE_FAILED,     /* closing, perhaps with a Close of ours, and the end will not be a clean one */
    TOW_STAGE_ABANDONED,  /* closing: the opening handshake was given up */
    TOW_STAGE_CLOSED
} tow_stage;

/* Whether what the peer sends is delivered. */
typedef enum tow_flow {
    TOW_FLOW_ON,
    TOW_FLOW_PAUSED, /* by the application */
    TOW_FLOW_WAITS   /* for a turn in the next round */
} tow_flow;

/* What has become of a connection that is not open any more. */
typedef struct tow_websocket_end {
    uint16_t close_code; /* the peer's, or 1006 */
    int8_t error;        /* 0 or why it failed: a tow_error */
    uint8_t cause : 6;   /* tow_cause: what came first, but for a failure, which takes its place */
    bool close_sent : 1; /* our Close is in the cork, in the queue or gone */
    bool was_asked : 1;  /* tow_websocket_close was called */
} tow_websocket_end;
_Static_assert(TOW_CAUSE_COUNT <= 1 << 6, "a cause fits its bits");

/* The same for the log: what the Close said that began the end. */
typedef struct tow_websocket_ending {
    tow_cause cause;
    uint16_t code;      /* 1006: there was none */
    const char *reason; /* "" if none; lives as long as the socket */
} tow_websocket_ending;

struct tow_websocket { /* zeroed but `stream` and `user`, then filled by tow_websocket_start */
    union {
        tow_stream stream;
        void *carried; /* over another carrier: the carrier's own, in the place of a stream */
    };
    tow_timer timer;
    tow_receiver receiver;
    const tow_behaviour *behaviour;
    tow_websocket_context *context;
    void *user;
    union {
        void *opening;    /* CONNECTING: whatever the floor above has for the handshake */
        tow_tally *tally; /* then: NULL until something is carried, and where no tallies are kept */
    };
    struct tow_websocket_extra
        *extra; /* what only some connections need: queue, partial message, compressors, texts */
    union {
        uint32_t heard; /* OPEN: when something was received last, in milliseconds of the loop's time modulo
                           2^32; while reading is paused, how long it had been silent by then */
        tow_websocket_end end; /* closing, closed */
    };
    uint32_t stage : 4;        /* tow_stage: see stage.h */
    uint32_t flow : 2;         /* tow_flow */
    uint32_t above_high : 1;   /* the queue passed the high-water mark and is not below the low one yet */
    uint32_t sends_pieces : 1; /* of a message of which the last is still to be sent */
    uint32_t agreement : 9;    /* what compression agreed on, packed by compressing.c; 0: none */
    bool shut : 1;             /* our side of the stream was ended */
    bool ended : 1;            /* the peer ended its side */
    bool stream_closed : 1;    /* the stream was closed or reset: its on_closed is all that is to come */
    bool reading_paused : 1;   /* the stream is */
    bool delivering : 1;       /* inside the loop over what was received */
    bool pinged : 1;           /* a Ping was sent into this silence */
    bool gets_large : 1;       /* its last message was a large one: see assembly.c */
    uint32_t protocol : 7;     /* the subprotocol in use, a number of names.h; 0: none, or in the extra */
    bool lost : 1; /* bytes that should have been queued are lost for want of memory: the stream is of no use
                    */
};

/* The socket of a stream that a socket has. */
static inline tow_websocket *tow_websocket_of_stream(const tow_stream *stream) {
    return (tow_websocket *)((uintptr_t)stream - // NOLINT(performance-no-int-to-ptr)
                             offsetof(tow_websocket, stream));
}

/* And of its timer. */
static inline tow_websocket *tow_websocket_of_timer(const tow_timer *timer) {
    return (tow_websocket *)((uintptr_t)timer - // NOLINT(performance-no-int-to-ptr)
                             offsetof(tow_websocket, timer));
}

/* The opening handshake is done (for a server: its response's head was corked, and nothing else).
 * `socket->stream` is adopted or connected (of another carrier: zeroed), `protocol` (copied; length 0: none)
 * and `agreement` were negotiated, `socket->user` is set. Takes the stream's events over, runs on_open, then
 * treats `rest`, bytes that came behind the handshake (may be changed). Errors: MEMORY; the caller then
 * resets the stream. */
int tow_websocket_start(tow_websocket *socket, tow_websocket_context *context, const tow_behaviour *behaviour,
    tow_slice protocol, const tow_compression_agreement *agreement, uint8_t *rest, size_t rest_length);

/* For whoever owns an opening handshake: it is given up (CLOSING), and: it has failed and is over (CLOSED).
 */
void tow_websocket_give_up(tow_websocket *socket);
void tow_websocket_not_opened(tow_websocket *socket);

/* Whether tow_websocket_close was called. */
bool tow_websocket_was_asked_to_close(const tow_websocket *socket);

/* Makes the tally of a socket that has none, with room for a note. NULL without memory. */
tow_tally *tow_websocket_tally_new(tow_websocket *socket, size_t note_size);

/* What tow_websocket_close makes of its arguments. Errors: ARGUMENT. */
int tow_websocket_close_check(tow_role role, uint16_t code, const char *reason);

/* tow_websocket_close with arguments that are known to be good, for a cause that is not the application's. */
void tow_websocket_close_because(tow_websocket *socket, tow_cause cause, uint16_t code, const char *reason);

/* Fails the connection as RFC 6455, section 7.1.7 says: the cause's Close, then the end after a second at
 * most. The events come later, when the stream is closed; on_error unless `error` is 0. */
void tow_websocket_fail(tow_websocket *socket, tow_cause cause, int error);

/* As tow_websocket_send_shared, but while a message is being sent in pieces this one waits for its end. */
void tow_websocket_send_posted(tow_websocket *socket, tow_shared *shared);

/* Makes one shared message of two or more, which stay the caller's: sent, it is as these one behind the
 * other, but leaves in one write where their frames are the same for all. Any thread. Errors: MEMORY. */
int tow_shared_join(tow_shared **shared, tow_shared *const *parts, size_t count);

/* Bytes of the message itself, or of all that were joined. */
size_t tow_shared_length(const tow_shared *shared);

/* The message itself, of one. */
const void *tow_shared_data(const tow_shared *shared, size_t *length);

/* Ends our side, for behaviours with two ends: sends a Close (1000, or the answer to the peer's; or with a
 * code that is known to be good, 0 for none) behind what waits to be sent. Messages are still delivered, and
 * can be paused, until the peer's Close. No time runs against the peer meanwhile: tow_websocket_close makes
 * an end of that. */
void tow_websocket_shutdown(tow_websocket *socket);
void tow_websocket_shutdown_with(tow_websocket *socket, uint16_t code, const char *reason);

/* Ends the stream without a Close, behind what waits to be sent: on_close (1006) follows. */
void tow_websocket_hang_up(tow_websocket *socket);

/* Sends bytes as they are, which need be no frames, in the order of what is sent otherwise. They are not
 * counted as application data. Not over another carrier, nor with TOW_OVERFLOW_DROP_OLDEST. Errors: CLOSED,
 * MEMORY. */
int tow_websocket_send_bytes(tow_websocket *socket, const void *bytes, size_t length);

/* Of a byte stream's socket (tow_byte_stream_from_websocket), before tow_websocket_close: the line that has
 * begun ends here, as it does at the stream's own end. */
void tow_websocket_finish_text(tow_websocket *socket);

/* Ends it with RST: on_error (unless `error` is 0), on_close (1006) and the owner's `gone` follow in a later
 * round. */
void tow_websocket_abort(tow_websocket *socket, tow_cause cause, int error);

/* The same, and on_close comes in this call, as nobody would step the loop for it; `gone` does in a later
 * round. The socket must be open or closing, and may have been reset already. */
void tow_websocket_end_now(tow_websocket *socket);

/* Of a socket that is closed: from on_close on. */
tow_websocket_ending tow_websocket_how_it_ended(const tow_websocket *socket);

/* Whether somebody has retained a server's socket: in `gone` its memory must not go then. */
bool tow_websocket_is_retained(const tow_websocket *socket);

/* Frees what a socket holds, after `gone`. May be called twice; the getters answer for an empty socket then.
 */
void tow_websocket_clear(tow_websocket *socket);

#endif
