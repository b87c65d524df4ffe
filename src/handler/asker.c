#include "asker.h"

#include "client/http_client.h"
#include "server/address_table.h"
#include "server/metric.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <towline/error.h>

enum { CALLS_AT_A_TIME = 32, CLIENT_CALLS_MAX = 24, ANSWER_MAX = 64 << 10, ASKS_MAX = 4 };

/* What --status tells of all of them. */
#define METRICS(X)                                                                                           \
    X(waiting, TOW_METRIC_GAUGE, "questions_waiting", "Questions to back ends that wait for an answer.")     \
    X(asked, TOW_METRIC_COUNTER, "questions", "Questions to back ends.")                                     \
    X(timed_out, TOW_METRIC_COUNTER, "questions_timed_out",                                                  \
        "Questions to back ends without an answer in time.")                                                 \
    X(failed, TOW_METRIC_COUNTER, "questions_failed",                                                        \
        "Questions to back ends that had no answer for other reasons.")                                      \
    X(refused, TOW_METRIC_COUNTER, "questions_refused", "Questions that were not asked, as too many waited.")
typedef struct metrics {
    METRICS(TOW_METRIC_FIELD)
} metrics;

struct tow_question {
    tow_letter letter; /* first: to the first loop, and back home */
    tow_asker *asker;
    tow_question *next;      /* among those that wait to be asked, or those that are being asked */
    tow_question **previous; /* of the latter */
    tow_timer timer;         /* of the former */
    int64_t end;             /* when there has to be an answer */
    tow_http_call *call;
    char *url;
    tow_header_field *fields;
    tow_question_options options; /* without the URL; home is NULL when forgotten, guarded by the mutex */
    tow_verdict verdict;
    char *asks[ASKS_MAX + 1];
    char *body;
};

struct tow_asker {
    tow_handler_log log;
    const char *option;
    tow_loop *loop;
    metrics metrics;
    tow_address_table *clients; /* how many questions each has */
    atomic_size_t waiting;
    pthread_mutex_t mutex;   /* guards the homes */
    tow_http_client *client; /* the rest is the first loop's */
    tow_question *queue;
    tow_question **queue_end;
    tow_question *first; /* of those that are being asked */
    size_t calls;
    bool is_over;
};

/* Counts one in. Nobody alone takes the room of all. */
static int enter(tow_asker *asker, uint64_t client) {
    bool has_room = atomic_fetch_add(&asker->waiting, 1) < TOW_ASKER_WAITING_MAX;
    int error = has_room ? tow_address_table_enter(asker->clients, client) : TOW_ERROR_LIMIT;
    tow_metric_count(error == 0 ? asker->metrics.asked : asker->metrics.refused);
    if (error != 0)
        atomic_fetch_sub(&asker->waiting, 1);
    else
        tow_metric_add(asker->metrics.waiting, 1);
    return error;
}

static void leave(tow_asker *asker, uint64_t client) {
    atomic_fetch_sub(&asker->waiting, 1);
    tow_address_table_leave(asker->clients, client);
    tow_metric_add(asker->metrics.waiting, -1);
}

static void question_free(tow_question *question) {
    leave(question->asker, question->options.client);
    for (size_t i = 0; question->asks[i] != NULL; i++)
        free(question->asks[i]);
    free(question->body);
    free(question->fields);
    free(question->url);
    free(question);
}

static void question_dropped(tow_letter *letter) {
    question_free((tow_question *)(void *)letter);
}

/* The way back. */

static void come_home(tow_letter *letters) {
    while (letters != NULL) {
        tow_question *question = (tow_question *)(void *)letters;
        letters = letters->next;
        if (question->options.home != NULL)
            question->options.on_verdict(question->options.user, &question->verdict);
        question_free(question);
    }
}

static bool is_wanted(tow_question *question) {
    tow_asker *asker = question->asker;
    pthread_mutex_lock(&asker->mutex);
    bool has_home = question->options.home != NULL;
    pthread_mutex_unlock(&asker->mutex);
    return has_home;
}

static void send_home(tow_question *question) {
    tow_asker *asker = question->asker;
    question->letter = (tow_letter){.work = 1, .open = come_home, .drop = question_dropped};
    question->verdict.asks = (const char *const *)question->asks;
    pthread_mutex_lock(&asker->mutex);
    bool has_home = question->options.home != NULL;
    if (has_home)
        tow_loop_post_letter(question->options.home, &question->letter);
    pthread_mutex_unlock(&asker->mutex);
    if (!has_home)
        question_free(question);
}

/* Asking. */

