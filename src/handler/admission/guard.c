#include "handler/guard.h"

#include "asker.h"
#include "checker.h"
#include "good.h"
#include "inquiry.h"
#include "presented.h"
#include "terms.h"
#include "server/exchange.h"
#include "server/metric.h"
#include "transport/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

struct tow_admission {
    tow_handler_log log;
    tow_checker *checker;
    tow_asker *asker;
    tow_metric *refused; /* credentials that let nobody in */
    tow_good good;
};

struct tow_guard {
    tow_admission *admission;
    pthread_mutex_t mutex; /* of `terms` */
    tow_terms *terms;      /* held */
    atomic_int holders;
};

/* Who waits for the answer of another thread. */
typedef struct waiting {
    tow_exchange *exchange;
    tow_guarded *guarded;
    tow_good_name name;
    bool is_named; /* the name was made */
    tow_check *check;
} waiting;

/* What it goes by at this moment; held. */
static tow_terms *terms_take(tow_guard *guard) {
    pthread_mutex_lock(&guard->mutex);
    tow_terms *terms = tow_terms_retain(guard->terms);
    pthread_mutex_unlock(&guard->mutex);
    return terms;
}

/* The verdict. */

static void take_any(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    (void)tow_exchange_accept(exchange, NULL);
}

static void let_in(tow_exchange *exchange, const tow_guarded *guarded) {
    tow_exchange_admit_by(exchange, guarded->on_admit != NULL ? guarded->on_admit : take_any, guarded->user);
}

static void ask_for_credentials(
    tow_exchange *exchange, const tow_guarded *guarded, const tow_terms *terms, bool has_some) {
    tow_metric_add(guarded->guard->admission->refused, has_some ? 1 : 0);
    if (tow_guard_is_said(terms->settings.basic_auth))
        tow_exchange_field(exchange, "WWW-Authenticate", "Basic realm=\"towline\", charset=\"UTF-8\"");
    if (tow_guard_is_said(terms->settings.bearer_token))
        tow_exchange_field(exchange, "WWW-Authenticate", "Bearer realm=\"towline\"");
    tow_exchange_reject(
        exchange, 401, has_some ? "these credentials let nobody in" : "credentials are needed");
}

static void refuse_for_now(tow_exchange *exchange, int error) {
    tow_exchange_field(exchange, "Retry-After", "2");
    tow_exchange_reject(
        exchange, 503, error == TOW_ERROR_LIMIT ? "too many wait to be let in" : tow_strerror(error));
}

/* Passwords. */

static void gone(tow_exchange *exchange, void *user) {
    waiting *made = user;
    (void)exchange;
    tow_check_forget(made->check);
    free(made);
}

static void checked(void *user, bool is_good) {
    waiting *made = user;
    tow_exchange *exchange = made->exchange;
    tow_good *good = &made->guarded->guard->admission->good;
    tow_exchange_keep(exchange, NULL); /* nobody waits any more */
    if (is_good && made->is_named)
        tow_good_add(good, &made->name, tow_loop_now(tow_exchange_loop(exchange)));
    tow_terms *terms = terms_take(made->guarded->guard);
    if (is_good)
        let_in(exchange, made->guarded);
    else
        ask_for_credentials(exchange, made->guarded, terms, true);
    tow_terms_release(terms);
    free(made);
}

static int ask_checker(waiting *made, tow_users *users, const tow_presented *presented) {
    const tow_exchange_events events = {.on_gone = gone, .user = made};
    tow_exchange *exchange = made->exchange;
    int error = tow_checker_ask(&made->check, made->guarded->guard->admission->checker, users,
        tow_exchange_client(exchange), presented->name, presented->password, tow_exchange_loop(exchange),
        checked, made);
    if (error != 0)
        return error;
    error = tow_exchange_keep(exchange, &events);
    if (error != 0)
        tow_check_forget(made->check);
    return error;
}

static void check_later(const waiting *found, tow_users *users, const tow_presented *presented) {
    waiting *made = malloc(sizeof(*made));
    int error = TOW_ERROR_MEMORY;
    if (made != NULL) {
        *made = *found;
        error = ask_checker(made, users, presented);
    }
    if (error == 0)
        return;
    free(made);
    refuse_for_now(found->exchange, error);
}

static void check_password(
    tow_exchange *exchange, tow_guarded *guarded, tow_users *users, const tow_presented *presented) {
    waiting found = {.exchange = exchange, .guarded = guarded};
    tow_good *good = &guarded->guard->admission->good;
    found.is_named =
        tow_good_name_make(&found.name, good, users->generation, presented->name, presented->password);
    if (found.is_named && tow_good_has(good, &found.name, tow_loop_now(tow_exchange_loop(exchange))))
        let_in(exchange, guarded);
    else
        check_later(&found, users, presented);
}

