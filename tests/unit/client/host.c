#include "host.h"

#include "http/head.h"
#include "protocol/opening.h"
#include "transport/loop.h"

#include <towline/error.h>

static void connection_end(host_connection *connection) {
    if (connection->ended || connection->closed)
        return;
    connection->ended = true;
    if (connection->act->resets)
        tow_stream_reset(&connection->stream);
    else
        tow_stream_shutdown(&connection->stream);
}

static void write_outgoing(host_connection *connection) {
    while (connection->written < connection->outgoing_length && !connection->ended &&
           !tow_stream_is_blocked(&connection->stream)) {
        struct iovec piece = {.iov_base = connection->outgoing + connection->written,
            .iov_len = connection->outgoing_length - connection->written};
        ssize_t taken = tow_stream_write(&connection->stream, &piece, 1);
        if (taken <= 0)
            return;
        connection->written += (size_t)taken;
    }
    if (connection->written == connection->outgoing_length && connection->ends)
        connection_end(connection);
}

static void say(host_connection *connection, const char *bytes, size_t length) {
    assert_true(length <= sizeof(connection->outgoing) - connection->outgoing_length);
    memcpy(connection->outgoing + connection->outgoing_length, bytes, length);
    connection->outgoing_length += length;
}

static void say_frames(host_connection *connection) {
    say(connection, connection->act->frames, connection->act->length);
    connection->ends = true;
    write_outgoing(connection);
}

static void frames_are_due(tow_timer *timer) {
    say_frames((host_connection *)(void *)((char *)timer - offsetof(host_connection, timer)));
}

static void accept_it(host_connection *connection, const tow_http_head *head) {
    tow_opening_request opening;
    assert_int_equal(
        tow_opening_request_check(&opening, head->method, head->version, head->fields, head->field_count), 0);
    char text[256];
    int length = snprintf(text, sizeof(text),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n\r\n",
        opening.accept);
    say(connection, text, (size_t)length);
}

static void say_answer(host_connection *connection) {
    const host_act *act = connection->act;
    connection->ends = act->cut != 0 || act->answer != NULL;
    connection->answer_said = true;
    write_outgoing(connection);
    if (act->frames == NULL || connection->ends)
        return;
    if (act->milliseconds == 0)
        say_frames(connection);
    else
        tow_timer_set(connection->host->loop, &connection->timer,
            tow_loop_now(connection->host->loop) + act->milliseconds * TOW_MILLISECOND, frames_are_due);
}

static void answer_is_due(tow_timer *timer) {
    say_answer((host_connection *)(void *)((char *)timer - offsetof(host_connection, timer)));
}

static void answer(host_connection *connection, const tow_http_head *head) {
    const host_act *act = connection->act;
    connection->answered = true;
    if (act->stalls)
        return;
    if (act->answer == NULL)
        accept_it(connection, head);
    else
        say(connection, act->answer, strlen(act->answer));
    if (act->cut != 0 && act->cut < connection->outgoing_length)
        connection->outgoing_length = act->cut;
    if (act->answer_milliseconds == 0)
        say_answer(connection);
    else
        tow_timer_set(connection->host->loop, &connection->timer,
            tow_loop_now(connection->host->loop) + act->answer_milliseconds * TOW_MILLISECOND, answer_is_due);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    host_connection *connection = (host_connection *)(void *)stream;
    if (connection->answered)
        return;
    assert_true(length <= sizeof(connection->request) - connection->request_length);
    memcpy(connection->request + connection->request_length, bytes, length);
    connection->request_length += length;
    tow_http_head head;
    int head_length = tow_http_request_read(&head, connection->request, connection->request_length, NULL);
    assert_true(head_length >= 0);
    if (head_length > 0)
        answer(connection, &head);
}

static void on_writable(tow_stream *stream) {
    host_connection *connection = (host_connection *)(void *)stream;
    if (connection->answer_said)
        write_outgoing(connection);
}

static void on_end(tow_stream *stream) {
    ((host_connection *)(void *)stream)->ended = true;
    tow_stream_close(stream);
}

static void on_error(tow_stream *stream, int error) {
    (void)error;
    on_end(stream);
}

static void on_closed(tow_stream *stream) {
    host_connection *connection = (host_connection *)(void *)stream;
    connection->closed = true;
    tow_timer_cancel(connection->host->loop, &connection->timer);
}

static void accepted(tow_listener *listener, int fd) {
    static const tow_stream_events events = {.on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = on_error,
        .on_closed = on_closed};
    test_host *host = listener->user;
    assert_true(host->accepts < HOST_CONNECTIONS_MAX);
    size_t number = host->accepts;
    host_connection *connection = &host->connections[number];
    host->accepted_at[number] = tow_loop_now(host->loop);
    connection->host = host;
    connection->act = &host->acts[number < host->act_count ? number : host->act_count - 1];
    if (tow_stream_adopt(&connection->stream, host->loop, fd, &events) != 0) {
        tow_loop_discard(host->loop, fd);
        return;
    }
    host->accepts++;
    if (connection->act->vanishes)
        connection_end(connection);
}

void host_open(test_host *host, tow_loop *loop) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    tow_address bound;
    host->loop = loop;
    assert_int_equal(tow_address_parse("127.0.0.1:0", addresses), 1);
    int fd = tow_listen_socket(loop, &addresses[0], &(tow_listen_options){0}, &bound);
    assert_true(fd >= 0);
    host->port = tow_address_port(&bound);
    host->listener.user = host;
    assert_int_equal(tow_listener_start(&host->listener, loop, fd, accepted), 0);
}

void host_close(test_host *host) {
    tow_listener_stop(&host->listener);
    for (size_t i = 0; i < host->accepts; i++)
        if (!host->connections[i].closed)
            tow_stream_reset(&host->connections[i].stream);
    for (size_t i = 0; i < host->accepts; i++)
        while (!host->connections[i].closed)
            assert_true(tow_loop_step(host->loop) >= 0);
    tow_loop_step(host->loop);
}