static void fail(tow_question *question, int error, const char *why) {
    const tow_handler_log *log = &question->asker->log;
    char line[TOW_HANDLER_TEXT_MAX];
    snprintf(line, sizeof(line), "%s: %s", question->asker->option, why);
    const metrics *counted = &question->asker->metrics;
    tow_metric_count(error == TOW_ERROR_TIMED_OUT ? counted->timed_out : counted->failed);
    question->verdict.error = error;
    if (log->write != NULL)
        log->write(log->user, TOW_LOG_WARNING, line);
}

static int asks_copy(tow_question *question, const tow_http_head *head) {
    size_t count = 0;
    for (size_t i = 0; i < head->field_count && count < ASKS_MAX; i++) {
        tow_slice value = head->fields[i].value;
        if (!tow_slice_equals_ignoring_case(head->fields[i].name, "WWW-Authenticate"))
            continue;
        question->asks[count] = strndup(value.length > 0 ? value.data : "", value.length);
        if (question->asks[count++] == NULL)
            return TOW_ERROR_MEMORY;
    }
    return 0;
}

static int body_copy(tow_question *question, const tow_http_result *result) {
    question->body = malloc(result->body_length + 1);
    if (question->body == NULL)
        return TOW_ERROR_MEMORY;
    if (result->body_length > 0)
        memcpy(question->body, result->body, result->body_length);
    question->verdict.body = question->body;
    question->verdict.length = result->body_length;
    return 0;
}

static void end_call(tow_question *question) {
    question->asker->calls--;
    *question->previous = question->next;
    if (question->next != NULL)
        question->next->previous = question->previous;
    tow_http_call_free(question->call);
    question->call = NULL;
}

static void ask_next(tow_asker *asker);

static void answered(tow_http_call *call, const tow_http_result *result) {
    tow_question *question = tow_http_call_user(call);
    tow_asker *asker = question->asker;
    int error = result->error;
    if (error == 0)
        error = asks_copy(question, result->head);
    if (error == 0 && question->options.wants_body)
        error = body_copy(question, result);
    if (error == 0)
        question->verdict.status = result->head->status;
    else
        fail(question, error, result->error != 0 ? result->text : tow_strerror(error));
    end_call(question);
    send_home(question);
    ask_next(asker);
}

/* Those in the queue have waited for some of them. */
static int seconds_left(const tow_question *question) {
    int64_t left = question->end - tow_loop_now(question->asker->loop);
    return left > 0 ? (int)((left + TOW_SECOND - 1) / TOW_SECOND) : 1;
}

static int start(tow_question *question) {
    return tow_http_call_start(&question->call, question->asker->client,
        &(tow_http_call_options){.url = question->url,
            .headers = question->fields,
            .total_seconds = seconds_left(question),
            .max_body = ANSWER_MAX,
            .on_done = answered,
            .user = question});
}

static void enlist(tow_question *question) {
    tow_asker *asker = question->asker;
    question->next = asker->first;
    question->previous = &asker->first;
    if (asker->first != NULL)
        asker->first->previous = &question->next;
    asker->first = question;
    asker->calls++;
}

static int need_client(tow_asker *asker) {
    if (asker->client != NULL)
        return 0;
    return tow_http_client_new(&asker->client, asker->loop,
        &(tow_http_client_options){
            .max_host_connections = CALLS_AT_A_TIME, .max_waiting = TOW_OFF, .max_host_waiting = TOW_OFF});
}

/* As the asker is over: no fault of the back end's. */
static void turn_away(tow_question *question) {
    question->verdict.error = TOW_ERROR_STATE;
    send_home(question);
}

static void ask(tow_question *question) {
    if (question->asker->is_over) {
        turn_away(question);
        return;
    }
    int error = need_client(question->asker);
    if (error == 0)
        error = start(question);
    if (error == 0) {
        enlist(question);
        return;
    }
    fail(question, error, tow_strerror(error));
    send_home(question);
}

static size_t calls_of(const tow_asker *asker, uint64_t client) {
    size_t count = 0;
    for (const tow_question *question = asker->first; question != NULL; question = question->next)
        count += question->options.client == client;
    return count;
}

/* Of whom the fewest are being asked, and of these who came first; never all that can be asked at a time for
 * one client, as they may take long. NULL: nobody. */
static tow_question **choose(tow_asker *asker) {
    tow_question **chosen = NULL;
    size_t fewest = SIZE_MAX;
    for (tow_question **link = &asker->queue; fewest > 0 && *link != NULL; link = &(*link)->next) {
        uint64_t client = (*link)->options.client;
        size_t calls = calls_of(asker, client);
        if (calls >= fewest || (client != 0 && calls >= CLIENT_CALLS_MAX))
            continue;
        chosen = link;
        fewest = calls;
    }
    return chosen;
}

