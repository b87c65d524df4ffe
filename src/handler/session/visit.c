#include "visit.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* At home. */

/* What is said: an answer, or a part of one. */
typedef enum visit_step { WHOLE, OPEN, WRITE, END } visit_step;

/* A part of an answer. What can't be said breaks it off; on_gone follows. */
static void go_on(tow_session_visit *visit, visit_step step, const tow_session_visit_answer *part) {
    tow_exchange *exchange = visit->exchange;
    if (exchange == NULL)
        return;
    int error = step == OPEN    ? tow_exchange_begin(exchange, part->status, part->type, TOW_LENGTH_UNKNOWN)
                : step == WRITE ? tow_exchange_write(exchange, part->body, part->length)
                                : tow_exchange_end(exchange);
    if (error != 0) {
        tow_exchange_reset(exchange);
    } else if (step == END) {
        visit->exchange = NULL;
        tow_session_visit_release(visit); /* home's */
    }
}

/* What can't be answered is broken off; on_gone follows. */
static void respond(tow_session_visit *visit, const tow_session_visit_answer *answer) {
    tow_exchange *exchange = visit->exchange;
    visit->exchange = NULL;
    if (exchange == NULL)
        return;
    int error = tow_exchange_respond(exchange, answer->status, answer->type, answer->body, answer->length);
    if (error == 0)
        tow_session_visit_release(visit); /* home's */
    else
        tow_exchange_reset(exchange);
}

/* The letter that brings an answer home. */
typedef struct reply {
    tow_letter letter; /* first */
    tow_session_visit *visit;
    tow_session_visit_answer answer;
    visit_step step;
    size_t bytes;
    uint8_t body[];
} reply;

static void reply_end(reply *self) {
    tow_server *server = self->visit->server;
    size_t home = self->visit->home;
    size_t bytes = self->bytes;
    tow_session_visit_release(self->visit);
    free(self);
    tow_server_letter_opened(server, home, bytes);
}

static void reply_drop(tow_letter *letter) {
    reply_end((reply *)(void *)letter);
}

static void replies_arrive(tow_letter *letters) {
    while (letters != NULL) {
        reply *self = (reply *)(void *)letters;
        letters = letters->next;
        if (self->step == WHOLE)
            respond(self->visit, &self->answer);
        else
            go_on(self->visit, self->step, &self->answer);
        reply_end(self);
    }
}

/* The client has left. */

static tow_session_visit *of_farewell(tow_letter *letter) {
    return (tow_session_visit *)(void *)((char *)letter - offsetof(tow_session_visit, farewell));
}

static void tell_gone(tow_session_visit *visit) {
    void (*on_gone)(tow_session_visit *, void *) = visit->on_gone;
    bool is_waited_for = !visit->answered && on_gone != NULL;
    visit->answered = true;
    if (!is_waited_for)
        return;
    on_gone(visit, visit->user);
    tow_session_visit_release(visit); /* the session's */
}

static void farewell_end(tow_session_visit *visit) {
    tow_server *server = visit->server;
    size_t away = visit->away;
    tow_session_visit_release(visit);
    tow_server_letter_opened(server, away, sizeof(tow_letter));
}

static void farewells_arrive(tow_letter *letters) {
    while (letters != NULL) {
        tow_session_visit *visit = of_farewell(letters);
        letters = letters->next;
        tell_gone(visit);
        farewell_end(visit);
    }
}

static void farewell_drop(tow_letter *letter) {
    farewell_end(of_farewell(letter));
}

/* Where the session's worker ends there is no session. */
static void left(tow_session_visit *visit) {
    visit->exchange = NULL;
    if (visit->home == visit->away) {
        tell_gone(visit);
        return;
    }
    visit->farewell = (tow_letter){.open = farewells_arrive, .drop = farewell_drop, .work = 1};
    (void)tow_session_visit_hold(visit);
    if (!tow_server_owe_letter(visit->server, visit->away, &visit->farewell, sizeof(tow_letter)))
        tow_session_visit_release(visit);
}

static void gone(tow_exchange *exchange, void *user) {
    tow_session_visit *visit = user;
    (void)exchange;
    if (visit->exchange != NULL)
        left(visit);
    tow_session_visit_release(visit); /* home's */
}

/* A client that has ended its side has left: nobody who polls does that. */
static void ended(tow_exchange *exchange, void *user) {
    (void)user;
    tow_exchange_reset(exchange);
}

/* On the session's worker. */

static tow_session_visit *of_letter(tow_letter *letter) {
    return (tow_session_visit *)(void *)((char *)letter - offsetof(tow_session_visit, letter));
}

static size_t size_of(const tow_session_visit *visit) {
    return sizeof(*visit) + visit->body.length;
}

