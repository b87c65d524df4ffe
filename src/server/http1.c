#include "http1.h"

#include "dispatch.h"
#include "http1_reading.h"
#include "http1_upgrade.h"
#include "http1_writing.h"
#include "report.h"
#include "transport/tls.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum {
    LINGER_BYTES = 2 * 1024 * 1024, /* a peer that sends more after our end is reset */
    KEPT_CAPACITY = 4096
};

/* A step is as much as all else that a turn has. */
static bool work(tow_http1 *http1) {
    if (http1->turn <= 0)
        return tow_http1_yield(http1);
    http1->turn = 0;
    tow_dispatch_work(&http1->exchange);
    if (http1->exchange.work.step != NULL)
        return tow_http1_yield(http1);
    tow_http1_follow(http1);
    return true;
}

/* The handler has let the request in. A WebSocket would not hear of an end that has come already. */
static bool admit(tow_http1 *http1, const tow_http1_input *received) {
    if (http1->exchange.opens && http1->peer_ended) {
        tow_exchange_tell_gone(&http1->exchange);
        tow_http1_close(http1);
        return false;
    }
    if (http1->exchange.opens)
        tow_stream_flush(tow_http1_stream(http1)); /* what was sent ahead of it */
    if (http1->exchange.opens && tow_http1_is_blocked(http1))
        return false; /* the answer 101 stands alone */
    http1->rest = *received;
    tow_dispatch_admitted(&http1->exchange);
    tow_http1_follow(http1);
    return true;
}

static bool drop(tow_http1 *http1, tow_http1_input *received) {
    http1->dropped += received->length;
    received->length = 0;
    if (http1->state == TOW_HTTP1_LINGERING && http1->dropped > LINGER_BYTES)
        tow_http1_close(http1);
    return false;
}

static bool step(tow_http1 *http1, tow_http1_input *received) {
    switch ((tow_http1_step)http1->state) {
    case TOW_HTTP1_WAITING:
        return !tow_http1_is_blocked(http1) && tow_http1_begin_request(http1, received);
    case TOW_HTTP1_HEAD:
        return !tow_http1_is_blocked(http1) && tow_http1_read_head(http1, received);
    case TOW_HTTP1_BODY:
        return tow_http1_read_body(http1, received);
    case TOW_HTTP1_RAW:
        return tow_http1_read_raw(http1, received);
    case TOW_HTTP1_WORKING:
        return work(http1);
    case TOW_HTTP1_KEPT:
        return http1->exchange.admission == TOW_ADMISSION_GIVEN && admit(http1, received);
    case TOW_HTTP1_ANSWERING:
        return tow_http1_write_answer(http1);
    case TOW_HTTP1_DISCARDING:
        return tow_http1_discard_body(http1, received);
    case TOW_HTTP1_LINGERING:
    case TOW_HTTP1_OVER:
        break;
    }
    return drop(http1, received);
}

/* The frame around the steps. */

/* Keeps what was not used for the next time. */
static void keep_rest(tow_http1 *http1, const tow_http1_input *rest, bool is_kept) {
    if (!is_kept) {
        if (tow_buffer_append(&http1->input, rest->bytes, rest->length) != 0)
            tow_http1_out_of_memory(http1);
        return;
    }
    tow_buffer_consume(&http1->input, http1->input.length - rest->length);
    if (rest->length == 0)
        tow_buffer_empty(&http1->input, KEPT_CAPACITY);
}

/* Whether an answer is awaited, made or sent, or what was received waits for a turn. */
static bool is_busy(const tow_http1 *http1) {
    bool is_held = http1->state == TOW_HTTP1_BODY && http1->exchange.body_paused;
    bool is_answered = http1->state >= TOW_HTTP1_WORKING && http1->state <= TOW_HTTP1_ANSWERING;
    return is_held || is_answered || http1->yielded;
}

