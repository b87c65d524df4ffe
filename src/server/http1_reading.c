#include "http1_reading.h"

#include "dispatch.h"
#include "http1_writing.h"
#include "protocol/opening.h"
#include "report.h"

#include <towline/error.h>

enum { DISCARD_BYTES = 64 * 1024 /* the rest of a body that is read over to keep the connection */ };

bool tow_http1_refuse(tow_http1 *http1, int status, const char *text) {
    tow_exchange_refuse(&http1->exchange, status, text, NULL);
    tow_http1_follow(http1);
    return true;
}

static bool refuse_syntax(tow_http1 *http1, int status) {
    tow_count(&tow_exchange_counters(&http1->exchange)->bad_requests);
    switch (status) {
    case 431:
        return tow_http1_refuse(http1, status, "too many header fields");
    case 501:
        return tow_http1_refuse(http1, status, "this method or transfer coding is not known here");
    case 505:
        return tow_http1_refuse(http1, status, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    default:
        return tow_http1_refuse(http1, 400, "this is not valid HTTP/1.1");
    }
}

/* The record that a client's handshake begins with (RFC 8446, sections 4 and 5.1). */
static bool is_tls(const uint8_t *bytes, size_t length) {
    return length >= 2 && bytes[0] == 22 && bytes[1] == 3;
}

static bool refuse_tls(tow_http1 *http1) {
    tow_count(&tow_exchange_counters(&http1->exchange)->bad_requests);
    return tow_http1_refuse(http1, 400, "TLS is not spoken here: use ws:// or http://");
}

/* What follows a PROXY header. */
static bool begin_tls(tow_http1 *http1, tow_http1_input *received) {
    const tow_worker *worker = tow_http1_worker(http1);
    bool waits = worker->server->settings.proxy_protocol &&
                 tow_connection_wants_tls(http1->exchange.visitor.connection);
    if (!waits)
        return false;
    int error = tow_stream_start_prepared_tls(
        tow_http1_stream(http1), worker->tls, NULL, received->bytes, received->length);
    received->length = 0;
    if (error != 0)
        tow_http1_out_of_memory(http1);
    return true;
}

/* Whether there are bytes of a request behind the PROXY header, if that has to come first. */
static bool introduce(tow_http1 *http1, tow_http1_input *received) {
    int used = tow_visitor_introduce(&http1->exchange.visitor, received->bytes, received->length);
    if (used < 0) {
        tow_count(&tow_exchange_counters(&http1->exchange)->proxy_headers_refused);
        tow_access_log_line(
            &http1->exchange.log, TOW_LOG_NOTICE, 0, "the proxy's PROXY header is missing or not valid");
        tow_http1_reset(http1);
        return false;
    }
    received->bytes += used;
    received->length -= (size_t)used;
    if (!http1->exchange.visitor.introduced || begin_tls(http1, received))
        return false;
    return received->length > 0;
}

bool tow_http1_begin_request(tow_http1 *http1, tow_http1_input *received) {
    if (received->length == 0 || (!http1->exchange.visitor.introduced && !introduce(http1, received)))
        return false;
    if (http1->turn <= 0)
        return tow_http1_yield(http1);
    if (http1->served > 0)
        http1->begun = tow_loop_now(tow_http1_loop(http1));
    tow_access_log_begin(&http1->exchange.log, NULL);
    http1->exchange.is_head = false;
    tow_http1_enter(http1, TOW_HTTP1_HEAD);
    return true;
}

/* The answer 101 stands alone in the cork: what was said before leaves first, of TLS too. */
static bool must_wait_to_upgrade(tow_http1 *http1, const tow_http_head *head) {
    if (!tow_opening_is_requested(head->fields, head->field_count))
        return false;
    if (http1->served > 0)
        tow_stream_flush(tow_http1_stream(http1));
    return tow_http1_is_blocked(http1);
}

static void begin_exchange(tow_http1 *http1, const tow_http_head *head) {
    tow_exchange_start(&http1->exchange, head);
    http1->is_old = tow_slice_equals(head->version, "HTTP/1.0");
    http1->keeps_alive = head->keep_alive && tow_http1_worker(http1)->drain == TOW_SERVING;
    http1->expects_continue = head->expect_continue;
    http1->dropped = 0;
    http1->asked = tow_loop_now(tow_http1_loop(http1));
    tow_body_reader_init(&http1->reader, head);
}

static void dispatch(
    tow_http1 *http1, const tow_http_head *head, size_t head_length, tow_http1_input *received) {
    http1->turn--;
    uint8_t *bytes = received->bytes;
    received->bytes += head_length;
    received->length -= head_length;
    http1->rest = *received;
    begin_exchange(http1, head);
    tow_dispatch(&http1->exchange, head, bytes, head_length);
    tow_http1_follow(http1);
}

bool tow_http1_read_head(tow_http1 *http1, tow_http1_input *received) {
    uint64_t limit = (uint64_t)tow_http1_worker(http1)->server->settings.handshake_bytes;
    size_t offered = received->length < limit ? received->length : (size_t)limit;
    tow_http_head head;
    int length = tow_http_request_read(&head, (const char *)received->bytes, offered, &http1->scanned);
    if (length == 0 && offered < limit)
        return false;
    if (length == 0 || length == TOW_ERROR_HTTP_TOO_LARGE) {
        tow_access_log_limit(&http1->exchange.log, &tow_exchange_counters(&http1->exchange)->heads_too_large);
        return tow_http1_refuse(http1, 431, "the request's head is too large");
    }
    if (length < 0 && is_tls(received->bytes, received->length))
        return refuse_tls(http1);
    if (length < 0)
        return refuse_syntax(http1, tow_http_refusal_status(&head));
    if (must_wait_to_upgrade(http1, &head))
        return false;
    dispatch(http1, &head, (size_t)length, received);
    return true;
}

/* The next piece of the request's body: 1, 0 when there is none yet, 2 at the end, or an error. */
static int next_piece(tow_http1 *http1, tow_http1_input *received, tow_slice *piece) {
    const char *bytes = (const char *)received->bytes;
    size_t length = received->length;
    int result = tow_body_next(&http1->reader, &bytes, &length, piece);
    received->bytes += received->length - length;
    received->length = length;
    if (result == 1)
        tow_http1_extend(http1, piece->length);
    return result;
}

static bool keep_piece(tow_http1 *http1, tow_slice piece) {
    if (http1->exchange.on_piece != NULL) {
        http1->turn--;
        tow_dispatch_piece(&http1->exchange, piece);
        tow_http1_follow(http1);
    } else {
        tow_exchange_take_body(&http1->exchange, piece);
        tow_http1_follow(http1);
    }
    return true;
}

/* RFC 9110, section 10.1.1: a client that has not begun to send waits for a word. */
static int invite_body(tow_http1 *http1, const tow_http1_input *received) {
    bool waits = http1->expects_continue && received->length == 0;
    http1->expects_continue = false;
    return waits ? tow_http1_continue(http1) : 0;
}

bool tow_http1_read_body(tow_http1 *http1, tow_http1_input *received) {
    tow_slice piece;
    bool moved;
    if (http1->exchange.body_paused)
        return false;
    if (http1->turn <= 0 && http1->exchange.on_piece != NULL)
        return tow_http1_yield(http1);
    if (invite_body(http1, received) != 0) {
        tow_http1_out_of_memory(http1);
        return false;
    }
    if (tow_http1_pump(http1, &moved) == TOW_OUTPUT_FAILED) {
        tow_http1_reset(http1); /* 100 Continue did not get out */
        return false;
    }
    switch (next_piece(http1, received, &piece)) {
    case 0:
        return false;
    case 1:
        return keep_piece(http1, piece);
    case 2:
        tow_dispatch_body(&http1->exchange);
        tow_http1_follow(http1);
        return true;
    default:
        http1->exchange.wants_body = false;
        tow_exchange_tell_gone(&http1->exchange);
        return refuse_syntax(http1, 400);
    }
}

bool tow_http1_discard_body(tow_http1 *http1, tow_http1_input *received) {
    tow_slice piece;
    int result = next_piece(http1, received, &piece);
    if (result == 0)
        return false;
    if (result == 2) {
        http1->exchange.has_body = false;
        tow_http1_enter(http1, TOW_HTTP1_WAITING);
        return true;
    }
    http1->dropped += result == 1 ? piece.length : 0;
    return result == 1 && http1->dropped <= DISCARD_BYTES ? true : tow_http1_linger(http1);
}

bool tow_http1_read_raw(tow_http1 *http1, tow_http1_input *received) {
    tow_exchange *exchange = &http1->exchange;
    size_t wanted = exchange->raw_wanted;
    size_t length = received->length < wanted ? received->length : wanted;
    if (length == 0)
        return false;
    const uint8_t *bytes = received->bytes;
    received->bytes += length;
    received->length -= length;
    exchange->raw_wanted -= length;
    tow_http1_extend(http1, length);
    exchange->on_raw(exchange, exchange->body_user, bytes, length);
    tow_http1_follow(http1);
    return true;
}
