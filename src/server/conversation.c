#include "conversation.h"

#include "answer.h"
#include "base/text.h"
#include "connection.h"
#include "dispatch.h"
#include "protocol/opening.h"
#include "report.h"
#include "visitor.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    LINGER_SECONDS = 1,
    LINGER_BYTES = 2 * 1024 * 1024, /* a peer that sends more after our end is reset */
    DISCARD_BYTES = 64 * 1024,      /* the rest of a body that is read over to keep the connection */
    TURN = 16,                      /* requests, and pieces of bodies, that a connection has in a round */
    KEPT_CAPACITY = 4096
};

/* What has come and was not used yet. */
struct received {
    uint8_t *bytes;
    size_t length;
};

static tow_server_counters *counters(tow_exchange *exchange) {
    return &tow_connection_worker(exchange->connection)->counters;
}

static tow_loop *loop_of(const tow_exchange *exchange) {
    return tow_connection_worker(exchange->connection)->loop;
}

/* Whether the peer has not taken all that was said: it waits in the output, or below, where TLS keeps what
 * the kernel did not take. Then nothing is read and no request is begun, so that of what a peer sends who
 * takes no answers no more is kept than a read brought. */
static bool is_blocked(tow_exchange *exchange) {
    tow_stream *stream = tow_conversation_stream(exchange);
    return !tow_output_is_idle(&exchange->output) ||
           (tow_stream_is_blocked(stream) && !tow_stream_is_handshaking(stream));
}

/* Deadlines: one timer, set again only when it must fire sooner than it would. */

static void timer_fired(tow_timer *timer);

static void timer_arm(tow_exchange *exchange) {
    bool sooner = !tow_timer_is_set(&exchange->timer) || exchange->deadline < exchange->armed;
    if (exchange->deadline == INT64_MAX || !sooner)
        return;
    exchange->armed = exchange->deadline;
    tow_timer_set(loop_of(exchange), &exchange->timer, exchange->deadline, timer_fired);
}

static int64_t seconds_after(int64_t time, int seconds) {
    return seconds == TOW_OFF ? INT64_MAX : time + seconds * TOW_SECOND;
}

static const tow_limits *limits_of(tow_exchange *exchange) {
    return exchange->route != NULL ? &exchange->route->behaviour.limits
                                   : &tow_conversation_server(exchange)->settings.limits;
}

static int64_t state_deadline(tow_exchange *exchange) {
    const tow_settings *settings = &tow_conversation_server(exchange)->settings;
    const tow_limits *limits = limits_of(exchange);
    int64_t now = tow_loop_now(loop_of(exchange));
    if (exchange->state != TOW_OVER && is_blocked(exchange))
        return limits->stall_seconds == TOW_OFF
                   ? INT64_MAX
                   : tow_progress_next(&exchange->progress, now, limits->stall_seconds);
    switch ((tow_conversation_state)exchange->state) {
    case TOW_WAITING:
        return exchange->served == 0 ? seconds_after(exchange->begun, settings->handshake_seconds)
                                     : seconds_after(now, limits->idle_seconds);
    case TOW_HEAD:
        return seconds_after(exchange->begun, settings->handshake_seconds);
    case TOW_BODY:
    case TOW_DISCARDING:
        return seconds_after(now, limits->message_seconds);
    case TOW_ANSWERING:
        return seconds_after(now, limits->stall_seconds);
    case TOW_WORKING: /* which takes as long as the handler wants */
        break;
    case TOW_LINGERING:
        return seconds_after(now, LINGER_SECONDS);
    case TOW_OVER:
        break;
    }
    return INT64_MAX;
}

/* The only place where the state changes, but for the upgrade. The same state again begins its time anew. */
static void enter(tow_exchange *exchange, tow_conversation_state state) {
    exchange->state = (uint8_t)state;
    tow_progress_note(&exchange->progress, tow_loop_now(loop_of(exchange)));
    exchange->deadline = state_deadline(exchange);
    if (state == TOW_OVER)
        tow_timer_cancel(loop_of(exchange), &exchange->timer);
    else
        timer_arm(exchange);
}

static void close_stream(tow_exchange *exchange) {
    enter(exchange, TOW_OVER);
    tow_stream_close(tow_conversation_stream(exchange));
}

void tow_conversation_reset(tow_exchange *exchange) {
    enter(exchange, TOW_OVER);
    tow_stream_reset(tow_conversation_stream(exchange));
}

