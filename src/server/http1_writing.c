#include "http1_writing.h"

#include "base/text.h"
#include "http/response.h"
#include "report.h"

#include <towline/error.h>

/* More of an unread body than this is not read over to keep the connection: it ends instead. */
enum { UNREAD_MAX = 64 * 1024 };

/* A client that waits for 100 may send its body after all, or not: nobody can tell where the next request
 * begins. 426 says that the connection ends. */
static bool is_last(const tow_http1 *http1, int status) {
    bool unsure = http1->exchange.has_body && http1->expects_continue;
    bool long_body = http1->exchange.has_body && http1->reader.kind == TOW_BODY_LENGTH &&
                     http1->reader.remaining > UNREAD_MAX;
    return http1->exchange.is_last || !http1->keeps_alive || unsure || long_body || status == 426;
}

static int connection_field(const tow_http1 *http1, tow_buffer *out, int status) {
    if (status == 426) { /* RFC 9110, section 15.5.22; RFC 6455, section 4.4 */
        int error = tow_buffer_append_text(out, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        return error != 0 ? error : tow_response_field(out, "Connection", "Upgrade, close");
    }
    if (!http1->keeps_alive)
        return tow_response_field(out, "Connection", "close");
    return http1->is_old ? tow_response_field(out, "Connection", "keep-alive") : 0;
}

/* RFC 9112, section 6.3: how the client knows the end of the body. */
static int length_field(const tow_http1 *http1, tow_buffer *out, const tow_answer_head *head) {
    if (head->status == 204 || head->status == 304)
        return 0;
    if (head->length != TOW_LENGTH_UNKNOWN)
        return tow_response_field_number(out, "Content-Length", (uint64_t)head->length);
    return http1->is_chunked ? tow_response_field(out, "Transfer-Encoding", "chunked") : 0;
}

static int write_head(tow_http1 *http1, tow_buffer *out, const tow_answer_head *head) {
    bool unknown = head->length == TOW_LENGTH_UNKNOWN;
    http1->is_chunked = unknown && !http1->is_old;
    http1->keeps_alive = !is_last(http1, head->status) && !(unknown && http1->is_old);
    int error = tow_response_begin(out, head->status, tow_loop_wall_seconds(tow_http1_loop(http1)));
    if (error == 0 && head->type != NULL)
        error = tow_response_field(out, "Content-Type", head->type);
    if (error == 0)
        error = length_field(http1, out, head);
    if (error == 0)
        error = tow_buffer_append(out, http1->exchange.fields.data, http1->exchange.fields.length);
    if (error == 0)
        error = connection_field(http1, out, head->status);
    return error != 0 ? error : tow_response_end(out);
}

/* RFC 9112, section 7.1. */
static int write_chunk(tow_buffer *out, const void *bytes, size_t length) {
    int error = tow_buffer_append_format(out, "%zx\r\n", length);
    if (error == 0)
        error = tow_buffer_append(out, bytes, length);
    return error != 0 ? error : tow_buffer_append(out, "\r\n", 2);
}

/* What is appended there has to be taken from now on, if that is not so already. */
static tow_buffer *open_output(tow_http1 *http1) {
    if (!tow_http1_is_blocked(http1))
        tow_progress_note(&http1->progress, tow_loop_now(tow_http1_loop(http1)));
    return tow_output_open(&http1->output);
}

/* On an error the output is as before. */
int tow_http1_write(tow_exchange *exchange, const tow_answer_head *head, const void *body, size_t length) {
    tow_http1 *http1 = (tow_http1 *)exchange;
    tow_buffer *out = open_output(http1);
    size_t before = out->length;
    int error = head != NULL ? write_head(http1, out, head) : 0;
    if (error == 0 && length > 0)
        error = http1->is_chunked ? write_chunk(out, body, length) : tow_buffer_append(out, body, length);
    if (error != 0)
        out->length = before;
    return error;
}

int tow_http1_end_body(tow_exchange *exchange) {
    tow_http1 *http1 = (tow_http1 *)exchange;
    return http1->is_chunked ? tow_buffer_append(open_output(http1), "0\r\n\r\n", 5) : 0;
}

int tow_http1_write_bytes(tow_exchange *exchange, const void *bytes, size_t length) {
    return tow_buffer_append(open_output((tow_http1 *)exchange), bytes, length);
}

void tow_http1_end_all(tow_exchange *exchange) {
    ((tow_http1 *)exchange)->keeps_alive = false;
}

size_t tow_http1_buffered(const tow_exchange *exchange) {
    return tow_output_waiting(&((const tow_http1 *)exchange)->output);
}

void tow_http1_pull(tow_exchange *exchange, const tow_body_source *source, uint64_t length) {
    tow_output_set_source(&((tow_http1 *)exchange)->output, source, length);
}

int tow_http1_continue(tow_http1 *http1) {
    return tow_buffer_append_text(open_output(http1), "HTTP/1.1 100 Continue\r\n\r\n");
}

tow_output_result tow_http1_pump(tow_http1 *http1, bool *moved) {
    tow_http1_begin_turn(http1);
    return tow_output_pump(&http1->output, tow_http1_stream(http1), &http1->turn, moved);
}

bool tow_http1_linger(tow_http1 *http1) {
    tow_stream *stream = tow_http1_stream(http1);
    tow_stream_flush(stream);
    if (tow_http1_is_blocked(http1))
        return false; /* the end must not overtake the answer */
    if (http1->peer_ended) {
        tow_http1_close(http1);
        return false;
    }
    int64_t now = tow_loop_now(tow_http1_loop(http1));
    tow_stream_shutdown(stream);
    http1->dropped = 0;
    tow_progress_note(&http1->progress, now);
    (void)tow_progress_look(&http1->progress, stream, now);
    tow_http1_enter(http1, TOW_HTTP1_LINGERING);
    return true;
}

/* What there was of the answer is out: on with the next request, or the end, if that was all. */
static bool after_answer(tow_http1 *http1) {
    if (http1->exchange.in_pieces) {
        tow_http1_enter(http1, TOW_HTTP1_KEPT);
        return true;
    }
    tow_exchange_finish(&http1->exchange);
    if (!http1->keeps_alive)
        return tow_http1_linger(http1);
    http1->served++;
    tow_http1_enter(http1, http1->exchange.has_body ? TOW_HTTP1_DISCARDING : TOW_HTTP1_WAITING);
    return true;
}

static void report_broken(tow_http1 *http1) {
    char text[80];
    tow_text_format(text, sizeof(text), "the body ended %llu bytes too early: the client is reset",
        (unsigned long long)http1->output.source_left);
    tow_access_log_line(&http1->exchange.log, TOW_LOG_WARNING, 0, text);
}

bool tow_http1_write_answer(tow_http1 *http1) {
    bool moved;
    tow_output_result result = tow_http1_pump(http1, &moved);
    switch (result) {
    case TOW_OUTPUT_DONE:
        return after_answer(http1);
    case TOW_OUTPUT_BLOCKED:
    case TOW_OUTPUT_PAUSED:
        if (moved)
            tow_http1_moved(http1);
        return result == TOW_OUTPUT_PAUSED && tow_http1_yield(http1);
    case TOW_OUTPUT_BROKEN:
        report_broken(http1);
        break;
    case TOW_OUTPUT_FAILED:
        break;
    }
    tow_http1_reset(http1);
    return false;
}

void tow_http1_write_rest(tow_http1 *http1) {
    bool moved;
    if (http1->state == TOW_HTTP1_ANSWERING || tow_output_is_idle(&http1->output))
        return;
    tow_output_result result = tow_http1_pump(http1, &moved);
    if (result == TOW_OUTPUT_FAILED)
        tow_http1_reset(http1);
    else if (moved)
        tow_http1_moved(http1);
    if (result == TOW_OUTPUT_PAUSED)
        (void)tow_http1_yield(http1);
}
