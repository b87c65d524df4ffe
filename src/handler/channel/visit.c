#include "visit.h"

#include "server/entrance.h"
#include "server/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* What it may do. */

static tow_channel_answer refusal(int status, const char *reason) {
    return (tow_channel_answer){.word = TOW_CHANNEL_REFUSED, .status = status, .reason = reason};
}

static tow_channel_answer closed_to_all(tow_channel_act act) {
    return refusal(403, act == TOW_CHANNEL_SUBSCRIBE ? "subscribing to this channel is not allowed"
                                                     : "publishing is not allowed here");
}

static tow_channel_access access_of(const tow_visit *visit, tow_channel_act act, tow_slice channel) {
    tow_channel_policy policy = {0};
    tow_hub_policy(tow_hub_of(visit->part), channel, &policy);
    return act == TOW_CHANNEL_SUBSCRIBE ? tow_channel_policy_subscribers(&policy, channel)
                                        : tow_channel_policy_publishers(&policy, channel);
}

void tow_visit_ask(tow_visit *visit, tow_channel_act act, tow_slice channel, tow_channel_question *question,
    tow_channel_answer *answer) {
    const tow_channel_keeper *keeper = visit->door->keeper;
    tow_channel_access access = access_of(visit, act, channel);
    if (!tow_door_serves(visit->door, channel))
        *answer = refusal(403, "this channel is not served here");
    else if (access == TOW_ACCESS_NOBODY)
        *answer = closed_to_all(act);
    else if (access != TOW_ACCESS_TOKEN)
        *answer = (tow_channel_answer){.word = TOW_CHANNEL_GRANTED};
    else if (keeper != NULL)
        keeper->may(keeper, &visit->guest, act, channel, question, answer);
    else
        *answer = refusal(403, "this channel is for who has a token, and nobody knows tokens here");
}

tow_channel_answer tow_visit_confirm(
    const tow_visit *visit, tow_channel_act act, tow_slice channel, const tow_channel_answer *answer) {
    if (answer->word != TOW_CHANNEL_GRANTED || access_of(visit, act, channel) != TOW_ACCESS_NOBODY)
        return *answer;
    return closed_to_all(act);
}

tow_channel_word tow_visit_known(tow_visit *visit, tow_slice channel) {
    tow_channel_answer answer = {0};
    tow_visit_ask(visit, TOW_CHANNEL_SUBSCRIBE, channel, NULL, &answer);
    return answer.word;
}

void tow_visit_forget(tow_visit *visit, tow_channel_question *question) {
    visit->door->keeper->forget(visit->door->keeper, question);
}

void tow_visit_show(
    tow_visit *visit, tow_slice token, tow_channel_question *question, tow_channel_answer *answer) {
    const tow_channel_keeper *keeper = visit->door->keeper;
    if (keeper != NULL)
        keeper->show(keeper, &visit->guest, token, question, answer);
    else
        *answer = refusal(403, "nobody knows tokens here");
}

void tow_visit_end(tow_visit *visit) {
    if (visit == NULL)
        return;
    const tow_channel_keeper *keeper = visit->door->keeper;
    if (visit->is_asked)
        tow_visit_forget(visit, &visit->question);
    if (visit->has_entered)
        keeper->leave(keeper, &visit->guest);
    free(visit);
}

/* Coming in, step by step: who it is, whether it may subscribe. Each step may have to wait. */

static tow_visit *visit_of(tow_channel_question *question) {
    return (tow_visit *)(void *)((char *)question - offsetof(tow_visit, question));
}

static void gone(tow_exchange *exchange, void *user) {
    (void)exchange;
    tow_visit_end(user);
}

static void turn_away(tow_visit *visit, const tow_channel_answer *answer) {
    tow_exchange *exchange = visit->exchange;
    (void)tow_exchange_keep(exchange, NULL); /* nobody waits any more */
    if (answer->status == 401)
        tow_exchange_field(exchange, "WWW-Authenticate", "Bearer realm=\"towline\"");
    if (answer->status == 503)
        tow_exchange_field(exchange, "Retry-After", "2");
    tow_exchange_reject(exchange, answer->status, answer->reason);
    tow_visit_end(visit);
}

/* If it leaves before on_open or on_request, on_gone comes. */
static void let_in(tow_visit *visit) {
    visit->guest.is_in = true;
    (void)tow_exchange_accept(visit->exchange, &(tow_acceptance){.user = visit});
}