static void out_of_memory(tow_exchange *exchange) {
    tow_count(&counters(exchange)->memory_failures);
    tow_conversation_reset(exchange);
}

/* Turns: what is left to do when a connection had its share of a round is done in the next. */

static void begin_turn(tow_exchange *exchange) {
    uint32_t round = (uint32_t)tow_loop_count(loop_of(exchange))->rounds;
    if (round != exchange->round)
        exchange->turn = TURN;
    exchange->round = round;
}

/* Returns false, for the step that ends with it. */
static bool yield(tow_exchange *exchange) {
    exchange->yielded = true;
    tow_stream_yield(tow_conversation_stream(exchange));
    return false;
}

/* Steps: each does what its state can do with what has come, and tells whether there is more to do. */

static bool refuse(tow_exchange *exchange, int status, const char *text) {
    tow_answer_refuse(exchange, status, text, NULL);
    if (exchange->state != TOW_OVER)
        enter(exchange, TOW_ANSWERING);
    return true;
}

static bool refuse_syntax(tow_exchange *exchange, int status) {
    tow_count(&counters(exchange)->bad_requests);
    switch (status) {
    case 431:
        return refuse(exchange, status, "too many header fields");
    case 501:
        return refuse(exchange, status, "this method or transfer coding is not known here");
    case 505:
        return refuse(exchange, status, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    default:
        return refuse(exchange, 400, "this is not valid HTTP/1.1");
    }
}

/* The record that a client's handshake begins with (RFC 8446, sections 4 and 5.1). */
static bool is_tls(const uint8_t *bytes, size_t length) {
    return length >= 2 && bytes[0] == 22 && bytes[1] == 3;
}

static bool refuse_tls(tow_exchange *exchange) {
    tow_count(&counters(exchange)->bad_requests);
    return refuse(exchange, 400, "TLS is not spoken here: use ws:// or http://");
}

/* What follows a PROXY header. */
static bool begin_tls(tow_exchange *exchange, struct received *received) {
    tow_connection *connection = exchange->connection;
    bool waits = tow_connection_worker(connection)->server->settings.proxy_protocol &&
                 tow_connection_wants_tls(connection);
    if (!waits)
        return false;
    int error = tow_stream_start_prepared_tls(tow_conversation_stream(exchange),
        tow_connection_worker(connection)->tls, NULL, received->bytes, received->length);
    received->length = 0;
    if (error != 0)
        out_of_memory(exchange);
    return true;
}

/* Whether there are bytes of a request behind the PROXY header, if that has to come first. */
static bool introduce(tow_exchange *exchange, struct received *received) {
    int used = tow_visitor_introduce(exchange, received->bytes, received->length);
    if (used < 0) {
        tow_count(&counters(exchange)->proxy_headers_refused);
        tow_answer_report(exchange, TOW_LOG_NOTICE, 0, "the proxy's PROXY header is missing or not valid");
        tow_conversation_reset(exchange);
        return false;
    }
    received->bytes += used;
    received->length -= (size_t)used;
    if (!exchange->introduced || begin_tls(exchange, received))
        return false;
    return received->length > 0;
}

static bool begin_request(tow_exchange *exchange, struct received *received) {
    if (received->length == 0 || (!exchange->introduced && !introduce(exchange, received)))
        return false;
    if (exchange->turn <= 0)
        return yield(exchange);
    if (exchange->served > 0)
        exchange->begun = tow_loop_now(loop_of(exchange));
    exchange->method[0] = exchange->path[0] = '\0';
    exchange->is_head = false;
    enter(exchange, TOW_HEAD);
    return true;
}

/* The answer 101 stands alone in the cork: what was said before leaves first, of TLS too. */
static bool must_wait_to_upgrade(tow_exchange *exchange, const tow_http_head *head) {
    if (!tow_opening_is_requested(head->fields, head->field_count))
        return false;
    if (exchange->served > 0)
        tow_stream_flush(tow_conversation_stream(exchange));
    return is_blocked(exchange);
}

static void dispatch(
    tow_exchange *exchange, const tow_http_head *head, size_t head_length, struct received *received) {
    exchange->turn--;
    tow_dispatch(exchange, head, head_length, received->bytes, received->length);
    received->bytes += head_length;
    received->length -= head_length;
    if (exchange->state == TOW_OVER)
        return;
    enter(exchange, exchange->wants_body          ? TOW_BODY
                    : exchange->work.step != NULL ? TOW_WORKING
                                                  : TOW_ANSWERING);
    bool waits = exchange->wants_body && exchange->expects_continue && received->length == 0;
    exchange->expects_continue = false;
    if (waits && tow_answer_continue(exchange) != 0)
        out_of_memory(exchange);
}

static bool read_head(tow_exchange *exchange, struct received *received) {
    uint64_t limit = (uint64_t)tow_conversation_server(exchange)->settings.handshake_bytes;
    size_t offered = received->length < limit ? received->length : (size_t)limit;
    tow_http_head head;
    int length = tow_http_request_read(&head, (const char *)received->bytes, offered, &exchange->scanned);
    if (length == 0 && offered < limit)
        return false;
    if (length == 0 || length == TOW_ERROR_HTTP_TOO_LARGE) {
        tow_answer_limit(exchange, &counters(exchange)->heads_too_large);
        return refuse(exchange, 431, "the request's head is too large");
    }
    if (length < 0 && is_tls(received->bytes, received->length))
        return refuse_tls(exchange);
    if (length < 0)
        return refuse_syntax(exchange, tow_http_refusal_status(&head));
    if (must_wait_to_upgrade(exchange, &head))
        return false;
    dispatch(exchange, &head, (size_t)length, received);
    return true;
}

/* The next piece of the request's body: 1, 0 when there is none yet, 2 at the end, or an error. */
static int next_piece(tow_exchange *exchange, struct received *received, tow_slice *piece) {
    const char *bytes = (const char *)received->bytes;
    size_t length = received->length;
    int result = tow_body_next(&exchange->reader, &bytes, &length, piece);
    received->bytes += received->length - length;
    received->length = length;
    if (result == 1 && exchange->deadline != INT64_MAX)
        exchange->deadline += tow_limits_time_for(limits_of(exchange), piece->length);
    return result;
}

static tow_output_result pump(tow_exchange *exchange, bool *moved) {
    begin_turn(exchange);
    return tow_output_pump(&exchange->output, tow_conversation_stream(exchange), &exchange->turn, moved);
}

static bool keep_piece(tow_exchange *exchange, tow_slice piece) {
    if (piece.length > exchange->body_limit - exchange->body.length) {
        tow_dispatch_body_too_large(exchange);
        if (exchange->state != TOW_OVER)
            enter(exchange, TOW_ANSWERING);
    } else if (tow_buffer_append(&exchange->body, piece.data, piece.length) != 0) {
        out_of_memory(exchange);
    }
    return true;
}

static bool read_body(tow_exchange *exchange, struct received *received) {
    tow_slice piece;
    bool moved;
    if (pump(exchange, &moved) == TOW_OUTPUT_FAILED) {
        tow_conversation_reset(exchange); /* 100 Continue did not get out */
        return false;
    }
    switch (next_piece(exchange, received, &piece)) {
    case 0:
        return false;
    case 1:
        return keep_piece(exchange, piece);
    case 2:
        tow_dispatch_body(exchange);
        if (exchange->state != TOW_OVER)
            enter(exchange, TOW_ANSWERING);
        return true;
    default:
        exchange->wants_body = false;
        return refuse_syntax(exchange, 400);
    }
}

static bool linger(tow_exchange *exchange) {
    tow_stream *stream = tow_conversation_stream(exchange);
    tow_stream_flush(stream);
    if (is_blocked(exchange))
        return false; /* the end must not overtake the answer */
    if (exchange->peer_ended) {
        close_stream(exchange);
        return false;
    }
    tow_stream_shutdown(stream);
    exchange->dropped = 0;
    enter(exchange, TOW_LINGERING);
    (void)tow_progress_look(&exchange->progress, stream, tow_loop_now(loop_of(exchange)));
    return true;
}

/* The answer is out: on with the next request, or the end. */
static bool after_answer(tow_exchange *exchange) {
    tow_dispatch_end_work(exchange);
    if (!exchange->keeps_alive)
        return linger(exchange);
    exchange->served++;
    tow_buffer_clear(&exchange->fields);
    enter(exchange, exchange->has_body ? TOW_DISCARDING : TOW_WAITING);
    return true;
}

static void report_broken(tow_exchange *exchange) {
    char text[80];
    tow_text_format(text, sizeof(text), "the body ended %llu bytes too early: the client is reset",
        (unsigned long long)exchange->output.source_left);
    tow_answer_report(exchange, TOW_LOG_WARNING, 0, text);
}

static bool write_answer(tow_exchange *exchange) {
    bool moved;
    tow_output_result result = pump(exchange, &moved);
    switch (result) {
    case TOW_OUTPUT_DONE:
        return after_answer(exchange);
    case TOW_OUTPUT_BLOCKED:
    case TOW_OUTPUT_PAUSED:
        if (moved)
            enter(exchange, TOW_ANSWERING); /* the peer takes something: the time for a stall begins anew */
        return result == TOW_OUTPUT_PAUSED && yield(exchange);
    case TOW_OUTPUT_BROKEN:
        report_broken(exchange);
        break;
    case TOW_OUTPUT_FAILED:
        break;
    }
    tow_conversation_reset(exchange);
    return false;
}

/* A step is as much as all else that a turn has. */
static bool work(tow_exchange *exchange) {
    if (exchange->turn <= 0)
        return yield(exchange);
    exchange->turn = 0;
    tow_dispatch_work(exchange);
    if (exchange->work.step != NULL)
        return yield(exchange);
    if (exchange->state != TOW_OVER)
        enter(exchange, TOW_ANSWERING);
    return true;
}

static bool discard_body(tow_exchange *exchange, struct received *received) {
    tow_slice piece;
    int result = next_piece(exchange, received, &piece);
    if (result == 0)
        return false;
    if (result == 2) {
        exchange->has_body = false;
        enter(exchange, TOW_WAITING);
        return true;
    }
    exchange->dropped += result == 1 ? piece.length : 0;
    return result == 1 && exchange->dropped <= DISCARD_BYTES ? true : linger(exchange);
}

static bool drop(tow_exchange *exchange, struct received *received) {
    exchange->dropped += received->length;
    received->length = 0;
    if (exchange->state == TOW_LINGERING && exchange->dropped > LINGER_BYTES)
        close_stream(exchange);
    return false;
}

static bool step(tow_exchange *exchange, struct received *received) {
    switch ((tow_conversation_state)exchange->state) {
    case TOW_WAITING:
        return !is_blocked(exchange) && begin_request(exchange, received);
    case TOW_HEAD:
        return !is_blocked(exchange) && read_head(exchange, received);
    case TOW_BODY:
        return read_body(exchange, received);
    case TOW_WORKING:
        return work(exchange);
    case TOW_ANSWERING:
        return write_answer(exchange);
    case TOW_DISCARDING:
        return discard_body(exchange, received);
    case TOW_LINGERING:
    case TOW_OVER:
        break;
    }
    return drop(exchange, received);
}

/* The frame around the steps. */

/* Keeps what was not used for the next time. */
static void keep_rest(tow_exchange *exchange, const struct received *rest, bool is_kept) {
    if (!is_kept) {
        if (tow_buffer_append(&exchange->input, rest->bytes, rest->length) != 0)
            out_of_memory(exchange);
        return;
    }
    tow_buffer_consume(&exchange->input, exchange->input.length - rest->length);
    if (rest->length == 0 && exchange->input.capacity > KEPT_CAPACITY)
        tow_buffer_clear(&exchange->input);
}

/* Whether an answer is made or sent, or what was received waits for a turn. */
static bool is_busy(const tow_exchange *exchange) {
    return exchange->state == TOW_WORKING || exchange->state == TOW_ANSWERING || exchange->yielded;
}

/* What the peer's end cuts off will never be whole. */
static bool is_cut_off(tow_exchange *exchange) {
    return exchange->peer_ended && !is_busy(exchange);
}

/* Between requests a drain ends it. */
static bool is_drained(const tow_exchange *exchange) {
    return tow_connection_worker(exchange->connection)->drain != TOW_SERVING &&
           exchange->state == TOW_WAITING && !exchange->yielded && exchange->input.length == 0;
}

/* The end must not overtake the last answers. */
static bool may_end(tow_exchange *exchange) {
    if (!is_cut_off(exchange) && !is_drained(exchange))
        return false;
    tow_stream_flush(tow_conversation_stream(exchange));
    return !is_blocked(exchange);
}

static void settle(tow_exchange *exchange) {
    tow_stream *stream = tow_conversation_stream(exchange);
    if (exchange->state == TOW_OVER)
        return;
    if (exchange->output.lost) {
        out_of_memory(exchange);
        return;
    }
    if (may_end(exchange)) {
        if (tow_stream_untaken(stream) > 0)
            (void)linger(exchange); /* else a request that comes now would reset what is on its way */
        else
            close_stream(exchange);
        return;
    }
    bool lingers = exchange->state == TOW_LINGERING; /* and drops what comes */
    bool pauses = is_busy(exchange) || (is_blocked(exchange) && !lingers);
    if (pauses == exchange->paused)
        return;
    exchange->paused = pauses;
    enter(exchange, exchange->state);
    if (pauses)
        tow_stream_pause(stream);
    else
        tow_stream_resume(stream);
}

/* Does all that can be done, with what was kept and what has come now. The exchange may be gone afterwards.
 */
static void run(tow_exchange *exchange, uint8_t *bytes, size_t length) {
    begin_turn(exchange);
    bool is_kept = exchange->input.length > 0;
    if (is_kept && tow_buffer_append(&exchange->input, bytes, length) != 0) {
        out_of_memory(exchange);
        return;
    }
    struct received received = {.bytes = bytes, .length = length};
    if (is_kept)
        received = (struct received){.bytes = exchange->input.data, .length = exchange->input.length};
    while (!exchange->yielded && step(exchange, &received))
        continue;
    if (exchange->upgraded) {
        tow_conversation_free(exchange);
        return;
    }
    if (exchange->state != TOW_OVER)
        keep_rest(exchange, &received, is_kept);
    settle(exchange);
}

static tow_exchange *exchange_of(tow_stream *stream) {
    return tow_connection_exchange((tow_connection *)stream);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    run(exchange_of(stream), bytes, length);
}

static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    tow_exchange *exchange = exchange_of(stream);
    tow_output_take_back(&exchange->output, segment + taken, length - taken);
    enter(exchange, exchange->state); /* from now on the peer must take something */
}

