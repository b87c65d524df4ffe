/* asker: asks a back end by HTTP what may be. All questions of an asker go out from the server's first loop;
 * how many wait is bounded, and how many of one client, of whom others need not wait for an answer. */
#ifndef TOW_HANDLER_ASKER_H
#define TOW_HANDLER_ASKER_H

#include "handler/kind.h"

enum { TOW_ASKER_WAITING_MAX = 256, TOW_ASKER_CLIENT_MAX = 64 /* of one client */, TOW_ASKER_SECONDS = 10 };

typedef struct tow_asker tow_asker;
typedef struct tow_question tow_question;

/* What came of a question; borrowed. */
typedef struct tow_verdict {
    int error;               /* 0, or why there is no answer: a tow_error */
    int status;              /* of the answer */
    const char *const *asks; /* values of its WWW-Authenticate fields; ends with NULL */
    const char *body;        /* where it was wanted */
    size_t length;
} tow_verdict;

typedef void (*tow_on_verdict)(void *user, const tow_verdict *verdict);

/* The place has a loop. `option` says who is asked, in the log; it outlives the asker. Errors: MEMORY. */
int tow_asker_new(tow_asker **asker, const tow_handler_place *place, const char *option);

/* On the first loop's thread, which does not run any more; the server is not freed yet. */
void tow_asker_end(tow_asker *asker);

/* When the loops are gone. NULL is allowed. */
void tow_asker_free(tow_asker *asker);

typedef struct tow_question_options {
    const char *url;
    int seconds; /* for an answer; 0: default */
    bool wants_body;
    uint64_t client; /* for whom (tow_exchange_client); 0: nobody knows */
    tow_loop *home;  /* where on_verdict comes */
    tow_on_verdict on_verdict;
    void *user;
} tow_question_options;

/* Asks by a GET with these fields (inquiry.h), which are the question's from the call on, also when it fails;
 * NULL stands for no memory. `on_verdict` comes once, and the question is gone then. Any thread. Errors:
 * LIMIT (too many wait, or of this client), MEMORY. */
int tow_asker_ask(
    tow_question **question, tow_asker *asker, const tow_question_options *options, tow_header_field *fields);

/* Nobody wants to know any more: for the thread of `home`, before on_verdict. */
void tow_question_forget(tow_question *question);

#endif