static void on_may(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_visit *visit = visit_of(question);
    tow_channel_answer now = *answer;
    visit->is_asked = false;
    if (visit->length > 0)
        now = tow_visit_confirm(visit, TOW_CHANNEL_SUBSCRIBE, tow_visit_channel(visit), answer);
    if (now.word == TOW_CHANNEL_GRANTED)
        let_in(visit);
    else
        turn_away(visit, &now);
}

/* An answer that is there already is treated as one that comes. */
static void treat(tow_visit *visit, const tow_channel_answer *answer) {
    visit->is_asked = answer->word == TOW_CHANNEL_LATER;
    if (!visit->is_asked)
        visit->question.on_answer(&visit->question, answer);
}

static void ask_for_the_channel(tow_visit *visit) {
    tow_channel_answer answer = {.word = TOW_CHANNEL_GRANTED};
    visit->question.on_answer = on_may;
    if (visit->length > 0)
        tow_visit_ask(visit, TOW_CHANNEL_SUBSCRIBE, tow_visit_channel(visit), &visit->question, &answer);
    treat(visit, &answer);
}

static void on_entered(tow_channel_question *question, const tow_channel_answer *answer) {
    tow_visit *visit = visit_of(question);
    visit->is_asked = false;
    visit->has_entered = answer->word == TOW_CHANNEL_GRANTED;
    if (visit->has_entered)
        ask_for_the_channel(visit);
    else
        turn_away(visit, answer);
}

static void enter(tow_visit *visit, const tow_request *request) {
    const tow_channel_keeper *keeper = visit->door->keeper;
    tow_channel_answer answer = {0};
    if (keeper == NULL) {
        ask_for_the_channel(visit);
        return;
    }
    visit->question.on_answer = on_entered;
    keeper->enter(keeper, &visit->guest, visit->exchange, request, &visit->question, &answer);
    treat(visit, &answer);
}

/* Until it is someone's who can be told, it is as if its keeper had refused it. */
static void dismiss(tow_channel_guest *guest, tow_channel_dismissal why) {
    (void)why;
    tow_exchange_reset(tow_visit_of_guest(guest)->exchange); /* on_gone follows */
}

static tow_visit *visit_new(const tow_door *door, tow_exchange *exchange, const char *name, size_t length) {
    tow_visit *visit = calloc(1, sizeof(*visit) + length);
    if (visit == NULL)
        return NULL;
    visit->door = door;
    visit->part = tow_exchange_hub(exchange);
    visit->exchange = exchange;
    visit->guest.on_dismissed = dismiss;
    visit->length = length;
    memcpy(visit->name, name, length);
    return visit;
}

/* A page of another origin gets what it may (Fetch Standard, section 3.2). An entrance has said it by now. */
static int allow_origin(tow_exchange *exchange, const tow_request *request) {
    const char *origin = tow_request_header(request, "Origin");
    if (origin == NULL || tow_exchange_entrance(exchange) != NULL)
        return 0;
    int error = tow_exchange_field(exchange, "Access-Control-Allow-Origin", origin);
    if (error == 0)
        error = tow_exchange_field(exchange, "Access-Control-Allow-Credentials", "true");
    return error != 0 ? error : tow_exchange_field(exchange, "Vary", "Origin");
}

void tow_visit_admit(tow_exchange *exchange, const tow_request *request) {
    const tow_door *door = tow_request_user(request);
    char name[TOW_CHANNEL_NAME_MAX];
    if (tow_exchange_refuse_origin(exchange))
        return;
    int length = tow_door_read(door, exchange, name);
    if (length < 0) {
        (void)allow_origin(exchange, request);
        tow_exchange_reject(exchange, 400, "no channel can have such a name");
        return;
    }
    tow_visit *visit = visit_new(door, exchange, name, (size_t)length);
    const tow_exchange_events events = {.on_gone = gone, .user = visit};
    if (visit == NULL || allow_origin(exchange, request) != 0 || tow_exchange_keep(exchange, &events) != 0) {
        tow_visit_end(visit);
        tow_exchange_reject(exchange, 503, tow_strerror(TOW_ERROR_MEMORY));
    } else if (strcmp(tow_request_method(request), "OPTIONS") == 0) {
        let_in(visit); /* before a request that says more of itself */
    } else {
        enter(visit, request);
    }
}
