#include "handler/token_keeper.h"

#include "back_end.h"
#include "jwt.h"
#include "presented.h"
#include "secret_file.h"
#include "server/exchange.h"
#include "server/metric.h"
#include "stay.h"

#include <stdio.h>
#include <stdlib.h>
#include <towline/error.h>

/* The parameter of the query that may have a token. */
#define PARAMETER "token"

struct tow_token_keeper {
    tow_channel_keeper table;
    tow_token_settings settings;
    tow_handler_log log;
    tow_guest_book book;
    tow_metric *refused;    /* tokens that are no good */
    tow_back_end *back_end; /* NULL: tokens are checked here */
    pthread_mutex_t mutex;  /* guards the next */
    tow_keyring *keyring;
};

static tow_token_keeper *keeper_of(const tow_channel_keeper *table) {
    return table->user;
}

static void grant_to(tow_channel_answer *answer) {
    *answer = (tow_channel_answer){.word = TOW_CHANNEL_GRANTED};
}

static void refuse(tow_channel_answer *answer, int status, const char *reason) {
    *answer = (tow_channel_answer){.word = TOW_CHANNEL_REFUSED, .status = status, .reason = reason};
}

static void refuse_token(const tow_token_keeper *keeper, tow_channel_answer *answer, const char *why) {
    tow_metric_count(keeper->refused);
    refuse(answer, 401, why);
}

/* Tokens that are checked here. */

/* What the file says at this moment; held. */
static tow_keyring *keyring_take(tow_token_keeper *keeper) {
    pthread_mutex_lock(&keeper->mutex);
    tow_keyring *keyring = tow_keyring_retain(keeper->keyring);
    pthread_mutex_unlock(&keeper->mutex);
    return keyring;
}

/* What is known of the guest, which may be new. NULL without memory. */
static tow_stay *stay_need(tow_token_keeper *keeper, tow_channel_guest *guest) {
    return guest->known != NULL ? guest->known : tow_stay_begin(guest, &keeper->book);
}

static void check(
    tow_token_keeper *keeper, tow_channel_guest *guest, tow_slice token, tow_channel_answer *answer) {
    tow_keyring *keyring = keyring_take(keeper);
    const tow_jwt_check with = {keyring, keeper->settings.audience, tow_loop_wall_seconds(guest->loop)};
    const char *why;
    tow_grant *grant = NULL;
    tow_jwt_verdict verdict = tow_jwt_read(&grant, &with, token, &why);
    tow_stay *stay = verdict == TOW_JWT_GOOD ? stay_need(keeper, guest) : NULL;
    tow_keyring_release(keyring);
    bool may = stay == NULL || tow_stay_may_take_grant(stay, grant);
    if (stay != NULL && may) {
        tow_stay_take_grant(stay, grant);
        grant_to(answer);
        return;
    }
    tow_grant_free(grant);
    if (!may)
        refuse(answer, 403, TOW_STAY_IS_ANOTHERS);
    else if (verdict == TOW_JWT_GOOD || verdict == TOW_JWT_MEMORY)
        refuse(answer, 503, tow_strerror(TOW_ERROR_MEMORY));
    else
        refuse_token(keeper, answer, why);
}

static void enter(const tow_channel_keeper *table, tow_channel_guest *guest, tow_exchange *exchange,
    const tow_request *request, tow_channel_question *question, tow_channel_answer *answer) {
    tow_token_keeper *keeper = keeper_of(table);
    tow_presented presented;
    if (exchange != NULL) {
        guest->loop = tow_exchange_loop(exchange);
        guest->client = tow_exchange_client(exchange);
    }
    if (keeper->back_end != NULL) {
        tow_back_end_enter(keeper->back_end, guest, request, question, answer);
        return;
    }
    grant_to(answer);
    if (!tow_presented_token(&presented, request, keeper->settings.cookie, PARAMETER))
        return;
    if (presented.scheme == TOW_SCHEME_BEARER)
        check(keeper, guest, presented.token, answer);
    else
        refuse_token(keeper, answer, tow_jwt_verdict_text(TOW_JWT_MALFORMED));
    tow_presented_clear(&presented);
}

static void show(const tow_channel_keeper *table, tow_channel_guest *guest, tow_slice token,
    tow_channel_question *question, tow_channel_answer *answer) {
    tow_token_keeper *keeper = keeper_of(table);
    if (keeper->back_end != NULL)
        tow_back_end_show(keeper->back_end, guest, token, question, answer);
    else
        check(keeper, guest, token, answer);
}

static void ask_back_end(tow_back_end *back_end, tow_channel_guest *guest, tow_channel_act act,
    tow_slice channel, tow_channel_question *question, tow_channel_answer *answer) {
    if (question != NULL)
        tow_back_end_may(back_end, guest, act, channel, question, answer);
    else
        *answer = (tow_channel_answer){.word = TOW_CHANNEL_LATER};
}

