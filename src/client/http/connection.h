/* connection: one connection to a server over HTTP/1.1 as a client: reached, secured, then one request and
 * its response after the other. It knows nothing of pools and calls. */
#ifndef TOW_CLIENT_HTTP_CONNECTION_H
#define TOW_CLIENT_HTTP_CONNECTION_H

#include "base/ring.h"
#include "http/response_reader.h"
#include "transport/timer.h"
#include "way.h"

typedef struct tow_http_connection tow_http_connection;

typedef enum tow_http_state {
    TOW_HTTP_OPENING, /* the way to the server */
    TOW_HTTP_IDLE,    /* a request may be sent */
    TOW_HTTP_ASKED,   /* a request is on its way, or its response */
    TOW_HTTP_CLOSED   /* of no use: no callback comes any more, and the memory goes by itself */
} tow_http_state;

/* In all of them the connection may be closed. */
typedef struct tow_http_connection_events {
    /* It takes a request. */
    void (*on_ready)(tow_http_connection *connection);
    /* The head of the response is in `reader.head`, from where it may be taken. */
    void (*on_head)(tow_http_connection *connection);
    /* A piece of its body, borrowed. */
    void (*on_piece)(tow_http_connection *connection, tow_slice piece);
    /* The response is whole. The connection is IDLE, or CLOSED if it can't be used again. */
    void (*on_answered)(tow_http_connection *connection);
    /* It is CLOSED; `text` says why in one line that names the host. `has_answered` and `sent` tell how far
     * the request got, if there is one. */
    void (*on_failed)(tow_http_connection *connection, int error, const char *text);
} tow_http_connection_events;

/* What is asked; the bytes are borrowed until the response is whole or the connection CLOSED. */
typedef struct tow_http_question {
    uint8_t *bytes; /* head and body; not changed */
    size_t length;
    bool is_head; /* the method is HEAD */
    tow_response_limits limits;
} tow_http_question;

struct tow_http_connection { /* the pool reads the state, and how far the request got */
    tow_http_way way;        /* first, with the stream */
    tow_http_state state;
    tow_loop *loop;
    const tow_http_connection_events *events;
    tow_timer timer;   /* until it is ready, or given up as idle */
    int limit_seconds; /* for what the timer is for */
    tow_http_question question;
    size_t sent;
    tow_response_reader reader;
    unsigned answers;  /* responses so far */
    bool has_answered; /* a byte of the response has come */
    /* notes of the pool that it is in, which alone looks at them */
    tow_ring in_client;
    struct tow_http_client *client;
    struct tow_http_host *host;
    struct tow_http_call *call; /* which it has a request from, or is opened for; NULL: it is idle */
};

/* Begins to connect; on_ready follows, or on_failed. The place is borrowed until the connection is CLOSED.
 * Errors: ADDRESS, MEMORY, SYSTEM. */
int tow_http_connection_open(tow_http_connection **connection, tow_loop *loop, const tow_http_place *place,
    int connect_seconds, const tow_http_connection_events *events);

/* The connection is IDLE: whether the server has neither said anything nor ended it, as far as the system
 * knows by now. */
bool tow_http_connection_is_quiet(tow_http_connection *connection);

/* The connection is IDLE: sends a request. */
void tow_http_connection_ask(tow_http_connection *connection, const tow_http_question *question);

/* It is IDLE: after so long on_failed comes (TIMED_OUT); TOW_OFF: never. */
void tow_http_connection_limit_idleness(tow_http_connection *connection, int seconds);

/* Makes it CLOSED. */
void tow_http_connection_close(tow_http_connection *connection);

#endif
