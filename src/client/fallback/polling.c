#include "polling.h"

#include "base/text.h"
#include "transport/loop.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <towline/error.h>

enum {
    RETRY_MILLISECONDS = 500,
    BEGIN_SECONDS = 60,         /* whoever begins a session has a limit of its own */
    EXTENDED_POLL_SECONDS = 12, /* a poll is answered after 8, and its session lingers for 15 more */
    EXTENDED_POST_SECONDS = 30, /* what was posted may wait for the application there */
    SLOWEST = 16 * 1024,        /* bytes of a post in a second */
    STATUS_TOO_LARGE = 413,
    TEXT_MAX = 512
};

static tow_asking *asking_of(tow_timer *timer) {
    return (tow_asking *)(void *)((char *)timer - offsetof(tow_asking, timer));
}

static bool is_poll(const tow_asking *asking) {
    return asking == &asking->polling->poll;
}

/* The end. */

static void asking_stop(tow_asking *asking) {
    if (asking->polling == NULL)
        return;
    tow_timer_cancel(asking->polling->loop, &asking->timer);
    tow_http_call_free(asking->call);
    asking->call = NULL;
}

void tow_polling_stop(tow_polling *polling) {
    asking_stop(&polling->poll);
    asking_stop(&polling->post);
    tow_http_call_free(polling->sign);
    tow_http_call_free(polling->beginning);
    polling->sign = polling->beginning = NULL;
    tow_http_client_free(polling->client);
    polling->client = NULL;
    tow_buffer_clear(&polling->body);
}

static void lose(tow_polling *polling, int error, const char *text) {
    char kept[TEXT_MAX];
    tow_text_format(kept, sizeof(kept), "%s", text);
    tow_polling_stop(polling);
    polling->events->on_lost(polling, error, kept);
}

/* A request. */

static int64_t in_seconds(int64_t milliseconds) {
    return (milliseconds + 999) / 1000;
}

/* A poll of plain Engine.IO gets a Ping in time. */
static int seconds_for(const tow_asking *asking) {
    const tow_opened *opened = &asking->polling->opened;
    size_t slowest = is_poll(asking) ? 0 : asking->polling->body.length / SLOWEST;
    int seconds = is_poll(asking) ? EXTENDED_POLL_SECONDS : EXTENDED_POST_SECONDS;
    if (!opened->is_extended)
        seconds = (int)in_seconds(opened->ping_milliseconds + opened->pong_milliseconds);
    return seconds + (int)(slowest < INT_MAX / 2 ? slowest : INT_MAX / 2);
}

/* Its number goes along between our own ends. */
static void write_query(char *out, size_t size, const tow_asking *asking) {
    const tow_polling *polling = asking->polling;
    uint64_t number = is_poll(asking) ? polling->answers : polling->posts + 1;
    if (polling->opened.is_extended)
        snprintf(out, size, "sid=%s&%s=%llu", polling->opened.sid, is_poll(asking) ? "ack" : "n",
            (unsigned long long)number);
    else
        snprintf(out, size, "sid=%s", polling->opened.sid);
}

static int start(
    tow_polling *polling, tow_http_call **call, const char *query, const tow_http_call_options *more) {
    tow_http_call_options options = *more;
    tow_buffer url = {0};
    int error = tow_target_write(polling->target, &url, false, query);
    options.url = (const char *)url.data;
    options.unix_path = polling->unix_path;
    if (error == 0)
        error = tow_http_call_start(call, polling->client, &options);
    tow_buffer_clear(&url);
    return error;
}

static void over(tow_http_call *call, const tow_http_result *result);

static int ask(tow_asking *asking) {
    tow_polling *polling = asking->polling;
    char query[sizeof(polling->opened.sid) + 64];
    bool posts = !is_poll(asking);
    write_query(query, sizeof(query), asking);
    const tow_http_call_options options = {
        .headers = posts ? polling->target->post : polling->target->fields,
        .method = posts ? "POST" : "GET",
        .body = posts ? polling->body.data : NULL,
        .body_length = posts ? polling->body.length : 0,
        .never_repeat = !polling->opened.is_extended,
        .total_seconds = seconds_for(asking),
        .may_be_slow = true,
        .max_body = posts ? 0 : polling->max_answer,
        .on_done = over,
        .user = asking,
    };
    return start(polling, &asking->call, query, &options);
}

