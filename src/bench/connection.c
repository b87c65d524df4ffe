#include "connection.h"

#include "http/head.h"
#include "protocol/mask.h"
#include "transport/loop.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <towline/error.h>

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length);
static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken);
static void on_writable(tow_stream *stream);
static void on_end(tow_stream *stream);
static void on_error(tow_stream *stream, int error);
static void on_closed(tow_stream *stream);

static const tow_stream_events stream_events = {.on_bytes = on_bytes,
    .on_unsent = on_unsent,
    .on_writable = on_writable,
    .on_end = on_end,
    .on_error = on_error,
    .on_closed = on_closed};

enum { HEAD_MAX = 16 * 1024 };

static tow_load_connection *connection_of(tow_stream *stream) {
    return (tow_load_connection *)(void *)stream;
}

static void fail(tow_load_connection *connection, int error, const char *text) {
    if (connection->state == TOW_LOAD_CLOSED)
        return;
    tow_load_connection_stop(connection);
    connection->shared->on_failed(connection, error, text);
}

int tow_load_connection_start(tow_load_connection *connection) {
    tow_load_shared *shared = connection->shared;
    connection->state = TOW_LOAD_CONNECTING;
    const tow_address *address = &shared->target->addresses[shared->address_index];
    return tow_stream_connect(&connection->stream, shared->loop, address, &stream_events);
}

void tow_load_connection_stop(tow_load_connection *connection) {
    bool open = connection->state != TOW_LOAD_CLOSED;
    connection->state = TOW_LOAD_CLOSED;
    tow_buffer_clear(&connection->head);
    tow_buffer_clear(&connection->ahead);
    if (open)
        tow_stream_reset(&connection->stream);
}

/* Sending. */

static void push_batch(tow_load_connection *connection, int64_t asked, uint64_t count) {
    uint32_t capacity = connection->shared->in_flight_max;
    if (connection->batch_count > 0) {
        uint32_t last = (connection->batch_first + connection->batch_count - 1) % capacity;
        if (connection->batches[last].asked == asked) {
            connection->batches[last].count += count;
            return;
        }
    }
    assert(connection->batch_count < capacity);
    uint32_t next = (connection->batch_first + connection->batch_count++) % capacity;
    connection->batches[next] = (tow_load_batch){.asked = asked, .count = count};
}

void tow_load_connection_settle(tow_load_connection *connection, uint64_t count,
    void (*each)(tow_load_connection *connection, int64_t asked, uint64_t count)) {
    while (count > 0) {
        tow_load_batch *oldest = &connection->batches[connection->batch_first];
        uint64_t taken = oldest->count < count ? oldest->count : count;
        each(connection, oldest->asked, taken);
        oldest->count -= taken;
        count -= taken;
        if (oldest->count == 0) {
            connection->batch_first = (connection->batch_first + 1) % connection->shared->in_flight_max;
            connection->batch_count--;
        }
    }
}

/* What is unsent, as far as a few laps over the prepared frames reach. */
static int unsent_pieces(const tow_load_connection *connection, struct iovec *pieces, int count_max) {
    const tow_traffic *traffic = connection->shared->traffic;
    size_t turn = traffic->messages * traffic->frame_length;
    size_t position = connection->position;
    uint64_t left = connection->unsent;
    int count = 0;
    while (left > 0 && count < count_max) {
        size_t length = turn - position < left ? turn - position : (size_t)left;
        pieces[count++] = (struct iovec){.iov_base = traffic->frames + position, .iov_len = length};
        left -= length;
        position = 0;
    }
    return count;
}

/* Answers the latest Ping, between two of our frames. */
static void queue_pong(tow_load_connection *connection) {
    tow_echo *echo = &connection->echo;
    tow_frame_header header = {
        .final = true, .opcode = TOW_OPCODE_PONG, .masked = true, .payload_length = echo->ping_length};
    tow_loop_random(connection->shared->loop, header.masking_key, sizeof(header.masking_key));
    uint8_t frame[TOW_FRAME_HEADER_MAX + TOW_CONTROL_PAYLOAD_MAX];
    size_t length = tow_frame_header_write(frame, &header);
    tow_mask_copy(frame + length, echo->ping, echo->ping_length, header.masking_key);
    if (tow_buffer_append(&connection->ahead, frame, length + echo->ping_length) == 0)
        echo->pinged = false;
}

/* Writes what goes before the frames; false while some of it is left. */
static bool push_ahead(tow_load_connection *connection) {
    if (connection->unsent % connection->shared->traffic->frame_length == 0 && connection->echo.pinged)
        queue_pong(connection);
    if (connection->ahead.length == 0)
        return true;
    struct iovec piece = {.iov_base = connection->ahead.data, .iov_len = connection->ahead.length};
    ssize_t taken = tow_stream_write(&connection->stream, &piece, 1);
    if (taken > 0)
        tow_buffer_consume(&connection->ahead, (size_t)taken);
    return connection->ahead.length == 0;
}

static void push(tow_load_connection *connection) {
    const tow_traffic *traffic = connection->shared->traffic;
    if (!push_ahead(connection))
        return;
    while (connection->unsent > 0 && !tow_stream_is_blocked(&connection->stream)) {
        struct iovec pieces[8];
        int count = unsent_pieces(connection, pieces, 8);
        ssize_t taken = tow_stream_write(&connection->stream, pieces, count);
        if (taken <= 0)
            return; /* blocked, or on_error follows */
        connection->unsent -= (uint64_t)taken;
        size_t position = connection->position + (size_t)taken;
        connection->position = position % (traffic->messages * traffic->frame_length);
    }
}

