/* checker: checks passwords on a thread of its own, one after another, so that no worker stands still for a
 * hash. The thread is made for the first question; how many wait is bounded. */
#ifndef TOW_HANDLER_ADMISSION_CHECKER_H
#define TOW_HANDLER_ADMISSION_CHECKER_H

#include "users.h"

#include <towline/loop.h>

enum { TOW_CHECKER_WAITING_MAX = 64, TOW_CHECKER_CLIENT_MAX = 8 /* of one client */ };

typedef struct tow_checker tow_checker;
typedef struct tow_check tow_check; /* a question */

/* Errors: MEMORY. */
int tow_checker_new(tow_checker **checker);

/* When no loop that was given runs any more. NULL is allowed. */
void tow_checker_free(tow_checker *checker);

/* Asks for this client (0: nobody knows whom) whether the list has the user with the password; copies and
 * holds what it needs. `on_checked` comes on the loop, once, and the question is gone then. Any thread.
 * Errors: LIMIT (too many wait), SYSTEM (no thread), MEMORY. */
typedef void (*tow_on_checked)(void *user, bool is_good);
int tow_checker_ask(tow_check **check, tow_checker *checker, tow_users *users, uint64_t client,
    tow_slice name, tow_slice password, tow_loop *loop, tow_on_checked on_checked, void *user);

/* Nobody wants to know any more: for the thread of the loop, before on_checked. */
void tow_check_forget(tow_check *check);

#endif