static void ask_again(tow_timer *timer) {
    tow_asking *asking = asking_of(timer);
    int error = ask(asking);
    if (error != 0)
        lose(asking->polling, error, tow_strerror(error));
}

static void ask_in(tow_asking *asking, int milliseconds) {
    tow_loop *loop = asking->polling->loop;
    tow_timer_set(loop, &asking->timer, tow_loop_now(loop) + milliseconds * TOW_MILLISECOND, ask_again);
}

/* Whoever asks gets no callback inside of that. */
static void ask_now(tow_asking *asking) {
    if (ask(asking) != 0)
        ask_in(asking, 0);
}

/* What came of it. */

static void lose_by(tow_asking *asking, const tow_http_result *result) {
    char text[TEXT_MAX];
    int status = result->error == 0 ? result->head->status : 0;
    if (status == STATUS_TOO_LARGE || result->error == TOW_ERROR_HTTP_TOO_LARGE)
        lose(asking->polling, TOW_ERROR_MESSAGE_TOO_LARGE,
            status != 0 ? "the server takes no message of that size by polling"
                        : "what the server has sent by polling is larger than max_message");
    else if (status == 0)
        lose(asking->polling, result->error, result->text);
    else {
        tow_text_format(text, sizeof(text), "the server has given the session up: it answered %d", status);
        lose(asking->polling, TOW_ERROR_ENDED, text);
    }
}

/* Whether the same request may be answered another time. */
static bool may_pass(const tow_asking *asking, const tow_http_result *result) {
    bool is_answered = result->error == 0 && result->head->status < 500;
    bool is_certain = result->error == TOW_ERROR_HTTP_TOO_LARGE || result->error == TOW_ERROR_MEMORY ||
                      result->error == TOW_ERROR_CERTIFICATE;
    return asking->polling->opened.is_extended && !is_answered && !is_certain;
}

/* The server may hold a post for long: it is shown that there is somebody still. */
static bool is_held(const tow_asking *asking, const tow_http_result *result) {
    return !is_poll(asking) && result->error == TOW_ERROR_TIMED_OUT;
}

/* For as long as the server keeps a session to which nobody comes. */
static bool is_hopeless(const tow_asking *asking) {
    int64_t failing = tow_loop_now(asking->polling->loop) - asking->failing_since;
    return failing >= asking->polling->opened.linger_milliseconds * TOW_MILLISECOND;
}

static void failed(tow_asking *asking, const tow_http_result *result) {
    bool is_first = asking->failing_since == 0 || is_held(asking, result);
    if (!may_pass(asking, result) || (!is_first && is_hopeless(asking))) {
        lose_by(asking, result);
        return;
    }
    if (is_first)
        asking->failing_since = tow_loop_now(asking->polling->loop);
    ask_in(asking, is_first ? 0 : RETRY_MILLISECONDS);
}

static void poll_answered(tow_polling *polling, tow_http_call *call) {
    tow_buffer answer;
    tow_http_call_take_body(call, &answer);
    polling->answers++;
    polling->events->on_answer(polling, &answer);
}

static bool is_taken(const tow_http_result *result) {
    return result->body_length == 2 &&
           strncasecmp((const char *)result->body, "ok", 2) == 0; /* some say OK */
}

static void post_answered(tow_polling *polling) {
    tow_buffer_clear(&polling->body);
    polling->posts++;
    polling->events->on_posted(polling);
}