static void visits_arrive(tow_letter *letters) {
    while (letters != NULL) {
        tow_session_visit *visit = of_letter(letters);
        tow_server *server = visit->server;
        size_t away = visit->away;
        size_t bytes = size_of(visit);
        letters = letters->next;
        visit->serve(visit);
        tow_server_letter_opened(server, away, bytes);
    }
}

static void visit_drop(tow_letter *letter) {
    tow_session_visit *visit = of_letter(letter);
    tow_server *server = visit->server;
    size_t away = visit->away;
    size_t bytes = size_of(visit);
    tow_session_visit_release(visit);
    tow_server_letter_opened(server, away, bytes);
}

bool tow_session_visit_begin(tow_session_visit *visit, tow_exchange *exchange, size_t away) {
    const tow_exchange_events events = {.on_gone = gone, .on_end = ended, .user = visit};
    visit->home = tow_exchange_worker_number(exchange);
    visit->away = away;
    visit->letter = (tow_letter){.open = visits_arrive, .drop = visit_drop, .work = 1};
    (void)tow_session_visit_hold(visit); /* the session's */
    bool is_left =
        visit->home == away || tow_server_leave_letter(visit->server, away, &visit->letter, size_of(visit));
    if (!is_left) {
        tow_session_visit_release(visit);
        tow_session_visit_release(visit);
        return false;
    }
    visit->exchange = exchange;
    (void)tow_exchange_keep(exchange, &events);
    if (visit->home == away)
        visit->serve(visit);
    return true;
}

/* What can't be said, as home takes no more or there is no memory: the client is to try again. */

static void bounce_end(tow_session_visit *visit) {
    tow_server *server = visit->server;
    size_t home = visit->home;
    tow_session_visit_release(visit);
    tow_server_letter_opened(server, home, sizeof(tow_letter));
}

static void bounces_arrive(tow_letter *letters) {
    static const tow_session_visit_answer busy = {.status = 503, .type = "text/plain; charset=UTF-8"};
    while (letters != NULL) {
        tow_session_visit *visit = of_letter(letters);
        letters = letters->next;
        respond(visit, &busy); /* what has begun is broken off by that */
        bounce_end(visit);
    }
}

static void bounce_drop(tow_letter *letter) {
    bounce_end(of_letter(letter));
}

/* By the letter that has come with it, once. */
static void bounce(tow_session_visit *visit) {
    if (visit->bounced)
        return;
    visit->bounced = true;
    visit->letter = (tow_letter){.open = bounces_arrive, .drop = bounce_drop, .work = 1};
    (void)tow_session_visit_hold(visit);
    if (!tow_server_owe_letter(visit->server, visit->home, &visit->letter, sizeof(tow_letter)))
        tow_session_visit_release(visit);
}

/* Errors: MEMORY, QUEUE_FULL. */
static int send_home(tow_session_visit *visit, visit_step step, const tow_session_visit_answer *answer) {
    size_t bytes = sizeof(reply) + answer->length;
    reply *made = malloc(bytes);
    if (made == NULL) {
        bounce(visit);
        return TOW_ERROR_MEMORY;
    }
    *made = (reply){.letter = {.open = replies_arrive, .drop = reply_drop, .work = 1},
        .visit = tow_session_visit_hold(visit),
        .answer = *answer,
        .step = step,
        .bytes = bytes};
    if (answer->length > 0)
        memcpy(made->body, answer->body, answer->length);
    made->answer.body = made->body;
    if (tow_server_leave_letter(visit->server, visit->home, &made->letter, bytes))
        return 0;
    bounce(visit);
    tow_session_visit_release(visit);
    free(made);
    return TOW_ERROR_QUEUE_FULL;
}

int tow_session_visit_answer_with(tow_session_visit *visit, const tow_session_visit_answer *answer) {
    int error = 0;
    assert(!visit->answered);
    visit->answered = true;
    if (visit->home == visit->away)
        respond(visit, answer);
    else
        error = send_home(visit, WHOLE, answer);
    tow_session_visit_release(visit); /* the session's */
    return error;
}

static int say(tow_session_visit *visit, visit_step step, const tow_session_visit_answer *part) {
    assert(!visit->answered);
    if (visit->home != visit->away)
        return send_home(visit, step, part);
    go_on(visit, step, part);
    return 0;
}

int tow_session_visit_open(tow_session_visit *visit, const char *type) {
    return say(visit, OPEN, &(tow_session_visit_answer){.status = 200, .type = type});
}

int tow_session_visit_write(tow_session_visit *visit, const void *data, size_t length) {
    return say(visit, WRITE, &(tow_session_visit_answer){.body = data, .length = length});
}

int tow_session_visit_end(tow_session_visit *visit) {
    int error = say(visit, END, &(tow_session_visit_answer){0});
    visit->answered = true;
    tow_session_visit_release(visit); /* the session's */
    return error;
}
