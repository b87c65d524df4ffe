#include "connection.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>
#include <towline/message.h>

enum { TEXT_MAX = 512 };

static tow_http_connection *connection_of(tow_stream *stream) {
    return (tow_http_connection *)(void *)stream;
}

static tow_http_connection *connection_of_way(tow_http_way *way) {
    return (tow_http_connection *)(void *)way;
}

static tow_http_connection *connection_of_timer(tow_timer *timer) {
    return (tow_http_connection *)(void *)((char *)timer - offsetof(tow_http_connection, timer));
}

/* The end. */

static void destroy(tow_http_connection *connection) {
    tow_http_way_clear(&connection->way);
    tow_response_reader_clear(&connection->reader);
    free(connection);
}

static void closed(tow_stream *stream) {
    destroy(connection_of(stream));
}

/* Nothing more is to come but on_closed. An idle connection ends in good order; what is under way is cut. */
static void leave(tow_http_connection *connection) {
    bool in_order = connection->state == TOW_HTTP_IDLE;
    connection->state = TOW_HTTP_CLOSED;
    tow_timer_cancel(connection->loop, &connection->timer);
    tow_http_way_leave(&connection->way);
    if (connection->way.has_stream && in_order)
        tow_stream_close(&connection->way.stream);
    else if (connection->way.has_stream)
        tow_stream_reset(&connection->way.stream);
}

void tow_http_connection_close(tow_http_connection *connection) {
    if (connection->state == TOW_HTTP_CLOSED)
        return;
    leave(connection);
    if (!connection->way.has_stream)
        destroy(connection);
}

/* `text` names the host. */
static void fail_with(tow_http_connection *connection, int error, const char *text) {
    if (connection->state == TOW_HTTP_CLOSED)
        return;
    leave(connection);
    connection->events->on_failed(connection, error, text);
    if (!connection->way.has_stream)
        destroy(connection);
}

static void fail(tow_http_connection *connection, int error, const char *what) {
    char text[TEXT_MAX];
    tow_http_place_text(&connection->way.place.place, what, text, sizeof(text));
    fail_with(connection, error, error == TOW_ERROR_CERTIFICATE ? what : text); /* it names the host itself */
}

/* Time. */

static void set_limit(tow_http_connection *connection, int seconds, tow_timer_callback callback) {
    connection->limit_seconds = seconds;
    if (seconds != TOW_OFF)
        tow_timer_set(connection->loop, &connection->timer,
            tow_loop_now(connection->loop) + seconds * TOW_SECOND, callback);
}

static void not_ready_in_time(tow_timer *timer) {
    tow_http_connection *connection = connection_of_timer(timer);
    char what[TEXT_MAX / 2];
    tow_text_format(what, sizeof(what), "%s within %d seconds", tow_http_way_delay(&connection->way),
        connection->limit_seconds);
    fail(connection, TOW_ERROR_TIMED_OUT, what);
}

static void was_idle(tow_timer *timer) {
    fail(connection_of_timer(timer), TOW_ERROR_TIMED_OUT, "the connection was not used");
}

void tow_http_connection_limit_idleness(tow_http_connection *connection, int seconds) {
    assert(connection->state == TOW_HTTP_IDLE);
    set_limit(connection, seconds, was_idle);
}

/* The request. */

static void send_request(tow_http_connection *connection) {
    const tow_http_question *question = &connection->question;
    while (connection->state == TOW_HTTP_ASKED && connection->sent < question->length &&
           !tow_stream_is_blocked(&connection->way.stream)) {
        struct iovec piece = {
            .iov_base = question->bytes + connection->sent, .iov_len = question->length - connection->sent};
        ssize_t taken = tow_stream_write(&connection->way.stream, &piece, 1);
        if (taken <= 0)
            return;
        connection->sent += (size_t)taken;
    }
}

bool tow_http_connection_is_quiet(tow_http_connection *connection) {
    assert(connection->state == TOW_HTTP_IDLE);
    return tow_stream_is_quiet(&connection->way.stream);
}

void tow_http_connection_ask(tow_http_connection *connection, const tow_http_question *question) {
    assert(connection->state == TOW_HTTP_IDLE);
    tow_timer_cancel(connection->loop, &connection->timer);
    connection->state = TOW_HTTP_ASKED;
    connection->question = *question;
    connection->sent = 0;
    connection->has_answered = false;
    tow_response_reader_clear(&connection->reader);
    tow_response_reader_init(&connection->reader, question->is_head, question->limits);
    send_request(connection);
}

