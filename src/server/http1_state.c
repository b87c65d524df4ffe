#include "http1_state.h"

#include "transport/tls.h"

enum {
    TURN = 16,        /* requests, and pieces of bodies, that a connection has in a round */
    ROUND = 32 * TURN /* that all have who wait for their turns */
};

bool tow_http1_is_blocked(tow_http1 *http1) {
    tow_stream *stream = tow_http1_stream(http1);
    return !tow_output_is_idle(&http1->output) ||
           (tow_stream_is_blocked(stream) && !tow_stream_is_handshaking(stream));
}

/* Times: what the peer has for its part, which stands still while nothing is read; what the handler has; and
 * when to look whether the peer takes what was said. */

static int64_t seconds_after(int64_t time, int seconds) {
    return seconds == TOW_OFF ? INT64_MAX : time + seconds * TOW_SECOND;
}

static int64_t now_of(const tow_http1 *http1) {
    return tow_loop_now(tow_http1_loop(http1));
}

static int64_t peers_end(const tow_http1 *http1) {
    const tow_settings *settings = &tow_http1_worker(http1)->server->settings;
    const tow_limits *limits = tow_exchange_limits(&http1->exchange);
    switch ((tow_http1_step)http1->state) {
    case TOW_HTTP1_WAITING:
        return http1->served == 0 ? seconds_after(http1->begun, settings->handshake_seconds)
                                  : seconds_after(now_of(http1), limits->idle_seconds);
    case TOW_HTTP1_HEAD:
        return seconds_after(http1->begun, settings->handshake_seconds);
    case TOW_HTTP1_BODY:
    case TOW_HTTP1_RAW:
    case TOW_HTTP1_DISCARDING:
        return seconds_after(now_of(http1), limits->message_seconds);
    case TOW_HTTP1_WORKING: /* which takes as long as the handler wants */
    case TOW_HTTP1_KEPT:
    case TOW_HTTP1_ANSWERING:
    case TOW_HTTP1_LINGERING:
    case TOW_HTTP1_OVER:
        break;
    }
    return INT64_MAX;
}

/* Whether the handler waits for the client. */
static bool is_to_send(const tow_http1 *http1) {
    return http1->state == TOW_HTTP1_RAW || (http1->state == TOW_HTTP1_BODY && !http1->exchange.body_paused);
}

/* While the client is to send something the time for the answer stands still. */
static void note_asked(tow_http1 *http1) {
    if (is_to_send(http1))
        http1->asked = INT64_MAX;
    else if (http1->asked == INT64_MAX)
        http1->asked = now_of(http1);
}

static int64_t answer_end(const tow_http1 *http1) {
    bool is_asked = http1->exchange.admission == TOW_ADMISSION_ASKED;
    if (http1->exchange.entrance != NULL && !is_asked)
        return INT64_MAX; /* a poll waits as long as its session says */
    int seconds = http1->exchange.route->handler.answer_seconds;
    return seconds == 0 || http1->exchange.answered ? INT64_MAX : seconds_after(http1->asked, seconds);
}

int64_t tow_http1_time(const tow_http1 *http1) {
    bool waits_for_handler =
        http1->state == TOW_HTTP1_KEPT || (http1->state == TOW_HTTP1_BODY && http1->exchange.body_paused);
    if (waits_for_handler)
        return answer_end(http1);
    return http1->paused ? INT64_MAX : http1->end;
}

/* When to look at the progress. TLS tells nobody that it keeps something: one look behind what was said finds
 * that out. */
static int64_t next_look(tow_http1 *http1) {
    bool lingers = http1->state == TOW_HTTP1_LINGERING;
    int seconds = lingers ? TOW_HTTP1_LINGER_SECONDS : tow_exchange_limits(&http1->exchange)->stall_seconds;
    bool has_to_look = http1->progress.left == SIZE_MAX && tow_stream_is_secure(tow_http1_stream(http1));
    if (http1->state == TOW_HTTP1_OVER || seconds == TOW_OFF)
        return INT64_MAX;
    return lingers || has_to_look || tow_http1_is_blocked(http1)
               ? tow_progress_next(&http1->progress, now_of(http1), seconds)
               : INT64_MAX;
}

/* One timer, set again only when it must fire sooner than it would. */

static void timer_fired(tow_timer *timer) {
    tow_http1 *http1 = (tow_http1 *)((char *)timer - offsetof(tow_http1, timer));
    if (now_of(http1) < http1->deadline)
        tow_http1_arm(http1);
    else
        http1->on_time(http1);
}

void tow_http1_arm(tow_http1 *http1) {
    int64_t time = tow_http1_time(http1);
    int64_t look = next_look(http1);
    http1->deadline = look < time ? look : time;
    bool sooner = !tow_timer_is_set(&http1->timer) || http1->deadline < http1->armed;
    if (http1->deadline == INT64_MAX || !sooner)
        return;
    http1->armed = http1->deadline;
    tow_timer_set(tow_http1_loop(http1), &http1->timer, http1->deadline, timer_fired);
}

void tow_http1_set_paused(tow_http1 *http1, bool paused) {
    if (paused)
        http1->stands = now_of(http1);
    else if (http1->end != INT64_MAX)
        http1->end += now_of(http1) - http1->stands;
    http1->paused = paused;
    tow_http1_arm(http1);
    if (paused)
        tow_stream_pause(tow_http1_stream(http1));
    else
        tow_stream_resume(tow_http1_stream(http1));
}

void tow_http1_extend(tow_http1 *http1, size_t length) {
    if (http1->end != INT64_MAX)
        http1->end += tow_limits_time_for(tow_exchange_limits(&http1->exchange), length);
}

static void begin_time(tow_http1 *http1) {
    http1->end = peers_end(http1);
    http1->stands = now_of(http1);
}

void tow_http1_begin_waiting(tow_http1 *http1) {
    tow_progress_note(&http1->progress, now_of(http1));
    tow_http1_arm(http1);
}

/* Who takes the last answer is not idle. */
void tow_http1_moved(tow_http1 *http1) {
    if (http1->state == TOW_HTTP1_WAITING)
        begin_time(http1);
    tow_http1_begin_waiting(http1);
}

void tow_http1_enter(tow_http1 *http1, tow_http1_step state) {
    bool is_other = http1->state != state;
    http1->state = (uint8_t)state;
    http1->exchange.over = state == TOW_HTTP1_OVER;
    note_asked(http1);
    if (is_other)
        begin_time(http1);
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
        http1->turn =
            tow_loop_has_room(tow_http1_loop(http1)) ? tow_loop_share(tow_http1_loop(http1), TURN, ROUND) : 0;
    http1->round = round;
}

bool tow_http1_yield(tow_http1 *http1) {
    http1->yielded = true;
    tow_stream_yield(tow_http1_stream(http1));
    return false;
}
