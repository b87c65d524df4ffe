/* guard: who may come in by what they know: asks for credentials before any handler, of whatever kind, gets a
 * request or an opening handshake.
 *
 * An admission is what all guards of a server share: the thread that checks passwords, the memory of good
 * ones, and the client that asks back ends. A guard is what one list of settings says. It is put before a
 * handler by tow_guard_dress, and then asks first; the handler's own on_admit has its say afterwards. */
#ifndef TOW_HANDLER_GUARD_H
#define TOW_HANDLER_GUARD_H

#include "handler/kind.h"

#include <string.h>

#define TOW_GUARD_OFF "off"

/* NULL: not asked for; "off": the same, said aloud. Texts are copied. */
typedef struct tow_guard_settings {
    const char *basic_auth;   /* a file with users and hashes */
    const char *bearer_token; /* a file with tokens */
    const char *auth_url;     /* a back end that is asked by HTTP, instead of both */
    int auth_seconds;         /* that it has to answer; 0: default */
    const char *auth_cookie;  /* the name of a cookie that may have credentials */
} tow_guard_settings;

extern const tow_option tow_guard_rows[];

typedef struct tow_admission tow_admission;
typedef struct tow_guard tow_guard;

/* Errors: MEMORY, SYSTEM (no random numbers). */
int tow_admission_new(tow_admission **admission, const tow_handler_place *place);

/* On the thread of the server's first loop, which does not run any more: before the server is freed. NULL is
 * allowed. */
void tow_admission_end(tow_admission *admission);

/* When the server and all its guards are gone. NULL is allowed. */
void tow_admission_free(tow_admission *admission);

/* Whether such a text asks for something. */
static inline bool tow_guard_is_said(const char *text) {
    return text != NULL && strcmp(text, TOW_GUARD_OFF) != 0;
}

/* Whether any of the settings says who may come in, "off" as well. */
bool tow_guard_settings_say(const tow_guard_settings *settings);

/* Of settings that do not contradict each other. Held by the caller; NULL where nobody is to be asked.
 * Errors: ARGUMENT, MEMORY, SYSTEM, UNSUPPORTED; `why` then says what is wrong. */
int tow_guard_new(tow_guard **guard, tow_admission *admission, const tow_guard_settings *settings,
    char why[TOW_HANDLER_TEXT_MAX]);

/* The same, but where nobody is to be asked there is one that lets in until it gets other terms. */
int tow_guard_new_open(tow_guard **guard, tow_admission *admission, const tow_guard_settings *settings,
    char why[TOW_HANDLER_TEXT_MAX]);

/* Other settings, with what their files say: made first, so that what is wrong with them changes nothing;
 * then taken by a guard for who comes from then on, or released. Errors: as tow_guard_new. */
typedef struct tow_terms tow_terms;
int tow_terms_new(tow_terms **terms, const tow_guard_settings *settings, char why[TOW_HANDLER_TEXT_MAX]);
void tow_terms_release(tow_terms *terms); /* NULL is allowed */
void tow_guard_take(tow_guard *guard, tow_terms *terms);

/* NULL is allowed in both. */
tow_guard *tow_guard_retain(tow_guard *guard);
void tow_guard_release(tow_guard *guard);

/* Reads its files again: what is wrong with one is logged, and what was read before stays. NULL is allowed.
 */
void tow_guard_reload(tow_guard *guard);

/* A handler as it was before a guard stood before it. */
typedef struct tow_guarded {
    tow_guard *guard;
    void (*on_admit)(tow_exchange *exchange, const tow_request *request);
    void *user;
    void (*on_free)(void *user);
    void *free_user;
} tow_guarded;

/* Has the guard stand before it. Its `user` is what `guarded` remembers then, which goes with the handler's
 * on_free. NULL is no guard. Errors: MEMORY. */
int tow_guard_dress(tow_guard *guard, tow_handler *handler);

/* For a handler that was not routed after all: frees what tow_guard_dress has made, and no more. */
void tow_guard_undress(tow_handler *handler);

/* The same with memory of the caller's, which outlives all routes; on_free stays as it is. */
void tow_guard_stand(tow_guard *guard, tow_guarded *guarded, tow_handler *handler);

#endif
