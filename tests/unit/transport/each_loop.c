#include "each_loop.h"

#include "authority.h"

static int make(void **state, int error, tow_loop *const *loop) {
    if (error != 0) {
        print_error("cannot make the loop: %s\n", tow_strerror(error));
        return -1;
    }
    each_loop *each = calloc(1, sizeof(*each));
    each->loop = *loop;
    *state = each;
    return 0;
}

int each_loop_epoll(void **state) {
    tow_loop *loop = NULL;
    return make(state, tow_loop_new(&loop, &(tow_loop_options){.io = TOW_IO_EPOLL}), &loop);
}

int each_loop_uring(void **state) {
    tow_loop *loop = NULL;
    return make(state, tow_loop_new(&loop, &(tow_loop_options){.io = TOW_IO_URING}), &loop);
}

int each_loop_simulated(void **state) {
    tow_loop *loop = NULL;
    return make(state, tow_loop_new_simulated(&loop, &(tow_simulation_options){.seed = 1}), &loop);
}

int each_loop_teardown(void **state) {
    each_loop *each = *state;
    tow_loop_free(each->loop);
    free(each);
    return 0;
}

static void out_of_time(tow_timer *timer) {
    each_loop *each = (each_loop *)((char *)timer - offsetof(each_loop, deadline));
    each->timed_out = true;
}

/* Steps by hand, so that the condition is looked at after each round. */
static void run(each_loop *each, bool (*done)(void *argument), void *argument, int64_t patience) {
    each->timed_out = false;
    tow_timer_set(each->loop, &each->deadline, tow_loop_now(each->loop) + patience, out_of_time);
    while (!each->timed_out && (done == NULL || !done(argument)))
        assert_true(tow_loop_step(each->loop) >= 0);
    tow_timer_cancel(each->loop, &each->deadline);
}

void run_until(each_loop *each, bool (*done)(void *argument), void *argument) {
    run(each, done, argument, 10 * TOW_SECOND);
    assert_false(each->timed_out);
}

void run_for(each_loop *each, int64_t nanoseconds) {
    run(each, NULL, NULL, nanoseconds);
}

static void stop_loop(tow_timer *timer) {
    tow_loop_stop(((each_loop *)((char *)timer - offsetof(each_loop, deadline)))->loop);
}

uint64_t sleep_in_loop(each_loop *each, int64_t nanoseconds) {
    uint64_t before = tow_loop_count(each->loop)->rounds;
    tow_timer_set(each->loop, &each->deadline, tow_loop_now(each->loop) + nanoseconds, stop_loop);
    assert_int_equal(tow_loop_run(each->loop), 0);
    return tow_loop_count(each->loop)->rounds - before;
}

void run_to_the_end(each_loop *each) {
    assert_int_equal(tow_loop_run(each->loop), 0);
}

static test_end *end_of(tow_stream *stream) {
    return (test_end *)stream;
}

static void end_on_bytes(tow_stream *stream, uint8_t *bytes, size_t length) {
    test_end *end = end_of(stream);
    assert_false(end->forbidden);
    assert_int_equal(end->ended, 0);
    assert_true(length > 0);
    end->reads++;
    assert_int_equal(tow_buffer_append(&end->received, bytes, length), 0);
    if (end->echo)
        end_send(end, bytes, length);
    memset(bytes, 0xdd, length);
    if (end->on_bytes != NULL)
        end->on_bytes(end);
}

static void end_on_unsent(tow_stream *stream, const uint8_t *segment, size_t length, size_t taken) {
    test_end *end = end_of(stream);
    assert_true(taken < length);
    assert_true(tow_stream_is_blocked(stream));
    assert_int_equal(tow_stream_corked_payload(stream), 0);
    assert_int_equal(tow_buffer_append(&end->unsent, segment + taken, length - taken), 0);
}