static void may(const tow_channel_keeper *table, tow_channel_guest *guest, tow_channel_act act,
    tow_slice channel, tow_channel_question *question, tow_channel_answer *answer) {
    tow_token_keeper *keeper = keeper_of(table);
    const tow_stay *stay = guest->known;
    const tow_grant *grant = stay != NULL ? stay->grant : NULL;
    if (grant != NULL && tow_grant_allows(grant, act, channel))
        grant_to(answer);
    else if (keeper->back_end != NULL && (grant == NULL || !tow_grant_has_channels(grant)))
        ask_back_end(keeper->back_end, guest, act, channel, question, answer);
    else if (grant == NULL)
        refuse(answer, 401, "a token is needed");
    else
        refuse(answer, 403,
            act == TOW_CHANNEL_SUBSCRIBE ? "the token does not let you subscribe to this channel"
                                         : "the token does not let you publish to this channel");
}

static void forget(const tow_channel_keeper *table, tow_channel_question *question) {
    tow_back_end_forget(keeper_of(table)->back_end, question);
}

static void leave(const tow_channel_keeper *table, tow_channel_guest *guest) {
    (void)table;
    tow_stay_end(guest->known);
}

static int64_t dismiss(const tow_channel_keeper *table, tow_slice subject) {
    return subject.length > 0 ? tow_guest_book_call(&keeper_of(table)->book, subject) : 0;
}

/* The file. */

static int keys_load(tow_token_keeper *keeper, char why[TOW_HANDLER_TEXT_MAX]) {
    char what[TOW_KEYRING_TEXT_MAX];
    tow_keyring *keyring = NULL;
    tow_buffer text;
    int error = tow_secret_read(&text, keeper->settings.keys, what, sizeof(what));
    if (error == 0)
        error = tow_keyring_read(&keyring, (const char *)text.data, text.length, what);
    tow_secret_clear(&text);
    if (error != 0) {
        snprintf(why, TOW_HANDLER_TEXT_MAX, "token-keys: %.100s: %s", keeper->settings.keys, what);
        return error;
    }
    pthread_mutex_lock(&keeper->mutex);
    tow_keyring *before = keeper->keyring;
    keeper->keyring = keyring;
    pthread_mutex_unlock(&keeper->mutex);
    tow_keyring_release(before);
    return 0;
}

bool tow_token_keeper_has_secret(const tow_token_keeper *keeper) {
    return keeper != NULL && keeper->keyring != NULL && tow_keyring_has_secret(keeper->keyring);
}

void tow_token_keeper_reload(tow_token_keeper *keeper) {
    char why[TOW_HANDLER_TEXT_MAX], line[TOW_HANDLER_TEXT_MAX + 40];
    if (keeper == NULL || keeper->settings.keys == NULL || keys_load(keeper, why) == 0)
        return;
    snprintf(line, sizeof(line), "%s; the keys stay as they were", why);
    if (keeper->log.write != NULL)
        keeper->log.write(keeper->log.user, TOW_LOG_ERROR, line);
}

/* Beginning and end. */

static const tow_metric_about refused = {TOW_METRIC_REFUSAL, "token", NULL};

int tow_token_keeper_new(tow_token_keeper **keeper, const tow_handler_place *place,
    const tow_token_settings *settings, char why[TOW_HANDLER_TEXT_MAX]) {
    *keeper = NULL;
    if (settings->keys == NULL && settings->url == NULL)
        return 0;
    tow_token_keeper *made = calloc(1, sizeof(*made));
    snprintf(why, TOW_HANDLER_TEXT_MAX, "%s", tow_strerror(TOW_ERROR_MEMORY));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->table = (tow_channel_keeper){.user = made,
        .enter = enter,
        .show = show,
        .may = may,
        .forget = forget,
        .leave = leave,
        .dismiss = dismiss};
    made->settings = *settings;
    made->log = place->log;
    made->refused = tow_server_metric(place->server, &refused);
    pthread_mutex_init(&made->mutex, NULL);
    tow_guest_book_init(&made->book);
    int error = settings->keys != NULL
                    ? keys_load(made, why)
                    : tow_back_end_new(&made->back_end, place, &made->settings, &made->book);
    if (error != 0)
        tow_token_keeper_free(made);
    else
        *keeper = made;
    return error;
}

const tow_channel_keeper *tow_token_keeper_table(const tow_token_keeper *keeper) {
    return keeper != NULL ? &keeper->table : NULL;
}

void tow_token_keeper_end(tow_token_keeper *keeper) {
    if (keeper != NULL)
        tow_back_end_end(keeper->back_end);
}

void tow_token_keeper_free(tow_token_keeper *keeper) {
    if (keeper == NULL)
        return;
    tow_back_end_free(keeper->back_end);
    tow_keyring_release(keeper->keyring);
    tow_guest_book_clear(&keeper->book);
    pthread_mutex_destroy(&keeper->mutex);
    free(keeper);
}
