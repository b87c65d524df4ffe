/* exchange: one HTTP request and its answer, of any version of HTTP: what handlers call (server/exchange.h,
 * towline/server.h) comes out as calls of a table that the version implements.
 *
 * It knows neither how the request came nor what the answer looks like on the wire. */
#ifndef TOW_SERVER_EXCHANGE_STATE_H
#define TOW_SERVER_EXCHANGE_STATE_H

#include "access_log.h"
#include "base/buffer.h"
#include "request.h"
#include "server/exchange.h"
#include "websocket/unfinished.h"

struct tow_upgrade;

/* What an answer's head says, beside the fields that were added. */
typedef struct tow_answer_head {
    int status;       /* 200 to 999 */
    const char *type; /* Content-Type, or NULL */
    int64_t length;   /* of the body, or TOW_LENGTH_UNKNOWN */
} tow_answer_head;

/* What a version of HTTP does. */
typedef struct tow_exchange_class {
    /* Writes the head, if it is not NULL, and a piece of the body. Errors: ARGUMENT, MEMORY; nothing is
     * written then. */
    int (*write)(tow_exchange *exchange, const tow_answer_head *head, const void *body, size_t length);
    /* The body that was written in pieces is whole. Errors: MEMORY. */
    int (*end)(tow_exchange *exchange);
    /* Sends bytes ahead of the head, as they are. Errors: MEMORY. */
    int (*write_bytes)(tow_exchange *exchange, const void *bytes, size_t length);
    /* Nothing follows: what was sent is all. */
    void (*end_all)(tow_exchange *exchange);
    /* Bytes that wait to be sent. */
    size_t (*buffered)(const tow_exchange *exchange);
    /* The body follows from a source, which is the version's from now on. */
    void (*pull)(tow_exchange *exchange, const tow_body_source *source, uint64_t length);
    /* Something was said outside of the handler's callbacks: it leaves in one of the next rounds. */
    void (*go_on)(tow_exchange *exchange);
    /* Breaks it off: the peer gets no (further) answer. `over` is set. */
    void (*reset)(tow_exchange *exchange);
    /* Turns it into a WebSocket, with what was agreed. Afterwards it is over. Errors: ARGUMENT (the answer is
     * too long; nothing was said), CLOSED, MEMORY, SYSTEM: it is broken off. */
    int (*upgrade)(tow_exchange *exchange, const struct tow_upgrade *upgrade);
} tow_exchange_class;

/* Whether the route's on_admit decides on the request. */
typedef enum tow_admission_state {
    TOW_ADMISSION_NONE,  /* it does not, or has refused */
    TOW_ADMISSION_ASKED, /* it has the exchange, perhaps for later */
    TOW_ADMISSION_GIVEN  /* it was let in, and goes on as soon as it may */
} tow_admission_state;

struct tow_exchange { /* zeroed, then tow_exchange_init */
    const tow_exchange_class *class;
    tow_visitor visitor;
    tow_access_log log;
    struct tow_entrance *entrance; /* by which it came to that route; NULL: by none */
    const tow_route *route;        /* held, until another takes its place; NULL: none found */
    tow_request *request;          /* while it is lent to callbacks, then `copy` */
    tow_request *copy;             /* of an exchange that was kept, or waits for its body; else NULL */
    tow_exchange_events events;
    tow_exchange_events admitted; /* of who was let in at an entrance, until the socket opens */
    tow_buffer fields;            /* header fields for the answer, as HTTP/1.1 sends them */
    tow_buffer body;
    tow_unfinished_part held; /* of that body, in the worker's sums */
    size_t body_limit;
    void (*on_body)(tow_exchange *exchange, void *user, const void *body, size_t length);
    /* instead of it: the body comes in pieces */
    void (*on_piece)(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last);
    void *body_user;
    size_t raw_wanted; /* of bytes behind the head, which on_raw gets */
    void (*on_raw)(tow_exchange *exchange, void *user, const void *bytes, size_t length);
    int64_t left;           /* of the body of an answer in pieces; TOW_LENGTH_UNKNOWN: that is not known */
    tow_exchange_work work; /* `step` is NULL: none, or it is done */
    tow_admission_state admission;
    tow_slice protocol; /* of an opening handshake that was let in, in the request's bytes; data is NULL: to
                           be chosen */
    bool opens;         /* an opening handshake */
    bool begins;        /* let in at an entrance as the beginning of a session */
    bool enters;        /* one that goes on as a WebSocket of its entrance */
    bool uncompressed;  /* the handler wants no extension */
    bool in_handler;    /* a callback of the handler runs */
    bool answered;
    bool kept;        /* by the handler, which has not said all */
    bool in_pieces;   /* the answer was begun, and not ended */
    bool has_content; /* which is sent */
    bool above_high;  /* more than high_mark waited, and on_drain has not come since */
    bool wants_body;
    bool wanted_body; /* at some time */
    bool body_paused;
    bool has_body; /* of which not all has come */
    bool is_head;  /* HEAD: the answer has no body */
    bool is_typed; /* `fields` have a Content-Type */
    bool is_last;  /* the connection ends with this answer, if it was made for it alone */
    bool over;     /* nothing more can be said: reset, or a WebSocket by now */
};