void tow_load_connection_send(tow_load_connection *connection, uint64_t count, int64_t asked) {
    assert(tow_load_connection_in_flight(connection) + count <= connection->shared->in_flight_max);
    push_batch(connection, asked, count);
    connection->sent += count;
    connection->unsent += count * connection->shared->traffic->frame_length;
    push(connection);
}

/* The opening handshake. */

static void send_request(tow_load_connection *connection) {
    const tow_load_shared *shared = connection->shared;
    uint8_t nonce[16];
    tow_loop_random(shared->loop, nonce, sizeof(nonce));
    tow_opening_key(connection->key, nonce);
    int error = tow_buffer_append_format(&connection->ahead,
        "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
        shared->target->path, shared->target->authority, connection->key,
        shared->origin == NULL ? "" : "Origin: ", shared->origin == NULL ? "" : shared->origin,
        shared->origin == NULL ? "" : "\r\n");
    if (error != 0)
        fail(connection, error, tow_strerror(error));
    else
        push(connection);
}

static void opened(tow_load_connection *connection) {
    connection->state = TOW_LOAD_OPEN;
    tow_buffer_clear(&connection->head);
    connection->shared->on_opened(connection);
}

static void take_answers(tow_load_connection *connection, const uint8_t *bytes, size_t length) {
    tow_echo *echo = &connection->echo;
    uint64_t before = echo->completed;
    bool right = tow_echo_take(echo, connection->shared->traffic, connection->sent, bytes, length);
    connection->shared->received += length;
    if (!right) {
        char text[96];
        snprintf(text, sizeof(text), "%s (message %llu%s%.0d)", tow_echo_fault_text(echo->fault),
            (unsigned long long)echo->completed + 1, echo->close_code != 0 ? ", code " : "",
            echo->close_code);
        fail(connection, TOW_ERROR_STATE, text);
        return;
    }
    if (echo->completed > before)
        connection->shared->on_answered(connection, echo->completed - before);
    if (echo->pinged && connection->state == TOW_LOAD_OPEN)
        push(connection);
}

/* The strict reading of the server's answer: what a WebSocket client must check (RFC 6455, section 4.1). */
static int check_response(const tow_load_connection *connection, const tow_http_head *head) {
    const tow_compression_settings no_compression = {0};
    tow_slice protocol;
    tow_compression_agreement agreement;
    return tow_opening_response_check(head->status, head->fields, head->field_count, connection->key, NULL,
        &no_compression, &protocol, &agreement);
}

static void take_response(tow_load_connection *connection, const uint8_t *bytes, size_t length) {
    if (tow_buffer_append(&connection->head, bytes, length) != 0) {
        fail(connection, TOW_ERROR_MEMORY, tow_strerror(TOW_ERROR_MEMORY));
        return;
    }
    tow_http_head head;
    size_t scanned = 0;
    int end =
        tow_http_response_read(&head, (const char *)connection->head.data, connection->head.length, &scanned);
    if (end == 0 && connection->head.length > HEAD_MAX)
        end = TOW_ERROR_HTTP_TOO_LARGE;
    if (end == 0)
        return;
    int error = end < 0 ? end : check_response(connection, &head);
    if (error != 0) {
        char text[96];
        snprintf(text, sizeof(text), "%s%s%.0d", tow_strerror(error), end > 0 ? ": " : "",
            end > 0 ? head.status : 0);
        fail(connection, error, text);
        return;
    }
    tow_buffer rest = connection->head;
    connection->head = (tow_buffer){0};
    opened(connection);
    if (rest.length > (size_t)end && connection->state == TOW_LOAD_OPEN)
        take_answers(connection, rest.data + end, rest.length - (size_t)end);
    tow_buffer_clear(&rest);
}

/* The stream's events, in the order of life. */

static void start_opening(tow_load_connection *connection) {
    connection->state = TOW_LOAD_OPENING;
    if (connection->shared->target->framed)
        send_request(connection);
    else
        opened(connection);
}

static void start_tls(tow_load_connection *connection) {
    tow_load_shared *shared = connection->shared;
    connection->state = TOW_LOAD_SECURING;
    int error = tow_stream_start_tls(&connection->stream, shared->tls, shared->target->host);
    if (error != 0)
        fail(connection, error, tow_strerror(error));
}

static void on_writable(tow_stream *stream) {
    tow_load_connection *connection = connection_of(stream);
    switch (connection->state) {
    case TOW_LOAD_CONNECTING:
        if (connection->shared->tls != NULL)
            start_tls(connection);
        else
            start_opening(connection);
        break;
    case TOW_LOAD_SECURING:
        start_opening(connection);
        break;
    case TOW_LOAD_OPENING:
    case TOW_LOAD_OPEN:
        push(connection);
        break;
    case TOW_LOAD_CLOSED:
        break;
    }
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    tow_load_connection *connection = connection_of(stream);
    if (connection->state == TOW_LOAD_OPEN)
        take_answers(connection, bytes, length);
    else if (connection->state == TOW_LOAD_OPENING)
        take_response(connection, bytes, length);
}

/* Never: nothing goes through the cork. */
static void on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    (void)stream;
    (void)segment;
    (void)length;
    (void)taken;
}

static void on_end(tow_stream *stream) {
    fail(connection_of(stream), TOW_ERROR_ENDED, tow_strerror(TOW_ERROR_ENDED));
}

static void on_error(tow_stream *stream, int error) {
    const char *text = tow_stream_failure_text(stream);
    fail(connection_of(stream), error, text != NULL ? text : tow_strerror(error));
}

static void on_closed(tow_stream *stream) {
    tow_load_connection *connection = connection_of(stream);
    connection->shared->on_closed(connection);
}
