/* asker: asks a back end by HTTP whether a request may come in. All questions of a server go out from its
 * first loop; how many are under way is bounded. */
#ifndef TOW_HANDLER_ASKER_H
#define TOW_HANDLER_ASKER_H

#include "handler/kind.h"

enum { TOW_ASKER_WAITING_MAX = 256, TOW_ASKER_SECONDS = 10 };

typedef struct tow_asker tow_asker;
typedef struct tow_question tow_question;

/* What came of a question; borrowed. */
typedef struct tow_verdict {
    int error;               /* 0, or why there is no answer: a tow_error */
    int status;              /* of the answer */
    const char *const *asks; /* values of its WWW-Authenticate fields; ends with NULL */
} tow_verdict;

typedef void (*tow_on_verdict)(void *user, const tow_verdict *verdict);

/* The place has a loop. Errors: MEMORY. */
int tow_asker_new(tow_asker **asker, const tow_handler_place *place);

/* On the first loop's thread, which does not run any more; the server is not freed yet. */
void tow_asker_end(tow_asker *asker);

/* When the loops are gone. NULL is allowed. */
void tow_asker_free(tow_asker *asker);

/* Asks about a request of a connection on `home`, where `on_verdict` comes, once, and the question is gone
 * then. Any thread. Errors: LIMIT (too many wait), MEMORY. */
int tow_asker_ask(tow_question **question, tow_asker *asker, const char *url, int seconds,
    const tow_request *request, tow_loop *home, tow_on_verdict on_verdict, void *user);

/* Nobody wants to know any more: for the thread of `home`, before on_verdict. */
void tow_question_forget(tow_question *question);

#endif