static tow_question *take(tow_asker *asker, tow_question **link) {
    tow_question *question = *link;
    *link = question->next;
    if (*link == NULL)
        asker->queue_end = link;
    question->next = NULL;
    tow_timer_cancel(asker->loop, &question->timer);
    return question;
}

static void not_asked_in_time(tow_timer *timer) {
    tow_question *question = (tow_question *)(void *)((char *)timer - offsetof(tow_question, timer));
    tow_question **link = &question->asker->queue;
    while (*link != question)
        link = &(*link)->next;
    take(question->asker, link);
    if (!is_wanted(question)) {
        question_free(question);
        return;
    }
    fail(question, TOW_ERROR_TIMED_OUT, "too many questions were under way for too long");
    send_home(question);
}

static void ask_next(tow_asker *asker) {
    tow_question **link;
    while (asker->calls < CALLS_AT_A_TIME && (link = choose(asker)) != NULL) {
        tow_question *question = take(asker, link);
        if (is_wanted(question))
            ask(question);
        else
            question_free(question);
    }
}

static void begin(tow_letter *letters) {
    tow_asker *asker = ((tow_question *)(void *)letters)->asker;
    while (letters != NULL) {
        tow_question *question = (tow_question *)(void *)letters;
        letters = letters->next;
        *asker->queue_end = question;
        asker->queue_end = &question->next;
        question->end = tow_loop_now(asker->loop) + question->options.seconds * TOW_SECOND;
        tow_timer_set(asker->loop, &question->timer, question->end, not_asked_in_time);
    }
    ask_next(asker);
}

static tow_question *question_new(
    tow_asker *asker, const tow_question_options *options, tow_header_field *fields) {
    tow_question *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    *made = (tow_question){.letter = {.work = 1, .open = begin, .drop = question_dropped},
        .asker = asker,
        .url = strdup(options->url),
        .fields = fields,
        .options = *options};
    if (made->options.seconds <= 0)
        made->options.seconds = TOW_ASKER_SECONDS;
    return made;
}

int tow_asker_ask(tow_question **question, tow_asker *asker, const tow_question_options *options,
    tow_header_field *fields) {
    int error = enter(asker, options->client);
    if (error != 0) {
        free(fields);
        return error;
    }
    tow_question *made = question_new(asker, options, fields);
    if (made == NULL) {
        leave(asker, options->client);
        free(fields);
        return TOW_ERROR_MEMORY;
    }
    if (made->url == NULL || made->fields == NULL) {
        question_free(made);
        return TOW_ERROR_MEMORY;
    }
    *question = made;
    tow_loop_post_letter(asker->loop, &made->letter);
    return 0;
}

void tow_question_forget(tow_question *question) {
    pthread_mutex_t *mutex = &question->asker->mutex;
    pthread_mutex_lock(mutex);
    question->options.home = NULL;
    pthread_mutex_unlock(mutex);
}

/* Beginning and end. */

int tow_asker_new(tow_asker **asker, const tow_handler_place *place, const char *option) {
    uint64_t seed;
    tow_asker *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    tow_loop_random(place->loop, &seed, sizeof(seed));
    int error = tow_address_table_new(&made->clients, TOW_ASKER_CLIENT_MAX, seed);
    if (error != 0) {
        free(made);
        return error;
    }
    made->log = place->log;
    made->option = option;
    made->loop = place->loop;
    made->queue_end = &made->queue;
    TOW_SERVER_METRICS(place->server, &made->metrics, METRICS);
    pthread_mutex_init(&made->mutex, NULL);
    atomic_init(&made->waiting, 0);
    *asker = made;
    return 0;
}

void tow_asker_end(tow_asker *asker) {
    asker->is_over = true;
    for (tow_question *question = asker->first, *next; question != NULL; question = next) {
        next = question->next;
        end_call(question);
        turn_away(question);
    }
    assert(asker->first == NULL);
    ask_next(asker); /* nobody is asked any more */
    tow_http_client_free(asker->client);
    asker->client = NULL;
    asker->metrics = (metrics){0}; /* which go with the server: letters may be dropped after it */
}

void tow_asker_free(tow_asker *asker) {
    if (asker == NULL)
        return;
    pthread_mutex_destroy(&asker->mutex);
    tow_address_table_free(asker->clients);
    free(asker);
}
