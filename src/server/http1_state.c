#include "http1_state.h"

#include "transport/tls.h"

enum { TURN = 16 /* requests, and pieces of bodies, that a connection has in a round */ };

bool tow_http1_is_blocked(tow_http1 *http1) {
    tow_stream *stream = tow_http1_stream(http1);
    return !tow_output_is_idle(&http1->output) ||
           (tow_stream_is_blocked(stream) && !tow_stream_is_handshaking(stream));
}

/* Deadlines: one timer, set again only when it must fire sooner than it would. */

static void timer_fired(tow_timer *timer) {
    tow_http1 *http1 = (tow_http1 *)((char *)timer - offsetof(tow_http1, timer));
    if (tow_loop_now(tow_http1_loop(http1)) < http1->deadline)
        tow_http1_arm(http1);
    else
        http1->on_time(http1);
}

void tow_http1_arm(tow_http1 *http1) {
    bool sooner = !tow_timer_is_set(&http1->timer) || http1->deadline < http1->armed;
    if (http1->deadline == INT64_MAX || !sooner)
        return;
    http1->armed = http1->deadline;
    tow_timer_set(tow_http1_loop(http1), &http1->timer, http1->deadline, timer_fired);
}

static int64_t seconds_after(int64_t time, int seconds) {
    return seconds == TOW_OFF ? INT64_MAX : time + seconds * TOW_SECOND;
}

static int64_t answer_deadline(const tow_http1 *http1) {
    int seconds = http1->exchange.route->handler.answer_seconds;
    return seconds == 0 || http1->exchange.answered ? INT64_MAX : seconds_after(http1->asked, seconds);
}

static int64_t state_deadline(tow_http1 *http1) {
    const tow_settings *settings = &tow_http1_worker(http1)->server->settings;
    const tow_limits *limits = tow_exchange_limits(&http1->exchange);
    int64_t now = tow_loop_now(tow_http1_loop(http1));
    if (http1->state != TOW_HTTP1_OVER && tow_http1_is_blocked(http1))
        return limits->stall_seconds == TOW_OFF
                   ? INT64_MAX
                   : tow_progress_next(&http1->progress, now, limits->stall_seconds);
    switch ((tow_http1_step)http1->state) {
    case TOW_HTTP1_WAITING:
        return http1->served == 0 ? seconds_after(http1->begun, settings->handshake_seconds)
                                  : seconds_after(now, limits->idle_seconds);
    case TOW_HTTP1_HEAD:
        return seconds_after(http1->begun, settings->handshake_seconds);
    case TOW_HTTP1_BODY:
        return http1->exchange.body_paused ? answer_deadline(http1)
                                           : seconds_after(now, limits->message_seconds);
    case TOW_HTTP1_RAW:
    case TOW_HTTP1_DISCARDING:
        return seconds_after(now, limits->message_seconds);
    case TOW_HTTP1_ANSWERING:
        return seconds_after(now, limits->stall_seconds);
    case TOW_HTTP1_WORKING: /* which takes as long as the handler wants */
        break;
    case TOW_HTTP1_KEPT:
        return answer_deadline(http1);
    case TOW_HTTP1_LINGERING:
        return seconds_after(now, TOW_HTTP1_LINGER_SECONDS);
    case TOW_HTTP1_OVER:
        break;
    }
    return INT64_MAX;
}

/* While the client is to send something the time for the answer stands still. */
static void note_asked(tow_http1 *http1, int64_t now) {
    if (http1->state == TOW_HTTP1_BODY && !http1->exchange.body_paused)
        http1->asked = INT64_MAX;
    else if (http1->asked == INT64_MAX)
        http1->asked = now;
}

void tow_http1_enter(tow_http1 *http1, tow_http1_step state) {
    int64_t now = tow_loop_now(tow_http1_loop(http1));
    http1->state = (uint8_t)state;
    http1->exchange.over = state == TOW_HTTP1_OVER;
    note_asked(http1, now);
    tow_progress_note(&http1->progress, now);
    http1->deadline = state_deadline(http1);
    if (state == TOW_HTTP1_OVER)
        tow_timer_cancel(tow_http1_loop(http1), &http1->timer);
    else
        tow_http1_arm(http1);
}

void tow_http1_follow(tow_http1 *http1) {
    const tow_exchange *exchange = &http1->exchange;
    if (exchange->over)
        return;
    if (exchange->wants_body)
        tow_http1_enter(http1, TOW_HTTP1_BODY);
    else if (exchange->raw_wanted > 0)
        tow_http1_enter(http1, TOW_HTTP1_RAW);
    else if (exchange->work.step != NULL)
        tow_http1_enter(http1, TOW_HTTP1_WORKING);
    else
        tow_http1_enter(http1, exchange->answered ? TOW_HTTP1_ANSWERING : TOW_HTTP1_KEPT);
}

void tow_http1_close(tow_http1 *http1) {
    tow_http1_enter(http1, TOW_HTTP1_OVER);
    tow_stream_close(tow_http1_stream(http1));
}

void tow_http1_reset(tow_http1 *http1) {
    tow_http1_enter(http1, TOW_HTTP1_OVER);
    tow_stream_reset(tow_http1_stream(http1));
}

void tow_http1_out_of_memory(tow_http1 *http1) {
    tow_count(&tow_exchange_counters(&http1->exchange)->memory_failures);
    tow_http1_reset(http1);
}

void tow_http1_begin_turn(tow_http1 *http1) {
    uint32_t round = (uint32_t)tow_loop_count(tow_http1_loop(http1))->rounds;
    if (round != http1->round)
        http1->turn = tow_loop_share(tow_http1_loop(http1), TURN);
    http1->round = round;
}

bool tow_http1_yield(tow_http1 *http1) {
    http1->yielded = true;
    tow_stream_yield(tow_http1_stream(http1));
    return false;
}
