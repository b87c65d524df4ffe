/* polling: the requests of a session of Engine.IO: the one that begins it, polls one after the other, and
 * posts one after the other. Between our own ends it numbers them, and repeats what was cut. It owns what is
 * under way, and knows nothing of packets.
 *
 * No callback runs inside a call of a function here; it may be stopped in each. */
#ifndef TOW_CLIENT_FALLBACK_POLLING_H
#define TOW_CLIENT_FALLBACK_POLLING_H

#include "client/http_client.h"
#include "opened.h"
#include "target.h"
#include "transport/timer.h"

typedef struct tow_polling tow_polling;

typedef struct tow_polling_events {
    /* The request that was to begin the session is over, however. */
    void (*on_begun)(tow_polling *polling, tow_http_call *call, const tow_http_result *result);
    /* The answer to a poll, which is the callee's. No poll is under way now. */
    void (*on_answer)(tow_polling *polling, tow_buffer *answer);
    /* What was posted is taken. */
    void (*on_posted)(tow_polling *polling);
    /* The session is lost, as `text` says in one line. It is stopped. */
    void (*on_lost)(tow_polling *polling, int error, const char *text);
} tow_polling_events;

/* A request, again and again until it is answered. */
typedef struct tow_asking {
    tow_polling *polling;
    tow_http_call *call;   /* under way, or NULL */
    tow_timer timer;       /* to ask once more */
    int64_t failing_since; /* 0: it is not */
} tow_asking;

struct tow_polling { /* embedded; zeroed: stopped */
    tow_loop *loop;
    const tow_polling_events *events;
    const tow_target *target; /* borrowed */
    tow_http_client *client;
    const char *unix_path; /* borrowed */
    tow_http_call *beginning;
    char peer[TOW_ADDRESS_TEXT_MAX]; /* that has answered it */
    tow_opened opened;               /* set by tow_polling_go_on */
    int64_t max_answer;
    tow_asking poll, post;
    tow_http_call *sign; /* of life, whose answer does not count */
    tow_buffer body;     /* of the post under way */
    uint64_t answers;    /* that were had whole */
    uint64_t posts;      /* that were taken */
};

/* Asks for a session. `options` are those of its HTTP client. Errors: as tow_http_call_start and
 * tow_http_client_new. */
int tow_polling_begin(tow_polling *polling, tow_loop *loop, const tow_target *target,
    const tow_http_client_options *options, const char *unix_path, const tow_polling_events *events);

/* In on_begun: there is one. Answers have at most so many bytes, or TOW_OFF. */
void tow_polling_go_on(tow_polling *polling, const tow_opened *opened, int64_t max_answer);

/* Begins to poll, unless it does. */
void tow_polling_ask(tow_polling *polling);
bool tow_polling_is_asking(const tow_polling *polling);

/* Gives a poll up that was cut, and is about to be repeated. */
void tow_polling_ask_no_more(tow_polling *polling);

/* Between our own ends: asks for the last answer once more, for nothing but that the session stays. */
void tow_polling_show_life(tow_polling *polling);

/* Posts the body, which it takes. None must be under way. */
void tow_polling_post(tow_polling *polling, tow_buffer *body);
bool tow_polling_is_posting(const tow_polling *polling);

/* Ends everything. A second time does nothing. */
void tow_polling_stop(tow_polling *polling);

#endif