/* What the peer's end cuts off will never be whole. */
static bool is_cut_off(tow_http1 *http1) {
    return http1->peer_ended && !is_busy(http1);
}

/* Between requests a drain ends it. */
static bool is_drained(const tow_http1 *http1) {
    return tow_http1_worker(http1)->drain != TOW_SERVING && http1->state == TOW_HTTP1_WAITING &&
           !http1->yielded && http1->input.length == 0;
}

/* The end must not overtake the last answers. */
static bool may_end(tow_http1 *http1) {
    if (!is_cut_off(http1) && !is_drained(http1))
        return false;
    tow_stream_flush(tow_http1_stream(http1));
    return !tow_http1_is_blocked(http1);
}

/* Who keeps the request may answer it then, or break it off. */
static void tell_handler(tow_http1 *http1) {
    if (is_busy(http1) && (http1->peer_ended || http1->fin))
        tow_exchange_tell_end(&http1->exchange);
    if (tow_http1_worker(http1)->drain != TOW_SERVING && http1->state != TOW_HTTP1_OVER)
        tow_exchange_tell_stop(&http1->exchange);
    if (http1->state != TOW_HTTP1_OVER)
        tow_exchange_tell_drain(&http1->exchange);
}

static void settle(tow_http1 *http1) {
    tow_stream *stream = tow_http1_stream(http1);
    if (http1->state == TOW_HTTP1_OVER)
        return;
    if (http1->output.lost) {
        tow_http1_out_of_memory(http1);
        return;
    }
    tell_handler(http1);
    if (http1->state == TOW_HTTP1_OVER)
        return;
    if (may_end(http1)) {
        if (tow_stream_untaken(stream) > 0)
            (void)tow_http1_linger(http1); /* else a request that comes now would reset what is on its way */
        else
            tow_http1_close(http1);
        return;
    }
    bool lingers = http1->state == TOW_HTTP1_LINGERING; /* and drops what comes */
    bool pauses = is_busy(http1) || (tow_http1_is_blocked(http1) && !lingers);
    if (pauses != http1->paused)
        tow_http1_set_paused(http1, pauses);
}

/* Does all that can be done, with what was kept and what has come now. The exchange may be gone afterwards.
 */
static void run(tow_http1 *http1, uint8_t *bytes, size_t length) {
    tow_http1_begin_turn(http1);
    bool is_kept = http1->input.length > 0;
    if (is_kept && tow_buffer_append(&http1->input, bytes, length) != 0) {
        tow_http1_out_of_memory(http1);
        return;
    }
    tow_http1_input received = {.bytes = bytes, .length = length};
    if (is_kept)
        received = (tow_http1_input){.bytes = http1->input.data, .length = http1->input.length};
    while (!http1->yielded && step(http1, &received))
        continue;
    if (http1->upgraded) {
        tow_http1_free(http1);
        return;
    }
    if (http1->state != TOW_HTTP1_OVER)
        keep_rest(http1, &received, is_kept);
    settle(http1);
}

void tow_http1_receive(tow_http1 *http1, uint8_t *bytes, size_t length) {
    run(http1, bytes, length);
}

void tow_http1_take_back(tow_http1 *http1, const uint8_t *rest, size_t length) {
    tow_output_take_back(&http1->output, rest, length);
    tow_http1_begin_waiting(http1); /* from now on the peer must take something */
}

void tow_http1_writable(tow_http1 *http1) {
    if (http1->state == TOW_HTTP1_OVER)
        return;
    tow_http1_moved(http1);
    tow_http1_write_rest(http1);
    run(http1, NULL, 0);
}

void tow_http1_take_turn(tow_http1 *http1) {
    http1->yielded = false;
    tow_http1_write_rest(http1);
    run(http1, NULL, 0);
}

void tow_http1_end(tow_http1 *http1) {
    http1->peer_ended = true;
    run(http1, NULL, 0);
}

void tow_http1_fin(tow_http1 *http1) {
    http1->fin = true;
    settle(http1);
}