static void over(tow_http_call *call, const tow_http_result *result) {
    tow_asking *asking = tow_http_call_user(call);
    asking->call = NULL;
    tow_http_call_free(call); /* when this has returned */
    if (result->error != 0 || result->head->status != 200) {
        failed(asking, result);
        return;
    }
    asking->failing_since = 0;
    if (is_poll(asking))
        poll_answered(asking->polling, call);
    else if (is_taken(result))
        post_answered(asking->polling);
    else
        lose(asking->polling, TOW_ERROR_PACKET,
            "what was said was answered with something else than ok: by somebody else than the server");
}

/* The beginning. */

static void heard_of(tow_http_call *call, const tow_http_head *head) {
    tow_polling *polling = tow_http_call_user(call);
    (void)head;
    (void)tow_http_call_peer(call, polling->peer, sizeof(polling->peer)); /* else "" */
}

static void begun(tow_http_call *call, const tow_http_result *result) {
    tow_polling *polling = tow_http_call_user(call);
    polling->beginning = NULL;
    tow_http_call_free(call);
    polling->events->on_begun(polling, call, result);
}

int tow_polling_begin(tow_polling *polling, tow_loop *loop, const tow_target *target,
    const tow_http_client_options *options, const char *unix_path, const tow_polling_events *events) {
    const tow_http_call_options call = {.headers = target->fields,
        .never_repeat = true,
        .total_seconds = BEGIN_SECONDS,
        .on_head = heard_of,
        .on_done = begun,
        .user = polling};
    *polling = (tow_polling){
        .loop = loop, .events = events, .target = target, .unix_path = unix_path, .max_answer = TOW_OFF};
    polling->poll.polling = polling->post.polling = polling;
    int error = tow_http_client_new(&polling->client, loop, options);
    if (error == 0)
        error = start(polling, &polling->beginning, (const char *)target->beginning.data, &call);
    if (error != 0)
        tow_polling_stop(polling);
    return error;
}

void tow_polling_go_on(tow_polling *polling, const tow_opened *opened, int64_t max_answer) {
    polling->opened = *opened;
    polling->max_answer = max_answer;
}

/* Calls. */

static bool is_under_way(const tow_asking *asking) {
    return asking->call != NULL || tow_timer_is_set(&asking->timer);
}

bool tow_polling_is_asking(const tow_polling *polling) {
    return is_under_way(&polling->poll);
}

bool tow_polling_is_posting(const tow_polling *polling) {
    return is_under_way(&polling->post);
}

void tow_polling_ask(tow_polling *polling) {
    tow_http_call_free(polling->sign);
    polling->sign = NULL;
    if (!tow_polling_is_asking(polling))
        ask_now(&polling->poll);
}

void tow_polling_ask_no_more(tow_polling *polling) {
    if (polling->poll.call == NULL)
        tow_timer_cancel(polling->loop, &polling->poll.timer);
}

void tow_polling_post(tow_polling *polling, tow_buffer *body) {
    assert(!tow_polling_is_posting(polling));
    tow_buffer_clear(&polling->body);
    polling->body = *body;
    *body = (tow_buffer){0};
    ask_now(&polling->post);
}

/* That it is answered is enough. */

static void sign_over(tow_polling *polling) {
    tow_http_call_free(polling->sign);
    polling->sign = NULL;
}

static void sign_answered(tow_http_call *call, const tow_http_head *head) {
    (void)head;
    sign_over(tow_http_call_user(call));
}

static void sign_failed(tow_http_call *call, const tow_http_result *result) {
    (void)result;
    sign_over(tow_http_call_user(call));
}

void tow_polling_show_life(tow_polling *polling) {
    char query[sizeof(polling->opened.sid) + 64];
    const tow_http_call_options options = {.headers = polling->target->fields,
        .total_seconds = EXTENDED_POLL_SECONDS,
        .on_head = sign_answered,
        .on_done = sign_failed,
        .user = polling};
    if (polling->sign != NULL || polling->answers == 0 || !polling->opened.is_extended)
        return;
    snprintf(query, sizeof(query), "sid=%s&ack=%llu", polling->opened.sid,
        (unsigned long long)(polling->answers - 1));
    (void)start(polling, &polling->sign, query, &options); /* else the next one will do */
}
