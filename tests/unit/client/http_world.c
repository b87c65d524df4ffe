#include "http_world.h"

#include "http/body.h"

/* The server. */

static void apart(const test_world *world, bool begins) {
    if (world->apart != NULL)
        world->apart(begins);
}

static void end_it(world_connection *connection, bool resets) {
    if (connection->is_ended || connection->is_closed)
        return;
    connection->is_ended = true;
    if (resets)
        tow_stream_reset(&connection->stream);
    else
        tow_stream_shutdown(&connection->stream);
}

static size_t response_length(const world_act *act) {
    size_t length = act->response == NULL || act->cut == (size_t)CUT_ALL ? 0 : strlen(act->response);
    return act->cut != 0 && act->cut < length ? act->cut : length;
}

static void read_requests(world_connection *connection);

static void say_response(world_connection *connection) {
    const world_act *act = connection->act;
    if (act == NULL || connection->is_ended || connection->is_closed || tow_timer_is_set(&connection->timer))
        return;
    size_t length = response_length(act);
    while (connection->said < length && !tow_stream_is_blocked(&connection->stream)) {
        struct iovec piece = {(char *)(uintptr_t)act->response + connection->said, length - connection->said};
        ssize_t taken = tow_stream_write(&connection->stream, &piece, 1);
        if (taken <= 0)
            return;
        connection->said += (size_t)taken;
    }
    if (connection->said < length || act->response == NULL)
        return;
    connection->act = NULL;
    if (act->ends || act->resets)
        end_it(connection, act->resets);
    else
        read_requests(connection);
}

static void is_due(tow_timer *timer) {
    world_connection *connection =
        (world_connection *)(void *)((char *)timer - offsetof(world_connection, timer));
    apart(connection->world, true);
    say_response(connection);
    apart(connection->world, false);
}

static void begin_act(world_connection *connection) {
    test_world *world = connection->world;
    size_t number = world->requests++;
    connection->requests++;
    connection->act = &world->acts[number < world->act_count ? number : world->act_count - 1];
    connection->said = 0;
    if (connection->act->milliseconds > 0)
        tow_timer_set(world->loop, &connection->timer,
            tow_loop_now(world->loop) + connection->act->milliseconds * TOW_MILLISECOND, is_due);
    else
        say_response(connection);
}

static void note(test_world *world, const void *bytes, size_t length) {
    size_t before = strlen(world->seen);
    if (length >= sizeof(world->seen) - before)
        length = sizeof(world->seen) - before - 1;
    memcpy(world->seen + before, bytes, length);
    world->seen[before + length] = '\0';
}

static void note_request(test_world *world, const tow_http_head *head, const char *body, size_t length) {
    note(world, head->method.data, head->method.length);
    note(world, " ", 1);
    note(world, head->target.data, head->target.length);
    note(world, length > 0 ? " " : "", length > 0);
    note(world, body, length);
    note(world, "\n", 1);
}

static bool is_early(const test_world *world) {
    size_t number = world->requests < world->act_count ? world->requests : world->act_count - 1;
    return world->acts[number].early;
}

static void read_requests(world_connection *connection) {
    test_world *world = connection->world;
    tow_http_head head;
    const char *bytes = (const char *)connection->input.data + connection->taken;
    size_t length = connection->input.length - connection->taken;
    if (connection->act != NULL || length == 0 || connection->is_early)
        return;
    int head_length = tow_http_request_read(&head, bytes, length, NULL);
    assert_true(head_length >= 0);
    assert_true(head_length == 0 || head.body != TOW_BODY_CHUNKED);
    size_t whole = (size_t)head_length + (size_t)head.body_length;
    if (head_length == 0 || (length < whole && !is_early(world)))
        return;
    connection->is_early = length < whole;
    whole = connection->is_early ? length : whole;
    note_request(world, &head, bytes + head_length, whole - (size_t)head_length);
    world->last.length = 0;
    assert_int_equal(tow_buffer_append(&world->last, bytes, whole), 0);
    connection->taken += whole;
    begin_act(connection);
}

static void on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    world_connection *connection = (world_connection *)(void *)stream;
    apart(connection->world, true);
    assert_int_equal(tow_buffer_append(&connection->input, bytes, length), 0);
    read_requests(connection);
    apart(connection->world, false);
}

static void on_writable(tow_stream *stream) {
    world_connection *connection = (world_connection *)(void *)stream;
    apart(connection->world, true);
    say_response(connection);
    apart(connection->world, false);
}

static void on_end(tow_stream *stream) {
    ((world_connection *)(void *)stream)->is_ended = true;
    tow_stream_close(stream);
}

static void on_error(tow_stream *stream, int error) {
    (void)error;
    on_end(stream);
}

static void on_closed(tow_stream *stream) {
    world_connection *connection = (world_connection *)(void *)stream;
    connection->is_closed = true;
    tow_timer_cancel(connection->world->loop, &connection->timer);
    tow_buffer_clear(&connection->input);
}

static void count_open(test_world *world) {
    size_t open = 0;
    for (size_t i = 0; i < world->accepts; i++)
        open += !world->connections[i].is_ended && !world->connections[i].is_closed;
    if (open > world->most_open)
        world->most_open = open;
}

static void accept_it(test_world *world, int fd) {
    static const tow_stream_events events = {.on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = on_error,
        .on_closed = on_closed};
    assert_true(world->accepts < WORLD_CONNECTIONS);
    world_connection *connection = &world->connections[world->accepts];
    connection->world = world;
    if (tow_stream_adopt(&connection->stream, world->loop, fd, &events) != 0) {
        tow_loop_discard(world->loop, fd);
        return;
    }
    world->accepts++;
    if (world->tls != NULL)
        assert_int_equal(tow_stream_start_tls(&connection->stream, world->tls, NULL), 0);
    if (world->is_deaf)
        tow_stream_pause(&connection->stream);
    count_open(world);
}