void tow_http1_fail(tow_http1 *http1) {
    const char *why = tow_stream_failure_text(tow_http1_stream(http1));
    if (why != NULL) {
        tow_count(&tow_exchange_counters(&http1->exchange)->tls_failures);
        tow_access_log_line(&http1->exchange.log, TOW_LOG_INFO, 0, why);
    }
    tow_http1_close(http1);
}

static void head_timed_out(tow_http1 *http1) {
    tow_access_log_limit(&http1->exchange.log, &tow_exchange_counters(&http1->exchange)->handshake_timeouts);
    tow_http1_refuse(http1, 408, "the request took too long");
    run(http1, NULL, 0);
}

static void body_timed_out(tow_http1 *http1) {
    tow_access_log_limit(&http1->exchange.log, &tow_exchange_counters(&http1->exchange)->body_timeouts);
    http1->exchange.wants_body = false;
    http1->exchange.raw_wanted = 0;
    tow_exchange_tell_gone(&http1->exchange);
    tow_http1_refuse(http1, 408, "the body took too long");
    run(http1, NULL, 0);
}

static void answer_timed_out(tow_http1 *http1) {
    assert(!http1->exchange.answered);
    tow_access_log_limit(&http1->exchange.log, &tow_exchange_counters(&http1->exchange)->answer_timeouts);
    tow_exchange_tell_gone(&http1->exchange);
    tow_http1_refuse(http1, 503, "the answer took too long");
    run(http1, NULL, 0);
}

/* Whether what is said would be read as HTTP: not while TLS or a PROXY header is still to come. */
static bool may_answer(tow_http1 *http1) {
    bool waits_for_proxy =
        tow_http1_worker(http1)->server->settings.proxy_protocol && !http1->exchange.visitor.introduced;
    return !waits_for_proxy && !tow_stream_is_blocked(tow_http1_stream(http1));
}

/* Between requests the end needs no word. */
static void waiting_timed_out(tow_http1 *http1) {
    if (http1->served == 0 && may_answer(http1)) {
        head_timed_out(http1);
        return;
    }
    tow_server_counters *counted = tow_exchange_counters(&http1->exchange);
    tow_access_log_limit(
        &http1->exchange.log, http1->served == 0 ? &counted->handshake_timeouts : &counted->idle_timeouts);
    tow_access_log_end(&http1->exchange.log);
    tow_http1_close(http1);
}

static void stalled(tow_http1 *http1) {
    tow_access_log_limit(&http1->exchange.log, &tow_exchange_counters(&http1->exchange)->stalls);
    tow_access_log_end(&http1->exchange.log);
    tow_http1_reset(http1);
}

/* Whether the peer has still to take something of what was said, as far as somebody looked. */
static bool is_taking(tow_http1 *http1) {
    return tow_http1_is_blocked(http1) || (http1->state == TOW_HTTP1_LINGERING && http1->progress.left > 0);
}

/* Whether it has taken nothing for too long, or has not ended its side after it took all. */
static bool is_stalled(tow_http1 *http1, int64_t now) {
    tow_progress *progress = &http1->progress;
    (void)tow_progress_look(progress, tow_http1_stream(http1), now);
    if (is_taking(http1))
        return tow_progress_is_over(progress, now, tow_exchange_limits(&http1->exchange)->stall_seconds);
    return http1->state == TOW_HTTP1_LINGERING &&
           tow_progress_is_over(progress, now, TOW_HTTP1_LINGER_SECONDS);
}