static void end_on_writable(tow_stream *stream) {
    test_end *end = end_of(stream);
    assert_false(end->forbidden);
    assert_int_equal(end->errors, 0);
    assert_false(tow_stream_is_blocked(stream));
    if (end->tls != NULL) {
        assert_int_equal(tow_stream_start_tls(stream, end->tls, end->name), 0);
        end->tls = NULL;
        return;
    }
    end->writable++;
    if (end->unsent.length > 0) {
        struct iovec piece = {.iov_base = end->unsent.data, .iov_len = end->unsent.length};
        ssize_t taken = tow_stream_write(stream, &piece, 1);
        if (taken > 0)
            tow_buffer_consume(&end->unsent, (size_t)taken);
    }
    if (end->on_writable != NULL)
        end->on_writable(end);
}

static void end_on_turn(tow_stream *stream) {
    test_end *end = end_of(stream);
    assert_false(end->forbidden);
    assert_int_equal(end->errors, 0);
    end->turns++;
    if (end->on_turn != NULL)
        end->on_turn(end);
}

static void end_on_end(tow_stream *stream) {
    test_end *end = end_of(stream);
    assert_false(end->forbidden);
    assert_int_equal(end->errors, 0);
    end->ended++;
    if (end->close_at_end)
        end_close(end);
}

static void end_on_fin(tow_stream *stream) {
    test_end *end = end_of(stream);
    assert_false(end->forbidden);
    assert_int_equal(end->ended, 0);
    end->fins++;
    if (end->close_at_end)
        end_close(end);
}

static void end_on_error(tow_stream *stream, int error) {
    test_end *end = end_of(stream);
    assert_false(end->forbidden);
    assert_true(error < 0);
    end->errors++;
    end->error = error;
    if (end->close_at_end)
        end_close(end);
}

static void end_on_closed(tow_stream *stream) {
    test_end *end = end_of(stream);
    end->closed++;
    end->forbidden = true;
    /* The memory may be reused now: whoever still looks at it shall fail. */
    memset(stream, 0xdd, sizeof(*stream));
}

const tow_stream_events end_events = {
    .on_bytes = end_on_bytes,
    .on_unsent = end_on_unsent,
    .on_writable = end_on_writable,
    .on_end = end_on_end,
    .on_fin = end_on_fin,
    .on_error = end_on_error,
    .on_closed = end_on_closed,
    .on_turn = end_on_turn,
};

void end_send(test_end *end, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    while (length > 0) {
        size_t part = length < TOW_CORK_MAX ? length : TOW_CORK_MAX;
        uint8_t *room = end->unsent.length == 0 ? tow_stream_cork(&end->stream, part, part) : NULL;
        if (room != NULL)
            memcpy(room, from, part);
        else
            assert_int_equal(tow_buffer_append(&end->unsent, from, part), 0);
        from += part;
        length -= part;
    }
}

void end_close(test_end *end) {
    tow_stream_close(&end->stream);
    end->forbidden = true;
}

void end_clear(test_end *end) {
    tow_buffer_clear(&end->received);
    tow_buffer_clear(&end->unsent);
}

static void on_accept(tow_listener *listener, int fd) {
    test_pair *pair = listener->user;
    test_end *server = &pair->server;
    assert_int_equal(tow_stream_adopt(&server->stream, listener->loop, fd, &end_events), 0);
    if (server->tls != NULL)
        assert_int_equal(tow_stream_start_tls(&server->stream, server->tls, NULL), 0);
    server->tls = NULL;
    pair->accepted = true;
    tow_listener_stop(listener);
}

static bool is_connected(void *argument) {
    test_pair *pair = argument;
    return pair->accepted && pair->client.writable > 0;
}

static bool has_met(void *argument) {
    test_pair *pair = argument;
    return pair->accepted && pair->client.stream.loop != NULL && pair->client.tls == NULL;
}

static bool one_port;
static uint16_t the_port;

void pair_open_uses_one_port(bool does) {
    one_port = does;
    the_port = 0;
}