/* A back end. */

typedef struct asking {
    tow_exchange *exchange;
    tow_guarded *guarded;
    tow_question *question;
} asking;

static void asker_gone(tow_exchange *exchange, void *user) {
    asking *made = user;
    (void)exchange;
    tow_question_forget(made->question);
    free(made);
}

static void pass_on(tow_exchange *exchange, const tow_verdict *verdict) {
    for (size_t i = 0; verdict->asks[i] != NULL; i++)
        tow_exchange_field(exchange, "WWW-Authenticate", verdict->asks[i]);
    tow_exchange_reject(exchange, verdict->status, "the back end that decides lets nobody in with this");
}

static void obey(tow_exchange *exchange, const tow_guarded *guarded, const tow_verdict *verdict) {
    bool has_come = verdict->error == 0;
    if (has_come && verdict->status >= 200 && verdict->status < 300)
        let_in(exchange, guarded);
    else if (has_come && (verdict->status == 401 || verdict->status == 403))
        pass_on(exchange, verdict);
    else if (verdict->error == TOW_ERROR_TIMED_OUT || verdict->error == TOW_ERROR_STATE)
        tow_exchange_reject(exchange, 503, "the back end that decides does not answer");
    else
        tow_exchange_reject(exchange, 502,
            has_come ? "the back end that decides does not decide"
                     : "the back end that decides can't be asked");
}

static void decided(void *user, const tow_verdict *verdict) {
    asking *made = user;
    tow_exchange_keep(made->exchange, NULL); /* nobody waits any more */
    obey(made->exchange, made->guarded, verdict);
    free(made);
}

static int ask(asking *made, const tow_terms *terms, const tow_request *request) {
    tow_asker *asker = made->guarded->guard->admission->asker;
    const tow_exchange_events events = {.on_gone = asker_gone, .user = made};
    const tow_question_options options = {.url = terms->settings.auth_url,
        .seconds = terms->settings.auth_seconds,
        .client = tow_exchange_client(made->exchange),
        .home = tow_exchange_loop(made->exchange),
        .on_verdict = decided,
        .user = made};
    int error = tow_asker_ask(&made->question, asker, &options, tow_inquiry_fields(request));
    if (error != 0)
        return error;
    error = tow_exchange_keep(made->exchange, &events);
    if (error != 0)
        tow_question_forget(made->question);
    return error;
}

static void ask_back_end(
    tow_exchange *exchange, tow_guarded *guarded, const tow_terms *terms, const tow_request *request) {
    asking *made = malloc(sizeof(*made));
    int error = TOW_ERROR_MEMORY;
    if (made != NULL) {
        *made = (asking){.exchange = exchange, .guarded = guarded};
        error = ask(made, terms, request);
    }
    if (error == 0)
        return;
    free(made);
    refuse_for_now(exchange, error);
}

/* Asking. */

static void judge(
    tow_exchange *exchange, tow_guarded *guarded, const tow_terms *terms, const tow_presented *presented) {
    if (presented->scheme == TOW_SCHEME_BASIC && terms->users != NULL)
        check_password(exchange, guarded, terms->users, presented);
    else if (presented->scheme == TOW_SCHEME_BEARER && terms->tokens != NULL &&
             tow_token_list_have(terms->tokens, presented->token))
        let_in(exchange, guarded);
    else
        ask_for_credentials(exchange, guarded, terms, presented->scheme != TOW_SCHEME_NONE);
}

static void look_for_credentials(
    tow_exchange *exchange, tow_guarded *guarded, const tow_terms *terms, const tow_request *request) {
    tow_presented presented;
    tow_presented_find(&presented, request, terms->settings.auth_cookie);
    judge(exchange, guarded, terms, &presented);
    tow_presented_clear(&presented);
}

static void admit(tow_exchange *exchange, const tow_request *request) {
    tow_guarded *guarded = tow_request_user(request);
    tow_terms *terms = terms_take(guarded->guard);
    if (!tow_terms_ask(&terms->settings))
        let_in(exchange, guarded);
    else if (tow_guard_is_said(terms->settings.auth_url))
        ask_back_end(exchange, guarded, terms, request);
    else
        look_for_credentials(exchange, guarded, terms, request);
    tow_terms_release(terms);
}

/* Standing before a handler. */

/* For one that knows no subprotocols: a browser that offers some has to be given one, and this stands beside
 * the credentials. */
static int take_authorization(const tow_request *request, const char *const *offered, size_t count) {
    (void)request;
    for (size_t i = 0; i < count; i++)
        if (strcmp(offered[i], "authorization") == 0)
            return (int)i;
    return -1;
}