/* An answer that was corked and not taken is written while the next request is awaited already. */
static void write_rest(tow_exchange *exchange) {
    bool moved;
    if (exchange->state == TOW_ANSWERING || tow_output_is_idle(&exchange->output))
        return;
    tow_output_result result = pump(exchange, &moved);
    if (result == TOW_OUTPUT_FAILED)
        tow_conversation_reset(exchange);
    else if (moved)
        enter(exchange, exchange->state);
    if (result == TOW_OUTPUT_PAUSED)
        (void)yield(exchange);
}

static void on_writable(tow_stream *stream) {
    tow_exchange *exchange = exchange_of(stream);
    if (exchange->state == TOW_OVER)
        return;
    write_rest(exchange);
    run(exchange, NULL, 0);
}

static void on_turn(tow_stream *stream) {
    tow_exchange *exchange = exchange_of(stream);
    exchange->yielded = false;
    write_rest(exchange);
    run(exchange, NULL, 0);
}

static void on_end(tow_stream *stream) {
    tow_exchange *exchange = exchange_of(stream);
    exchange->peer_ended = true;
    run(exchange, NULL, 0);
}

static void on_error(tow_stream *stream, int error) {
    tow_exchange *exchange = exchange_of(stream);
    const char *why = tow_stream_failure_text(stream);
    if (why != NULL) {
        tow_count(&counters(exchange)->tls_failures);
        tow_answer_report(exchange, TOW_LOG_INFO, 0, why);
    }
    close_stream(exchange);
}