static void connect_pair(test_pair *pair) {
    tow_loop *loop = pair->each->loop;
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    if (one_port)
        tow_address_set_port(&address[0], the_port);
    int fd = tow_listen_socket(loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    the_port = tow_address_port(&bound);
    pair->listener.user = pair;
    assert_int_equal(tow_listener_start(&pair->listener, loop, fd, on_accept), 0);
    assert_int_equal(tow_stream_connect(&pair->client.stream, loop, &bound, &end_events), 0);
    assert_true(tow_stream_is_blocked(&pair->client.stream));
    assert_null(tow_stream_cork(&pair->client.stream, 1, 1));
}

void pair_open_tls(
    test_pair *pair, each_loop *each, tow_tls_context *server, tow_tls_context *client, const char *name) {
    memset(pair, 0, sizeof(*pair));
    pair->each = each;
    pair->server.tls = server;
    pair->client.tls = client;
    pair->client.name = name;
    connect_pair(pair);
    run_until(each, has_met, pair);
}

static tow_tls_context *usual_server, *usual_client;

void pair_open_uses_tls(tow_tls_context *server, tow_tls_context *client) {
    usual_server = server;
    usual_client = client;
}

static tow_tls_context *group_server, *group_client;

int pairs_speak_tls(void **state) {
    (void)state;
    test_authority authority;
    test_identity identity;
    authority_make(&authority, "Test Authority");
    authority_issue(&authority, &(test_subject){0}, &identity);
    group_server = context_make(
        &(tow_tls_settings){.server = true, .certificate = identity.certificate, .key = identity.key});
    group_client = context_make(&(tow_tls_settings){.roots = authority.pem});
    identity_clear(&identity);
    authority_clear(&authority);
    pair_open_uses_tls(group_server, group_client);
    return 0;
}

int pairs_speak_plainly(void **state) {
    (void)state;
    pair_open_uses_tls(NULL, NULL);
    tow_tls_context_release(group_server);
    tow_tls_context_release(group_client);
    return 0;
}

static bool stacks;

void pair_open_stacks_tls(bool does) {
    stacks = does;
}

static bool is_open_at_both_ends(void *argument) {
    test_pair *pair = argument;
    return is_connected(pair) && !tow_stream_is_blocked(&pair->server.stream);
}

static void let_tickets_come(each_loop *each) {
    run_for(each, 5 * TOW_MILLISECOND); /* a client that closes before resets */
}

void pair_stack_tls(test_pair *pair, tow_tls_context *server, tow_tls_context *client) {
    assert_int_equal(tow_stream_start_prepared_tls(&pair->server.stream, server, NULL, NULL, 0), 0);
    assert_int_equal(tow_stream_start_prepared_tls(&pair->client.stream, client, "example.test", NULL, 0), 0);
}

void pair_open(test_pair *pair, each_loop *each) {
    memset(pair, 0, sizeof(*pair));
    pair->each = each;
    pair->server.tls = usual_server;
    pair->client.tls = usual_client;
    pair->client.name = "example.test";
    connect_pair(pair);
    run_until(each, is_open_at_both_ends, pair);
    if (usual_client != NULL)
        let_tickets_come(each);
    if (stacks) {
        pair_stack_tls(pair, usual_server, usual_client);
        run_until(each, is_open_at_both_ends, pair);
        let_tickets_come(each);
    }
    assert_true(pair->client.writable == 1 || usual_client != NULL); /* a handshake may block once more */
    pair->client.writable = pair->server.writable = 0;
}

void pairs_close(test_pair *pairs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!pairs[i].client.closed)
            end_close(&pairs[i].client);
        if (!pairs[i].server.closed)
            end_close(&pairs[i].server);
    }
    run_to_the_end(pairs->each);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pairs[i].client.closed, 1);
        assert_int_equal(pairs[i].server.closed, 1);
        end_clear(&pairs[i].client);
        end_clear(&pairs[i].server);
    }
}

void pair_close(test_pair *pair) {
    pairs_close(pair, 1);
}

/* The period is a prime, so that a shift by any power of two shows. */
static uint8_t pattern_at(size_t place) {
    return (uint8_t)(place % 251);
}

void fill_pattern(uint8_t *bytes, size_t length, size_t offset) {
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern_at(offset + i);
}

void assert_pattern(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != pattern_at(i))
            fail_msg("byte %zu is %u, not %u", i, bytes[i], pattern_at(i));
}