static void accepted(tow_listener *listener, int fd) {
    test_world *world = listener->user;
    apart(world, true);
    accept_it(world, fd);
    apart(world, false);
}

void world_say(test_world *world, size_t connection, const char *bytes) {
    struct iovec piece = {(char *)(uintptr_t)bytes, strlen(bytes)};
    assert_true(tow_stream_write(&world->connections[connection].stream, &piece, 1) > 0);
}

void world_end(test_world *world, size_t connection, bool resets) {
    end_it(&world->connections[connection], resets);
}

/* The client. */

static world_call *of(const tow_http_call *call) {
    return tow_http_call_user(call);
}

static void call_head(tow_http_call *call, const tow_http_head *head) {
    world_call *seen = of(call);
    assert_true(head->status >= 200);
    assert_int_equal(seen->heads + seen->pieces + seen->dones, 0);
    seen->heads++;
    if (seen->then_head != NULL)
        seen->then_head(seen);
}

static void call_body(tow_http_call *call, const uint8_t *bytes, size_t length) {
    world_call *seen = of(call);
    assert_true(length > 0);
    assert_int_equal(seen->dones, 0);
    seen->pieces++;
    apart(seen->world, true);
    assert_int_equal(tow_buffer_append(&seen->body, bytes, length), 0);
    apart(seen->world, false);
    if (seen->then_body != NULL)
        seen->then_body(seen);
}

static void keep_result(world_call *seen, const tow_http_result *result) {
    seen->result = result->error;
    seen->status = result->head == NULL ? 0 : result->head->status;
    snprintf(seen->text, sizeof(seen->text), "%s", result->text);
    if (result->head != NULL) {
        tow_slice value = tow_http_field(result->head, "X-Note");
        snprintf(seen->note, sizeof(seen->note), "%.*s", (int)value.length, value.data);
    }
    apart(seen->world, true);
    if (result->body_length > 0)
        assert_int_equal(tow_buffer_append(&seen->body, result->body, result->body_length), 0);
    apart(seen->world, false);
}

static void call_done(tow_http_call *call, const tow_http_result *result) {
    world_call *seen = of(call);
    assert_int_equal(seen->dones, 0);
    assert_int_equal(result->error == 0, result->text[0] == '\0');
    keep_result(seen, result);
    seen->dones++;
    if (seen->then_done != NULL)
        seen->then_done(seen);
}

void world_start(
    test_world *world, world_call *call, const char *path, const tow_http_call_options *options) {
    tow_http_call_options asked = options == NULL ? world->usual : *options;
    char url[128];
    snprintf(url, sizeof(url), "%s%s", world->url, path);
    call->world = world;
    if (asked.url == NULL)
        asked.url = url;
    if (asked.on_head == NULL)
        asked.on_head = call_head;
    if (call->in_pieces)
        asked.on_body = call_body;
    asked.on_done = call_done;
    asked.user = call;
    call->error = tow_http_call_start(&call->call, world->client, &asked);
    assert_int_equal(call->dones + call->heads, 0);
}

world_call *world_ask(
    test_world *world, size_t index, const char *path, const tow_http_call_options *options) {
    world_start(world, &world->calls[index], path, options);
    return &world->calls[index];
}

int world_wait(world_call *call) {
    if (call->error != 0)
        return call->error;
    world_until(call->world, call->dones == 1);
    return call->result;
}

static void time_is_over(tow_timer *timer) {
    (void)timer;
}

void world_run(test_world *world, int milliseconds) {
    tow_timer_set(
        world->loop, &world->timer, tow_loop_now(world->loop) + milliseconds * TOW_MILLISECOND, time_is_over);
    world_until(world, !tow_timer_is_set(&world->timer));
}

void world_open(test_world *world) {
    tow_address addresses[TOW_ADDRESSES_MAX];
    tow_address bound;
    apart(world, true);
    assert_int_equal(tow_loop_new_simulated(&world->loop, &world->simulation), 0);
    assert_int_equal(tow_address_parse("127.0.0.1:0", addresses), 1);
    int fd = tow_listen_socket(world->loop, &addresses[0], &(tow_listen_options){0}, &bound);
    assert_true(fd >= 0);
    world->port = tow_address_port(&bound);
    world->listener.user = world;
    assert_int_equal(tow_listener_start(&world->listener, world->loop, fd, accepted), 0);
    apart(world, false);
    snprintf(world->url, sizeof(world->url), "%s://127.0.0.1:%u",
        world->scheme == NULL ? "http" : world->scheme, world->port);
    assert_int_equal(tow_http_client_new(&world->client, world->loop, &world->options), 0);
}

void world_close(test_world *world) {
    tow_http_client_free(world->client);
    for (size_t i = 0; i < WORLD_CALLS; i++) {
        tow_http_call_free(world->calls[i].call);
        tow_buffer_clear(&world->calls[i].body);
    }
    tow_listener_stop(&world->listener);
    for (size_t i = 0; i < world->accepts; i++)
        if (!world->connections[i].is_closed)
            tow_stream_reset(&world->connections[i].stream);
    for (size_t i = 0; i < world->accepts; i++)
        world_until(world, world->connections[i].is_closed);
    for (int i = 0; i < 3; i++) /* the client's connections are closed too */
        assert_true(tow_loop_step(world->loop) >= 0);
    tow_buffer_clear(&world->last);
    tow_loop_free(world->loop);
}
