/* http1_state: where a connection of HTTP/1.1 is, how long it may be there, and its ends.
 *
 * There is one exchange for all of a connection's requests, one after the other. Requests are read from the
 * loop's memory where they come whole, and kept where they do not. */
#ifndef TOW_SERVER_HTTP1_STATE_H
#define TOW_SERVER_HTTP1_STATE_H

#include "exchange_state.h"
#include "http/body.h"
#include "output.h"
#include "transport/progress.h"

typedef enum tow_http1_step {
    TOW_HTTP1_WAITING,    /* for a request: nothing of it has come */
    TOW_HTTP1_HEAD,       /* a head has come in part */
    TOW_HTTP1_BODY,       /* the handler wants the body */
    TOW_HTTP1_RAW,        /* the handler wants bytes that follow the head, as they are */
    TOW_HTTP1_WORKING,    /* the handler goes on with its answer in each turn; nothing is read meanwhile */
    TOW_HTTP1_KEPT,       /* the handler answers later; the same */
    TOW_HTTP1_ANSWERING,  /* the answer is on its way; nothing is read meanwhile */
    TOW_HTTP1_DISCARDING, /* answered: the rest of the request's body is read and dropped */
    TOW_HTTP1_LINGERING,  /* our side has ended; what comes is dropped, so that no reset overtakes the answer
                           */
    TOW_HTTP1_OVER        /* the stream is closing, or is a WebSocket's now */
} tow_http1_step;

/* What has come and was not used yet. */
typedef struct tow_http1_input {
    uint8_t *bytes;
    size_t length;
} tow_http1_input;

struct tow_http1 {
    tow_exchange exchange;             /* first: the request under way and its answer */
    void (*on_time)(tow_http1 *http1); /* the state's time is over */
    tow_timer timer;
    int64_t deadline;      /* when the state is over, or somebody has to look; INT64_MAX: never */
    int64_t armed;         /* for when the timer is set */
    int64_t end;           /* of what the peer has for its part in the state; INT64_MAX: none */
    int64_t stands;        /* since when that time stands still, while `paused` */
    tow_progress progress; /* of what was said, since it waits */
    int64_t begun;         /* accepted, or the first byte of the request under way */
    int64_t asked;         /* since when the handler has what there is of the request under way; INT64_MAX: it
                              waits for the body */
    tow_buffer input;      /* what came and could not be used yet */
    size_t scanned;
    tow_output output;
    tow_body_reader reader; /* of the body of the request under way */
    tow_http1_input rest;   /* while a head is dispatched: what came behind it */
    uint64_t dropped;       /* bytes of the body, or behind the end, that were read and dropped */
    uint8_t state;          /* tow_http1_step */
    bool is_old;            /* HTTP/1.0 */
    bool is_chunked;        /* the answer's body */
    bool keeps_alive;
    bool expects_continue;
    bool peer_ended; /* no more bytes will come */
    bool fin;        /* the same, but for what was not read yet */
    bool paused;     /* nothing is read */
    bool upgraded;
    bool yielded;    /* goes on in on_turn */
    uint32_t round;  /* of the loop, of which `turn` is a share */
    int turn;        /* what may be done in it still: requests, and pieces of bodies */
    uint32_t served; /* requests that were answered */
};

static inline tow_stream *tow_http1_stream(tow_http1 *http1) {
    return tow_connection_stream(http1->exchange.visitor.connection);
}

static inline tow_worker *tow_http1_worker(const tow_http1 *http1) {
    return tow_exchange_worker(&http1->exchange);
}

static inline tow_loop *tow_http1_loop(const tow_http1 *http1) {
    return tow_http1_worker(http1)->loop;
}

/* For the peer's end, after ours. */
enum { TOW_HTTP1_LINGER_SECONDS = 1 };

/* The only function that changes the state, but for the upgrade. Its time begins, unless it was this state
 * before. */
void tow_http1_enter(tow_http1 *http1, tow_http1_step state);

/* Enters what the handler wants now that it has returned, or has said something later. */
void tow_http1_follow(tow_http1 *http1);

/* Whether the peer has not taken all that was said: it waits in the output, or below, where TLS keeps what
 * the kernel did not take. Then nothing is read and no request is begun, so that of what a peer sends who
 * takes no answers no more is kept than a read brought. */
bool tow_http1_is_blocked(tow_http1 *http1);

/* Reads no more, or again: the peer's time stands still meanwhile. */
void tow_http1_set_paused(tow_http1 *http1, bool paused);

/* Something begins to wait for the peer, or the peer has taken something: the time for a stall begins. */
void tow_http1_begin_waiting(tow_http1 *http1);
void tow_http1_moved(tow_http1 *http1);

/* The peer has sent so much of a body: it has that much more time. */
void tow_http1_extend(tow_http1 *http1, size_t length);

/* When the state's time is over, the peer's or the handler's; INT64_MAX: it has none. */
int64_t tow_http1_time(const tow_http1 *http1);

/* Makes the deadline of all these times, and sets the timer. */
void tow_http1_arm(tow_http1 *http1);

/* A connection has a share of each round of the loop: what is left to do then is done in the next. Begins a
 * turn if this round has seen none, and ends it: the latter returns false, for the step that ends with it. */
void tow_http1_begin_turn(tow_http1 *http1);
bool tow_http1_yield(tow_http1 *http1);

/* Ends: in order, with a reset, and with a reset for want of memory, which is counted. */
void tow_http1_close(tow_http1 *http1);
void tow_http1_reset(tow_http1 *http1);
void tow_http1_out_of_memory(tow_http1 *http1);

#endif