void tow_exchange_init(tow_exchange *exchange, const tow_exchange_class *class, tow_connection *connection);

/* Frees what it holds; a second call does nothing. */
void tow_exchange_clear(tow_exchange *exchange);

/* A request has come. */
void tow_exchange_start(tow_exchange *exchange, const tow_http_head *head);

/* The answer is out: frees the work, and the copy of the request, if there were any. */
void tow_exchange_finish(tow_exchange *exchange);

/* The handler's callback has returned, and may go on later: the request is copied. Errors: MEMORY. */
int tow_exchange_copy_request(tow_exchange *exchange);

/* A part of the body that is wanted whole has come. Refuses one that is too large, or for which there is no
 * room: a limit of the server's, or memory. */
void tow_exchange_take_body(tow_exchange *exchange, tow_slice part);

/* One that is announced to be larger than the handler takes is refused at once. */
void tow_exchange_refuse_body(tow_exchange *exchange);

/* Counts so many bytes as held of it. Returns the limit that they pass, or TOW_CAUSE_COUNT. */
tow_cause tow_exchange_hold(tow_exchange *exchange, size_t bytes);

/* Frees it. */
void tow_exchange_drop_body(tow_exchange *exchange);

/* There will be no answer: whoever kept it is told, once. */
void tow_exchange_tell_gone(tow_exchange *exchange);

/* The peer has ended its side: the same. */
void tow_exchange_tell_end(tow_exchange *exchange);

/* The server drains: the same. */
void tow_exchange_tell_stop(tow_exchange *exchange);

/* The same when less waits to be sent than after too much had. */
void tow_exchange_tell_drain(tow_exchange *exchange);

/* Writes the head of the answer, and what there is of its body. Errors: as the class's `write`. */
int tow_exchange_write_head(
    tow_exchange *exchange, const tow_answer_head *head, const void *body, size_t length);

/* Whether the handler may speak now: 0, STATE or CLOSED. */
int tow_exchange_check_turn(const tow_exchange *exchange);

/* It has said something: outside of its callbacks that leaves, or goes on, in one of the next rounds. */
void tow_exchange_go_on(tow_exchange *exchange);

/* The same as tow_exchange_field, for the server itself. */
int tow_exchange_add_field(tow_exchange *exchange, const char *name, const char *value);

/* The answer's fields are those of the route, and no others. Errors: MEMORY. */
int tow_exchange_begin_fields(tow_exchange *exchange);

/* The server answers with one line of text that says what is wrong; the connection ends after it. What is
 * longer than TOW_REFUSAL_MAX bytes is cut, and the log says so. What the handler has added for its answer
 * does not go along. `advice` (may be NULL) is for the log only. Without memory for all that the exchange is
 * reset. */
enum { TOW_REFUSAL_MAX = 1000 };
void tow_exchange_refuse(tow_exchange *exchange, int status, const char *text, const char *advice);

/* The same with one field more. */
void tow_exchange_refuse_with(
    tow_exchange *exchange, int status, const char *text, const char *name, const char *value);

/* Without memory for what comes next: counts that, and answers 503, or resets one that is answered already;
 * whoever kept it is told. */
void tow_exchange_refuse_for_memory(tow_exchange *exchange);

/* Without memory: counts that, and resets it. */
void tow_exchange_fail(tow_exchange *exchange);

static inline void tow_exchange_break_off(tow_exchange *exchange) {
    exchange->class->reset(exchange);
}

static inline tow_worker *tow_exchange_worker(const tow_exchange *exchange) {
    return tow_connection_worker(exchange->visitor.connection);
}

static inline tow_server *tow_exchange_server(const tow_exchange *exchange) {
    return tow_exchange_worker(exchange)->server;
}

static inline tow_server_counters *tow_exchange_counters(const tow_exchange *exchange) {
    return &tow_exchange_worker(exchange)->counters;
}

/* The route's, or the server's where there is none. */
static inline const tow_limits *tow_exchange_limits(const tow_exchange *exchange) {
    return exchange->route != NULL ? &exchange->route->behaviour.limits
                                   : &tow_exchange_server(exchange)->settings.limits;
}

#endif