static void on_closed(tow_stream *stream) {
    tow_connection *connection = (tow_connection *)stream;
    tow_conversation_free(tow_connection_exchange(connection));
    connection->socket.opening = NULL;
    tow_connection_release(connection);
}

const tow_stream_events tow_conversation_events = {
    .on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed,
    .on_turn = on_turn,
};

static void head_timed_out(tow_exchange *exchange) {
    tow_answer_limit(exchange, &counters(exchange)->handshake_timeouts);
    refuse(exchange, 408, "the request took too long");
    run(exchange, NULL, 0);
}

static void body_timed_out(tow_exchange *exchange) {
    tow_answer_limit(exchange, &counters(exchange)->body_timeouts);
    exchange->wants_body = false;
    refuse(exchange, 408, "the body took too long");
    run(exchange, NULL, 0);
}

/* Whether what is said would be read as HTTP: not while TLS or a PROXY header is still to come. */
static bool may_answer(tow_exchange *exchange) {
    bool waits_for_proxy =
        tow_conversation_server(exchange)->settings.proxy_protocol && !exchange->introduced;
    return !waits_for_proxy && !tow_stream_is_blocked(tow_conversation_stream(exchange));
}

/* Between requests the end needs no word. */
static void waiting_timed_out(tow_exchange *exchange) {
    if (exchange->served == 0 && may_answer(exchange)) {
        head_timed_out(exchange);
        return;
    }
    tow_server_counters *counted = counters(exchange);
    tow_answer_limit(
        exchange, exchange->served == 0 ? &counted->handshake_timeouts : &counted->idle_timeouts);
    tow_answer_report_end(exchange);
    close_stream(exchange);
}

