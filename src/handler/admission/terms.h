/* terms: what a guard goes by: settings, and what their files say. Made whole and replaced whole; what in it
 * comes from files may be read again. Whoever uses some holds a reference, from any thread. They are made and
 * released as handler/guard.h says. */
#ifndef TOW_HANDLER_ADMISSION_TERMS_H
#define TOW_HANDLER_ADMISSION_TERMS_H

#include "handler/guard.h"
#include "token_list.h"
#include "users.h"

struct tow_terms {
    tow_guard_settings settings; /* with copies of the texts */
    tow_users *users;            /* NULL: no passwords */
    tow_token_list *tokens;      /* NULL: none */
    atomic_int holders;
};

tow_terms *tow_terms_retain(tow_terms *terms);

/* The same settings with what the files say now. Of a file that is wrong what it said before stays, and
 * `complain` gets a line. NULL without memory, which it is told as well. */
tow_terms *tow_terms_renew(
    const tow_terms *before, void (*complain)(void *user, const char *line), void *user);

/* Whether anybody is asked for anything. */
bool tow_terms_ask(const tow_guard_settings *settings);

#endif
