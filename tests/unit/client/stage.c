#include "stage.h"

#include <unistd.h>

/* The server's end. */

static test_stage *stage_of(tow_stream *stream) {
    return (test_stage *)(void *)((char *)stream - offsetof(test_stage, stream));
}

static void write_answer(test_stage *stage) {
    while (stage->adopted && !stage->server_closed && stage->answer_sent < stage->answer_length &&
           !tow_stream_is_blocked(&stage->stream)) {
        size_t length = stage->answer_length - stage->answer_sent;
        length = stage->step != 0 && length > stage->step ? stage->step : length;
        struct iovec piece = {stage->answer + stage->answer_sent, length};
        ssize_t taken = tow_stream_write(&stage->stream, &piece, 1);
        if (taken <= 0)
            return;
        stage->answer_sent += (size_t)taken;
        if (stage->step != 0)
            break;
    }
    if (stage->answered && stage->hangs_up && stage->answer_sent == stage->answer_length)
        tow_stream_shutdown(&stage->stream);
}

static void put_answer(test_stage *stage, const void *bytes, size_t length) {
    assert_true(length <= sizeof(stage->answer) - stage->answer_length);
    memcpy(stage->answer + stage->answer_length, bytes, length);
    stage->answer_length += length;
}

/* What the layers want to send goes into each other, and the first one's to the network. */
static void pass_down(test_stage *stage) {
    for (size_t i = stage->layer_count; i-- > 0;) {
        tow_buffer records = {0};
        layer_take(&stage->layers[i], &records);
        if (records.length > 0 && i > 0)
            layer_say(&stage->layers[i - 1], records.data, records.length);
        else if (records.length > 0)
            put_answer(stage, records.data, records.length);
        tow_buffer_clear(&records);
    }
}

void stage_say(test_stage *stage, const void *bytes, size_t length) {
    if (stage->layer_count == 0) {
        put_answer(stage, bytes, length);
    } else if (length > 0) {
        layer_say(&stage->layers[stage->layer_count - 1], bytes, length);
        pass_down(stage);
    }
    if (stage->answered)
        write_answer(stage);
}

void stage_secure(test_stage *stage, SSL_CTX *context) {
    assert_true(stage->layer_count < sizeof(stage->layers) / sizeof(stage->layers[0]));
    layer_begin(&stage->layers[stage->layer_count++], context);
}

void stage_accept(test_stage *stage, const char *fields) {
    char text[2048];
    int length = snprintf(text, sizeof(text),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n",
        stage->accept, fields);
    stage_say(stage, text, (size_t)length);
}

/* The request must be one that a server accepts. */
static void read_request(test_stage *stage) {
    tow_http_head head;
    int length = tow_http_request_read(&head, stage->request, stage->request_length, NULL);
    assert_true(length >= 0);
    if (length == 0)
        return;
    tow_opening_request opening;
    assert_int_equal(
        tow_opening_request_check(&opening, head.method, head.version, head.fields, head.field_count), 0);
    stage->head_length = (size_t)length;
    memcpy(stage->accept, opening.accept, sizeof(opening.accept));
    if (stage->answers_nothing) {
        stage->answered = true;
        return;
    }
    if (stage->then_answer != NULL)
        stage->then_answer(stage);
    else
        stage_accept(stage, "");
    stage->answered = true;
    write_answer(stage);
}

/* What is left of the bytes when the layers have read them. */
static void pass_up(test_stage *stage, const uint8_t *bytes, size_t length, tow_buffer *plain) {
    assert_int_equal(tow_buffer_append(plain, bytes, length), 0);
    for (size_t i = 0; i < stage->layer_count; i++) {
        tow_buffer records = *plain;
        *plain = (tow_buffer){0};
        if (!layer_hear(&stage->layers[i], records.data, records.length, plain))
            stage->layer_failed = true;
        tow_buffer_clear(&records);
    }
    pass_down(stage);
    if (stage->layer_count > 0)
        write_answer(stage);
}

static void hear(test_stage *stage, const uint8_t *bytes, size_t length) {
    tow_buffer plain = {0};
    pass_up(stage, bytes, length, &plain);
    assert_true(plain.length <= sizeof(stage->request) - stage->request_length);
    if (plain.length > 0)
        memcpy(stage->request + stage->request_length, plain.data, plain.length);
    stage->request_length += plain.length;
    tow_buffer_clear(&plain);
    if (stage->then_bytes != NULL && stage->then_bytes(stage))
        return;
    if (stage->head_length == 0)
        read_request(stage);
}

static void set_apart(const test_stage *stage, bool begins) {
    if (stage->apart != NULL)
        stage->apart(begins);
}

static void request_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    test_stage *stage = stage_of(stream);
    set_apart(stage, true);
    hear(stage, bytes, length);
    set_apart(stage, false);
}

static void server_writable(tow_stream *stream) {
    write_answer(stage_of(stream));
}

static void server_end(tow_stream *stream) {
    stage_of(stream)->server_ended = true;
    tow_stream_close(stream);
}

static void server_error(tow_stream *stream, int error) {
    (void)error;
    tow_stream_close(stream);
}

static void server_closed(tow_stream *stream) {
    stage_of(stream)->server_closed = true;
}

