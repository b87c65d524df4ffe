#include "terms.h"

#include "secret_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { WHAT_MAX = 200 };

bool tow_terms_ask(const tow_guard_settings *settings) {
    return tow_guard_is_said(settings->basic_auth) || tow_guard_is_said(settings->bearer_token) ||
           tow_guard_is_said(settings->auth_url);
}

/* The files. */

static int users_read(tow_terms *terms, const tow_buffer *text, char what[WHAT_MAX]) {
    return tow_users_read(&terms->users, (const char *)text->data, text->length, what);
}

static int tokens_read(tow_terms *terms, const tow_buffer *text, char what[WHAT_MAX]) {
    return tow_token_list_read(&terms->tokens, (const char *)text->data, text->length, what);
}

static int load(tow_terms *terms, const char *option, const char *file,
    int (*read)(tow_terms *terms, const tow_buffer *text, char what[WHAT_MAX]),
    char why[TOW_HANDLER_TEXT_MAX]) {
    char what[WHAT_MAX];
    tow_buffer text;
    if (!tow_guard_is_said(file))
        return 0;
    int error = tow_secret_read(&text, file, what, sizeof(what));
    if (error == 0)
        error = read(terms, &text, what);
    tow_secret_clear(&text);
    if (error != 0)
        snprintf(why, TOW_HANDLER_TEXT_MAX, "%s: %.100s: %s", option, file, what);
    return error;
}

/* Beginning and end. */

static bool copy(const char **out, const char *text) {
    *out = text != NULL ? strdup(text) : NULL;
    return *out != NULL || text == NULL;
}

/* NULL without memory. */
static tow_terms *terms_make(const tow_guard_settings *settings) {
    tow_terms *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    atomic_init(&made->holders, 1);
    made->settings.auth_seconds = settings->auth_seconds;
    if (copy(&made->settings.basic_auth, settings->basic_auth) &&
        copy(&made->settings.bearer_token, settings->bearer_token) &&
        copy(&made->settings.auth_url, settings->auth_url) &&
        copy(&made->settings.auth_cookie, settings->auth_cookie))
        return made;
    tow_terms_release(made);
    return NULL;
}

int tow_terms_new(tow_terms **terms, const tow_guard_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    tow_terms *made = terms_make(settings);
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    int error = load(made, "basic-auth", settings->basic_auth, users_read, why);
    if (error == 0)
        error = load(made, "bearer-token", settings->bearer_token, tokens_read, why);
    if (error != 0)
        tow_terms_release(made);
    else
        *terms = made;
    return error;
}

tow_terms *tow_terms_renew(
    const tow_terms *before, void (*complain)(void *user, const char *line), void *user) {
    char why[TOW_HANDLER_TEXT_MAX], line[TOW_HANDLER_TEXT_MAX + 80];
    tow_terms *made = terms_make(&before->settings);
    if (made == NULL) {
        complain(user, tow_strerror(TOW_ERROR_MEMORY));
        return NULL;
    }
    if (load(made, "basic-auth", made->settings.basic_auth, users_read, why) != 0) {
        snprintf(line, sizeof(line), "%s; the users stay as they were", why);
        complain(user, line);
        made->users = before->users != NULL ? tow_users_retain(before->users) : NULL;
    }
    if (load(made, "bearer-token", made->settings.bearer_token, tokens_read, why) != 0) {
        snprintf(line, sizeof(line), "%s; the tokens stay as they were", why);
        complain(user, line);
        made->tokens = before->tokens != NULL ? tow_token_list_retain(before->tokens) : NULL;
    }
    return made;
}

tow_terms *tow_terms_retain(tow_terms *terms) {
    atomic_fetch_add_explicit(&terms->holders, 1, memory_order_relaxed);
    return terms;
}

static void text_free(const char *text) {
    char *owned;
    memcpy(&owned, &text, sizeof(owned));
    free(owned);
}

void tow_terms_release(tow_terms *terms) {
    if (terms == NULL || atomic_fetch_sub_explicit(&terms->holders, 1, memory_order_acq_rel) > 1)
        return;
    tow_users_release(terms->users);
    tow_token_list_release(terms->tokens);
    text_free(terms->settings.basic_auth);
    text_free(terms->settings.bearer_token);
    text_free(terms->settings.auth_url);
    text_free(terms->settings.auth_cookie);
    free(terms);
}
