/* visit: one HTTP request of a session, wherever its connection lives. The worker that got it (home) has
 * taken what is needed out of its head, and its body; the session's worker answers, perhaps later. Where the
 * two are not the same, letters go between them. */
#ifndef TOW_HANDLER_SESSION_VISIT_H
#define TOW_HANDLER_SESSION_VISIT_H

#include "base/buffer.h"
#include "server/carried.h"

#include <stdatomic.h>
#include <towline/server.h>

typedef struct tow_session_visit tow_session_visit;

/* The answer; a field is set before it. */
typedef struct tow_session_visit_answer {
    int status;
    const char *type; /* a text that stays */
    const void *body;
    size_t length;
} tow_session_visit_answer;

struct tow_session_visit {
    /* The caller's to fill before tow_session_visit_begin. */
    tow_server *server;
    void *context;
    void (*serve)(tow_session_visit *visit); /* called on the session's worker: answers, or keeps it */
    tow_websocket_id id;                     /* of the session that is meant, or 0 */
    char name[64];                           /* what else says which */
    int kind;
    uint64_t number;
    bool has_number;
    tow_buffer body;
    /* Set by `serve` that keeps it: the client has left, and the visit is not to be used any more. */
    void (*on_gone)(tow_session_visit *visit, void *user);
    void *user;
    /* Private: */
    size_t home, away;      /* workers */
    tow_exchange *exchange; /* at home, until it is answered or gone */
    tow_letter letter;      /* to the session's worker */
    tow_letter farewell;    /* the same, when the client has left */
    bool answered;          /* there */
    bool bounced;           /* there: the client is told to try again */
    atomic_int holders;
};

/* Zeroed but for what it holds; the caller's until it is begun; NULL without memory. */
tow_session_visit *tow_session_visit_new(void);

/* At home, with the exchange in a callback of it: the session's worker serves the visit, in this call if it
 * is this one. It is not the caller's any more. False: no letter can be left for that worker now; the caller
 * answers the exchange. */
bool tow_session_visit_begin(tow_session_visit *visit, tow_exchange *exchange, size_t away);

/* On the session's worker, once: answers; the visit is not to be used afterwards. Errors: MEMORY, QUEUE_FULL
 * (no letter can be left for home): the client is answered with 503, or what had begun is broken off. */
int tow_session_visit_answer_with(tow_session_visit *visit, const tow_session_visit_answer *answer);

/* The same in pieces: with 200 and a type, then what there is to say, then the end, after which the visit is
 * not to be used. A client that leaves meanwhile is told of by on_gone. Errors: the same; it is broken off
 * then. */
int tow_session_visit_open(tow_session_visit *visit, const char *type);
int tow_session_visit_write(tow_session_visit *visit, const void *data, size_t length);
int tow_session_visit_end(tow_session_visit *visit);

/* For the two workers: one holder more. */
tow_session_visit *tow_session_visit_hold(tow_session_visit *visit);

/* Frees one that was not begun. NULL is allowed. */
void tow_session_visit_release(tow_session_visit *visit);

#endif