static const tow_stream_events server_events = {.on_bytes = request_bytes,
    .on_writable = server_writable,
    .on_end = server_end,
    .on_error = server_error,
    .on_closed = server_closed};

static void accepted(tow_listener *listener, int fd) {
    test_stage *stage = listener->user;
    stage->accepts++;
    set_apart(stage, true);
    if (stage->adopted || tow_stream_adopt(&stage->stream, stage->loop, fd, &server_events) != 0)
        tow_loop_discard(stage->loop, fd);
    else
        stage->adopted = true;
    if (stage->adopted && stage->layer_count == 0 && stage->secret != NULL)
        stage_secure(stage, stage->secret);
    set_apart(stage, false);
}

/* The client's end. */

static test_stage *of(tow_websocket *socket) {
    return tow_websocket_user(socket);
}

static void on_open(tow_websocket *socket) {
    test_stage *stage = of(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
    stage->opens++;
    if (stage->then_open != NULL)
        stage->then_open(stage);
}

static void on_message(tow_websocket *socket, const tow_message *message) {
    test_stage *stage = of(socket);
    assert_true(message->length < sizeof(stage->last_message));
    memcpy(stage->last_message, message->data, message->length);
    stage->last_message[message->length] = '\0';
    stage->messages++;
    if (stage->then_message != NULL)
        stage->then_message(stage);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    test_stage *stage = of(socket);
    assert_int_equal(stage->closes, 0);
    stage->errors++;
    stage->error = *event;
    snprintf(stage->error_text, sizeof(stage->error_text), "%s", event->text);
    if (stage->then_error != NULL)
        stage->then_error(stage);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    test_stage *stage = of(socket);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSED);
    stage->closes++;
    stage->close = *event;
    stage->closed_at = tow_loop_now(stage->loop);
    if (stage->then_close != NULL)
        stage->then_close(stage);
}

static void on_head(tow_websocket *socket, bool sent, const char *head, size_t length) {
    test_stage *stage = of(socket);
    assert_memory_equal(head + length - 4, "\r\n\r\n", 4);
    assert_int_equal(tow_websocket_response(socket) == NULL, sent);
    *(sent ? &stage->heads_sent : &stage->heads_received) += 1;
    if (stage->then_head != NULL)
        stage->then_head(stage, sent);
}

/* The stage. */

void stage_open(test_stage *stage) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    tow_address bound;
    int error = stage->real ? tow_loop_new(&stage->loop, &(tow_loop_options){.io = TOW_IO_EPOLL})
                            : tow_loop_new_simulated(&stage->loop, &stage->simulation);
    assert_int_equal(error, 0);
    assert_int_equal(tow_address_parse(stage->listen == NULL ? "127.0.0.1:0" : stage->listen, addresses), 1);
    int fd = tow_listen_socket(stage->loop, &addresses[0], &(tow_listen_options){0}, &bound);
    assert_true(fd >= 0);
    stage->port = tow_address_port(&bound);
    stage->listener.user = stage;
    assert_int_equal(tow_listener_start(&stage->listener, stage->loop, fd, accepted), 0);
    stage->options.on_open = on_open;
    stage->options.on_message = on_message;
    stage->options.on_error = on_error;
    stage->options.on_close = on_close;
    stage->options.user = stage;
}

void stage_connect(test_stage *stage, const char *path) {
    snprintf(stage->url, sizeof(stage->url), "%s://%s:%d%s", stage->scheme == NULL ? "ws" : stage->scheme,
        stage->host == NULL ? "localhost" : stage->host, stage->port, path);
    assert_int_equal(tow_websocket_open(&stage->socket, stage->loop, stage->url, &stage->options), 0);
    tow_client_set_trace(stage->socket, on_head);
    assert_int_equal(tow_websocket_ready_state(stage->socket), TOW_CONNECTING);
}

void stage_step(test_stage *stage) {
    if (stage->real)
        usleep(5);
    assert_true(tow_loop_step(stage->loop) >= 0);
    if (stage->step != 0 && (stage->answered || stage->layer_count > 0))
        write_answer(stage);
}

static void time_is_over(tow_timer *timer) {
    (void)timer;
}

void stage_run(test_stage *stage, int64_t nanoseconds) {
    tow_timer_set(stage->loop, &stage->timer, tow_loop_now(stage->loop) + nanoseconds, time_is_over);
    stage_until(stage, !tow_timer_is_set(&stage->timer));
}

static void clear_layers(test_stage *stage) {
    for (size_t i = 0; i < stage->layer_count; i++)
        layer_clear(&stage->layers[i]);
    stage->layer_count = 0;
}

void stage_renew(test_stage *stage) {
    assert_true(stage->server_closed);
    clear_layers(stage);
    stage->adopted = stage->server_closed = stage->server_ended = stage->answered = stage->hangs_up = false;
    stage->request_length = stage->head_length = stage->answer_length = stage->answer_sent = 0;
}

void stage_close(test_stage *stage) {
    tow_websocket_free(stage->socket);
    if (stage->adopted && !stage->server_closed)
        tow_stream_close(&stage->stream);
    stage_until(stage, !stage->adopted || stage->server_closed);
    tow_listener_stop(&stage->listener);
    stage_step(stage);
    tow_loop_free(stage->loop);
    clear_layers(stage);
}