static void stalled(tow_exchange *exchange) {
    tow_answer_limit(exchange, &counters(exchange)->stalls);
    tow_answer_report_end(exchange);
    tow_conversation_reset(exchange);
}

/* Whether the peer has still to take something of what was said, as far as somebody looked. */
static bool is_taking(tow_exchange *exchange) {
    return is_blocked(exchange) || (exchange->state == TOW_LINGERING && exchange->progress.left > 0);
}

/* Looks whether it gets more time: to take more of it, or then to end its side. */
static bool gets_time(tow_exchange *exchange) {
    tow_progress *progress = &exchange->progress;
    int64_t now = tow_loop_now(loop_of(exchange));
    (void)tow_progress_look(progress, tow_conversation_stream(exchange), now);
    int seconds = is_taking(exchange) ? limits_of(exchange)->stall_seconds : LINGER_SECONDS;
    if (tow_progress_is_over(progress, now, seconds))
        return false;
    exchange->deadline = tow_progress_next(progress, now, seconds);
    timer_arm(exchange);
    return true;
}

static void timed_out(tow_exchange *exchange) {
    if ((is_blocked(exchange) || exchange->state == TOW_LINGERING) && gets_time(exchange))
        return;
    if (is_taking(exchange)) {
        stalled(exchange);
        return;
    }
    switch ((tow_conversation_state)exchange->state) {
    case TOW_WAITING:
        waiting_timed_out(exchange);
        break;
    case TOW_HEAD:
        head_timed_out(exchange);
        break;
    case TOW_BODY:
        body_timed_out(exchange);
        break;
    case TOW_DISCARDING:
        tow_answer_limit(exchange, &counters(exchange)->body_timeouts);
        tow_answer_report_end(exchange);
        tow_conversation_reset(exchange);
        break;
    case TOW_LINGERING:
        close_stream(exchange);
        break;
    case TOW_WORKING:
    case TOW_ANSWERING: /* then the output is not idle */
    case TOW_OVER:
        break;
    }
}