/* The response. */

/* With a rest behind it nobody can know any more what belongs to what. */
static void answered(tow_http_connection *connection, size_t rest) {
    bool is_reusable =
        connection->reader.keep_alive && rest == 0 && connection->sent == connection->question.length;
    connection->answers++;
    connection->state = TOW_HTTP_IDLE;
    if (!is_reusable)
        leave(connection);
    connection->events->on_answered(connection);
}

static void refuse(tow_http_connection *connection, int error) {
    const char *what = tow_strerror(error);
    if (error == TOW_ERROR_HTTP_SYNTAX)
        what = "the response is not valid HTTP/1.1";
    else if (error == TOW_ERROR_HTTP_TOO_LARGE)
        what = connection->reader.has_head ? "the response has too large a body"
                                           : "the response has too large a head";
    fail(connection, error, what);
}

static void read_response(tow_http_connection *connection, const char *bytes, size_t length) {
    tow_slice piece;
    while (connection->state == TOW_HTTP_ASKED) {
        int part = tow_response_reader_next(&connection->reader, &bytes, &length, &piece);
        if (part == TOW_RESPONSE_HEAD)
            connection->events->on_head(connection);
        else if (part == TOW_RESPONSE_PIECE)
            connection->events->on_piece(connection, piece);
        else if (part == TOW_RESPONSE_END)
            answered(connection, length);
        else if (part < 0)
            refuse(connection, part);
        if (part < 0 || part == TOW_RESPONSE_MORE || part == TOW_RESPONSE_END)
            return;
    }
}

/* The peer has ended the connection, and all that it had said is read. RFC 9112, section 9.8: an end that TLS
 * did not announce may have been cut. */
static void end(tow_http_connection *connection, int error) {
    const char *text = tow_stream_failure_text(&connection->way.stream);
    if (error != TOW_ERROR_ENDED)
        fail(connection, error, text != NULL ? text : tow_strerror(error));
    else if (tow_response_reader_end(&connection->reader) == 0 &&
             !tow_stream_is_truncated(&connection->way.stream))
        answered(connection, 0);
    else
        fail(connection, TOW_ERROR_ENDED,
            connection->has_answered ? "the server ended the connection inside the response"
                                     : "the server ended the connection and answered nothing");
}

/* The stream's events. */

static void received(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_http_connection *connection = connection_of(stream);
    connection->has_answered = connection->state == TOW_HTTP_ASKED && connection->sent > 0;
    if (!connection->has_answered)
        fail(connection, TOW_ERROR_HTTP_SYNTAX, "the server spoke before it was asked");
    else
        read_response(connection, (const char *)bytes, length);
}

static void writable(tow_stream *stream) {
    send_request(connection_of(stream));
}

static void ended_by(tow_stream *stream, int error) {
    end(connection_of(stream), error);
}

static void ended(tow_stream *stream) {
    ended_by(stream, TOW_ERROR_ENDED);
}

static const tow_stream_events stream_events = {
    .on_bytes = received,
    .on_writable = writable,
    .on_end = ended,
    .on_error = ended_by,
    .on_closed = closed,
};

/* The beginning. */

static void ready(tow_http_way *way, uint8_t *rest, size_t rest_length) {
    tow_http_connection *connection = connection_of_way(way);
    (void)rest;
    if (rest_length > 0) {
        fail(connection, TOW_ERROR_HTTP_SYNTAX, "the server spoke before it was asked");
        return;
    }
    way->stream.events = &stream_events;
    tow_timer_cancel(connection->loop, &connection->timer);
    connection->state = TOW_HTTP_IDLE;
    connection->events->on_ready(connection);
}

static void not_ready(tow_http_way *way, int error, const char *text) {
    fail_with(connection_of_way(way), error, text);
}

int tow_http_connection_open(tow_http_connection **connection, tow_loop *loop, const tow_http_place *place,
    int connect_seconds, const tow_http_connection_events *events) {
    static const tow_http_way_events way_events = {
        .on_ready = ready, .on_failed = not_ready, .on_closed = closed};
    tow_http_connection *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return TOW_ERROR_MEMORY;
    made->loop = loop;
    made->events = events;
    int error = tow_http_way_begin(&made->way, loop, place, &way_events);
    if (error != 0) {
        destroy(made);
        return error;
    }
    set_limit(made, connect_seconds, not_ready_in_time);
    *connection = made;
    return 0;
}