void tow_guard_stand(tow_guard *guard, tow_guarded *guarded, tow_handler *handler) {
    *guarded = (tow_guarded){.guard = guard,
        .on_admit = handler->on_admit,
        .user = handler->user,
        .on_free = handler->on_free,
        .free_user = handler->free_user != NULL ? handler->free_user : handler->user};
    if (handler->protocols == NULL && handler->on_select == NULL)
        handler->on_select = take_authorization;
    handler->on_admit = admit;
    handler->user = guarded;
}

static void guarded_gone(void *user) {
    tow_guarded *guarded = user;
    if (guarded->on_free != NULL)
        guarded->on_free(guarded->free_user);
    tow_guard_release(guarded->guard);
    free(guarded);
}

int tow_guard_dress(tow_guard *guard, tow_handler *handler) {
    if (guard == NULL)
        return 0;
    tow_guarded *guarded = malloc(sizeof(*guarded));
    if (guarded == NULL)
        return TOW_ERROR_MEMORY;
    tow_guard_stand(tow_guard_retain(guard), guarded, handler);
    handler->on_free = guarded_gone;
    handler->free_user = guarded;
    return 0;
}

void tow_guard_undress(tow_handler *handler) {
    if (handler->on_free != guarded_gone)
        return;
    tow_guarded *guarded = handler->free_user;
    tow_guard_release(guarded->guard);
    free(guarded);
}

/* Changes. */

static void complain(void *user, const char *line) {
    const tow_handler_log *log = &((const tow_guard *)user)->admission->log;
    if (log->write != NULL)
        log->write(log->user, TOW_LOG_ERROR, line);
}

void tow_guard_take(tow_guard *guard, tow_terms *terms) {
    pthread_mutex_lock(&guard->mutex);
    tow_terms *before = guard->terms;
    guard->terms = terms;
    pthread_mutex_unlock(&guard->mutex);
    tow_terms_release(before);
}

void tow_guard_reload(tow_guard *guard) {
    if (guard == NULL)
        return;
    tow_terms *before = terms_take(guard);
    tow_terms *terms = tow_terms_renew(before, complain, guard);
    if (terms != NULL)
        tow_guard_take(guard, terms);
    tow_terms_release(before);
}

/* Beginning and end. */

bool tow_guard_settings_say(const tow_guard_settings *settings) {
    return settings->basic_auth != NULL || settings->bearer_token != NULL || settings->auth_url != NULL;
}

int tow_guard_new(tow_guard **guard, tow_admission *admission, const tow_guard_settings *settings,
    char why[TOW_HANDLER_TEXT_MAX]) {
    *guard = NULL;
    return tow_terms_ask(settings) ? tow_guard_new_open(guard, admission, settings, why) : 0;
}

int tow_guard_new_open(tow_guard **guard, tow_admission *admission, const tow_guard_settings *settings,
    char why[TOW_HANDLER_TEXT_MAX]) {
    tow_guard *made = calloc(1, sizeof(*made));
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    int error = tow_terms_new(&made->terms, settings, why);
    if (error != 0) {
        free(made);
        return error;
    }
    made->admission = admission;
    pthread_mutex_init(&made->mutex, NULL);
    atomic_init(&made->holders, 1);
    *guard = made;
    return 0;
}

tow_guard *tow_guard_retain(tow_guard *guard) {
    if (guard != NULL)
        atomic_fetch_add_explicit(&guard->holders, 1, memory_order_relaxed);
    return guard;
}

void tow_guard_release(tow_guard *guard) {
    if (guard == NULL || atomic_fetch_sub_explicit(&guard->holders, 1, memory_order_acq_rel) > 1)
        return;
    tow_terms_release(guard->terms);
    pthread_mutex_destroy(&guard->mutex);
    free(guard);
}

static const tow_metric_about refused = {TOW_METRIC_REFUSAL, "credentials", NULL};

int tow_admission_new(tow_admission **admission, const tow_handler_place *place) {
    tow_admission *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    tow_good_init(&made->good);
    made->log = place->log;
    made->refused = tow_server_metric(place->server, &refused);
    int error = tow_checker_new(&made->checker);
    if (error == 0)
        error = tow_asker_new(&made->asker, place, "auth-url");
    if (error != 0)
        tow_admission_free(made);
    else
        *admission = made;
    return error;
}

void tow_admission_end(tow_admission *admission) {
    if (admission != NULL)
        tow_asker_end(admission->asker);
}

void tow_admission_free(tow_admission *admission) {
    if (admission == NULL)
        return;
    tow_checker_free(admission->checker);
    tow_asker_free(admission->asker);
    tow_good_clear(&admission->good);
    free(admission);
}
