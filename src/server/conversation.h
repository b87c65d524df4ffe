/* conversation: HTTP/1.1 on one connection: requests in, answers out, in order; ends, or becomes a WebSocket.
 *
 * The exchange (server/exchange.h) is the request under way and its answer; there is one struct for all of a
 * connection's, one after the other. Requests are read from the loop's memory where they come whole, and kept
 * where they do not. */
#ifndef TOW_SERVER_CONVERSATION_H
#define TOW_SERVER_CONVERSATION_H

#include "slot.h"
#include "http/body.h"
#include "http/head.h"
#include "output.h"
#include "request.h"
#include "transport/progress.h"

typedef enum tow_conversation_state {
    TOW_WAITING,    /* for a request: nothing of it has come */
    TOW_HEAD,       /* a head has come in part */
    TOW_BODY,       /* the handler wants the body */
    TOW_WORKING,    /* the handler goes on with its answer in each turn; nothing is read meanwhile */
    TOW_ANSWERING,  /* the answer is on its way; nothing is read meanwhile */
    TOW_DISCARDING, /* answered: the rest of the request's body is read and dropped */
    TOW_LINGERING,  /* our side has ended; what comes is dropped, so that no reset overtakes the answer */
    TOW_OVER        /* the stream is closing, or is a WebSocket's now */
} tow_conversation_state;

/* What trusted proxies say (visitor.h). */
typedef struct tow_visitor {
    tow_address hop;        /* by a PROXY header; length 0: none, the stream's peer counts */
    const char *hop_scheme; /* "http", "https", or NULL: not known */
    tow_address address;    /* of the request's client; length 0: the stream's peer */
    const char *scheme;     /* of the request; the same */
    tow_address peer;       /* the stream's, once somebody has asked */
    tow_slice host; /* that the client asked for, in the request's bytes; data is NULL: as Host says */
} tow_visitor;

struct tow_exchange {
    tow_connection *connection;
    tow_timer timer;
    int64_t deadline;      /* INT64_MAX: none */
    int64_t armed;         /* for when the timer is set */
    tow_progress progress; /* of what was said, since the state began */
    int64_t begun;         /* accepted, or the first byte of the request under way */
    tow_buffer input;      /* what came and could not be used yet */
    size_t scanned;
    tow_output output;

    /* the request under way */
    const tow_route *route; /* NULL: none found */
    tow_request *request;   /* while it is lent to callbacks */
    tow_buffer fields;      /* header fields for the answer, as they will be sent */
    tow_body_reader reader;
    tow_buffer body;
    size_t body_limit;
    void (*on_body)(tow_exchange *exchange, void *user, const void *body, size_t length);
    void *body_user;
    tow_exchange_work work; /* `step` is NULL: none, or it is done */
    uint64_t dropped;       /* bytes of the body, or behind the end, that were read and dropped */

    tow_visitor visitor;
    uint8_t state;
    bool introduced; /* no PROXY header is to come (any more) */
    bool in_handler; /* on_request or on_body runs */
    bool answered;
    bool wants_body;
    bool is_head; /* HEAD: the answer has no body */
    bool is_old;  /* HTTP/1.0 */
    bool keeps_alive;
    bool expects_continue;
    bool has_body;   /* not read to its end */
    bool peer_ended; /* no more bytes will come */
    bool paused;
    bool upgraded;
    bool yielded;                    /* goes on in on_turn */
    uint32_t round;                  /* of the loop, of which `turn` is a share */
    int turn;                        /* what may be done in it still: requests, and pieces of bodies */
    uint32_t served;                 /* requests that were answered */
    char peer[TOW_ADDRESS_TEXT_MAX]; /* "" until somebody asks */
    const char *limit;               /* the option of a limit that was reached, until the log has it */
    char method[16];                 /* for the log; "" when there is no request */
    char path[240];                  /* without the query, in which secrets may be; the same */
};

/* Begins with a stream that was adopted with tow_conversation_events. */
extern const tow_stream_events tow_conversation_events;

/* Errors: MEMORY. */
int tow_conversation_new(tow_exchange **exchange, tow_connection *connection);

/* Frees it; the stream is closed or a WebSocket's. */
void tow_conversation_free(tow_exchange *exchange);

/* Over the limit of this option: answers 503 without waiting for a request. */
void tow_conversation_refuse_all(tow_exchange *exchange, const char *option);

/* Ends it when no request is under way; the one under way is the last. */
void tow_conversation_drain(tow_exchange *exchange);

/* Ends it with a reset; on_closed follows. */
void tow_conversation_reset(tow_exchange *exchange);

/* The client's address; length 0: not known. */
const tow_address *tow_conversation_address(tow_exchange *exchange);

/* Its text. */
const char *tow_conversation_peer(tow_exchange *exchange);

static inline tow_stream *tow_conversation_stream(tow_exchange *exchange) {
    return tow_connection_stream(exchange->connection);
}

static inline tow_server *tow_conversation_server(tow_exchange *exchange) {
    return tow_connection_worker(exchange->connection)->server;
}

#endif