static void state_timed_out(tow_http1 *http1) {
    switch ((tow_http1_step)http1->state) {
    case TOW_HTTP1_WAITING:
        waiting_timed_out(http1);
        break;
    case TOW_HTTP1_HEAD:
        head_timed_out(http1);
        break;
    case TOW_HTTP1_BODY:
        if (http1->exchange.body_paused)
            answer_timed_out(http1);
        else
            body_timed_out(http1);
        break;
    case TOW_HTTP1_RAW:
        body_timed_out(http1);
        break;
    case TOW_HTTP1_DISCARDING:
        tow_access_log_limit(&http1->exchange.log, &tow_exchange_counters(&http1->exchange)->body_timeouts);
        tow_access_log_end(&http1->exchange.log);
        tow_http1_reset(http1);
        break;
    case TOW_HTTP1_KEPT:
        answer_timed_out(http1);
        break;
    case TOW_HTTP1_WORKING: /* these have no such time */
    case TOW_HTTP1_ANSWERING:
    case TOW_HTTP1_LINGERING:
    case TOW_HTTP1_OVER:
        break;
    }
}

/* Some time may be over, or it is only time to look; or TLS keeps something, which nobody has told. */
static void timed_out(tow_http1 *http1) {
    int64_t now = tow_loop_now(tow_http1_loop(http1));
    if (is_stalled(http1, now)) {
        if (is_taking(http1))
            stalled(http1);
        else
            tow_http1_close(http1);
        return;
    }
    if (tow_http1_is_blocked(http1))
        settle(http1);
    if (http1->state == TOW_HTTP1_OVER)
        return;
    if (tow_http1_time(http1) <= now)
        state_timed_out(http1);
    else
        tow_http1_arm(http1);
}

static void exchange_reset(tow_exchange *exchange) {
    tow_http1_reset((tow_http1 *)exchange);
}

/* From outside of the connection's own events: what is to be done is done in its next turn. An answer that is
 * on its way stays so: that more was said gives the peer no more time. */
static void go_on(tow_exchange *exchange) {
    tow_http1 *http1 = (tow_http1 *)exchange;
    if (http1->state != TOW_HTTP1_ANSWERING)
        tow_http1_follow(http1);
    if (!http1->yielded)
        (void)tow_http1_yield(http1);
}

static const tow_exchange_class class = {
    .write = tow_http1_write,
    .end = tow_http1_end_body,
    .write_bytes = tow_http1_write_bytes,
    .end_all = tow_http1_end_all,
    .buffered = tow_http1_buffered,
    .pull = tow_http1_pull,
    .go_on = go_on,
    .reset = exchange_reset,
    .upgrade = tow_http1_upgrade,
};

int tow_http1_new(tow_http1 **out, tow_connection *connection) {
    tow_http1 *http1 = calloc(1, sizeof(*http1));
    if (http1 == NULL)
        return TOW_ERROR_MEMORY;
    tow_exchange_init(&http1->exchange, &class, connection);
    http1->on_time = timed_out;
    http1->begun = tow_loop_now(tow_http1_loop(http1));
    tow_http1_moved(http1); /* it waits for the first request */
    *out = http1;
    return 0;
}

void tow_http1_free(tow_http1 *http1) {
    if (http1 == NULL)
        return;
    tow_timer_cancel(tow_http1_loop(http1), &http1->timer);
    tow_exchange_tell_gone(&http1->exchange);
    tow_output_clear(&http1->output);
    tow_exchange_clear(&http1->exchange);
    tow_buffer_clear(&http1->input);
    free(http1);
}

void tow_http1_refuse_all(tow_http1 *http1, const char *option) {
    http1->exchange.log.limit = option;
    tow_exchange_refuse_with(&http1->exchange, 503, "too many connections", "Retry-After", "5");
    tow_http1_follow(http1);
    run(http1, NULL, 0);
}

void tow_http1_drain(tow_http1 *http1) {
    http1->keeps_alive = false;
    settle(http1);
}

void tow_http1_tell_gone(tow_http1 *http1) {
    tow_exchange_tell_gone(&http1->exchange);
}

void tow_http1_end_late(tow_http1 *http1) {
    tow_access_log_limit(&http1->exchange.log, &tow_http1_worker(http1)->counters.drain_resets);
    tow_access_log_end(&http1->exchange.log);
    tow_http1_reset(http1);
}