static void timer_fired(tow_timer *timer) {
    tow_exchange *exchange = (tow_exchange *)((char *)timer - offsetof(tow_exchange, timer));
    if (tow_loop_now(loop_of(exchange)) < exchange->deadline) {
        timer_arm(exchange);
    } else {
        timed_out(exchange);
    }
}

int tow_conversation_new(tow_exchange **out, tow_connection *connection) {
    tow_exchange *exchange = calloc(1, sizeof(*exchange));
    if (exchange == NULL)
        return TOW_ERROR_MEMORY;
    exchange->connection = connection;
    exchange->begun = tow_loop_now(tow_connection_worker(connection)->loop);
    enter(exchange, TOW_WAITING);
    *out = exchange;
    return 0;
}

void tow_conversation_free(tow_exchange *exchange) {
    if (exchange == NULL)
        return;
    tow_timer_cancel(loop_of(exchange), &exchange->timer);
    tow_output_clear(&exchange->output);
    tow_dispatch_end_work(exchange);
    tow_buffer_clear(&exchange->input);
    tow_buffer_clear(&exchange->fields);
    tow_buffer_clear(&exchange->body);
    free(exchange);
}

void tow_conversation_refuse_all(tow_exchange *exchange, const char *option) {
    exchange->limit = option;
    if (tow_answer_field(exchange, "Retry-After", "5") != 0) {
        out_of_memory(exchange);
        return;
    }
    refuse(exchange, 503, "too many connections");
    run(exchange, NULL, 0);
}

void tow_conversation_drain(tow_exchange *exchange) {
    exchange->keeps_alive = false;
    settle(exchange);
}

const tow_address *tow_conversation_address(tow_exchange *exchange) {
    tow_visitor *visitor = &exchange->visitor;
    if (visitor->address.length > 0)
        return &visitor->address;
    if (visitor->peer.length == 0 && tow_stream_peer(tow_conversation_stream(exchange), &visitor->peer) != 0)
        visitor->peer.length = 0;
    return &visitor->peer;
}

const char *tow_conversation_peer(tow_exchange *exchange) {
    if (exchange->peer[0] == '\0')
        tow_visitor_text(tow_conversation_address(exchange), exchange->peer);
    return exchange->peer;
}
