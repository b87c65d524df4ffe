/* Streams: memory that their owner lends for what comes, what is noticed before it is read, and descriptors
 * that are handed on. */
#include "stream_scene.h"

#include <sys/socket.h>
#include <unistd.h>

/* Memory for large messages */

static uint8_t target[1024 * 1024];
static size_t target_used;
static int target_hits;

static uint8_t *offer_target(tow_stream *stream, size_t *length) {
    (void)stream;
    *length = sizeof(target) - target_used;
    return *length > 0 ? target + target_used : NULL;
}

static void collect(tow_stream *stream, uint8_t *bytes, size_t length) {
    (void)stream;
    assert_true(target_used + length <= sizeof(target));
    if (bytes == target + target_used)
        target_hits++;
    else
        memcpy(target + target_used, bytes, length);
    target_used += length;
}

static bool target_is_full(void *argument) {
    (void)argument;
    return target_used == sizeof(target);
}

static void bytes_are_received_where_the_owner_wants_them(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_events events = end_events;
    events.on_bytes = collect;
    events.receive_into = offer_target;
    pair.server.stream.events = &events;
    target_used = 0;
    target_hits = 0;
    uint8_t *bytes = malloc(sizeof(target));
    fill_pattern(bytes, sizeof(target), 0);
    end_send(&pair.client, bytes, sizeof(target));
    run_until(pair.each, target_is_full, NULL);
    assert_pattern(target, sizeof(target));
    if (strcmp(tow_loop_io(pair.each->loop), "io_uring") != 0)
        assert_true(target_hits > 0);
    free(bytes);
    pair.server.stream.events = &end_events;
    pair_close(&pair);
}

/* Whether something waits to be read. */

enum { NOISE = 40000, SIP = 1000 };

static uint8_t *offer_little(tow_stream *stream, size_t *length) {
    static uint8_t little[SIP];
    (void)stream;
    *length = sizeof(little);
    return little;
}

static void be_quiet_when_all_has_come(test_end *end) {
    assert_int_equal(tow_stream_is_quiet(&end->stream), end->received.length == NOISE);
}

static void what_was_said_is_noticed_before_it_is_read(void **state) {
    test_pair pair;
    tow_stream_events events = end_events;
    uint8_t bytes[NOISE];
    fill_pattern(bytes, NOISE, 0);
    pair_open(&pair, *state);
    events.receive_into = offer_little;
    pair.client.stream.events = &events;
    pair.client.on_bytes = be_quiet_when_all_has_come;
    assert_true(tow_stream_is_quiet(&pair.client.stream));
    tow_stream_pause(&pair.client.stream);
    run_for(pair.each, TOW_MILLISECOND);
    end_send(&pair.server, bytes, NOISE);
    run_for(pair.each, TOW_MILLISECOND);
    assert_false(tow_stream_is_quiet(&pair.client.stream));
    assert_true(tow_stream_is_quiet(&pair.server.stream));
    tow_stream_resume(&pair.client.stream);
    receive(&pair, &pair.client, NOISE);
    assert_pattern(pair.client.received.data, NOISE);
    assert_true(tow_stream_is_quiet(&pair.client.stream));
    pair.client.stream.events = &end_events;
    pair_close(&pair);
}

static void check_end(each_loop *each, bool resets) {
    test_pair pair;
    pair_open(&pair, each);
    if (resets)
        tow_stream_reset(&pair.server.stream);
    else
        tow_stream_close(&pair.server.stream);
    pair.server.forbidden = true;
    run_until(each, is_closed, &pair.server);
    assert_false(tow_stream_is_quiet(&pair.client.stream));
    run_until(each, resets ? has_failed : has_ended, &pair.client);
    assert_int_equal(pair.client.errors, resets);
    assert_false(tow_stream_is_quiet(&pair.client.stream));
    pair_close(&pair);
}

static void an_end_is_noticed_before_it_is_told(void **state) {
    check_end(*state, false);
    check_end(*state, true);
}

/* Releasing: `end` hands its descriptor to the other end of the test. */

static test_end *heir;
static int released;

static void release_to_heir(test_end *end) {
    tow_loop *loop = end->stream.loop;
    released = tow_stream_release(&end->stream);
    end->forbidden = true;
    assert_true(released >= 0);
    assert_int_equal(tow_stream_release(&end->stream), TOW_ERROR_STATE);
    assert_int_equal(tow_stream_adopt(&heir->stream, loop, released, &end_events), 0);
}

typedef struct release_test {
    tow_listener listener;
    test_end client, server, heir;
    bool accepted;
} release_test;

static void accept_and_greet(tow_listener *listener, int fd) {
    release_test *test = listener->user;
    assert_int_equal(tow_stream_adopt(&test->server.stream, listener->loop, fd, &end_events), 0);
    test->server.echo = true;
    end_send(&test->server, "hello ", 6);
    test->accepted = true;
    tow_listener_stop(listener);
}

static void release_test_connect(release_test *test, each_loop *each) {
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int fd = tow_listen_socket(each->loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    test->listener.user = test;
    assert_int_equal(tow_listener_start(&test->listener, each->loop, fd, accept_and_greet), 0);
    assert_int_equal(tow_stream_connect(&test->client.stream, each->loop, &bound, &end_events), 0);
    heir = &test->heir;
}

static void heir_talks_to_the_end(release_test *test, each_loop *each) {
    receive_on(each, &test->heir, 6);
    end_send(&test->heir, "again", 5);
    receive_on(each, &test->heir, 11);
    assert_memory_equal(test->heir.received.data, "hello again", 11);
    assert_int_equal(test->client.closed, 1);
    assert_int_equal(test->client.reads, 0);
    end_close(&test->heir);
    end_close(&test->server);
    run_to_the_end(each);
    assert_int_equal(test->heir.closed, 1);
    assert_int_equal(test->server.closed, 1);
    end_clear(&test->heir);
    end_clear(&test->server);
}

static void a_descriptor_is_released_as_soon_as_it_is_connected(void **state) {
    each_loop *each = *state;
    release_test test = {0};
    release_test_connect(&test, each);
    assert_int_equal(tow_stream_release(&test.client.stream), TOW_ERROR_STATE);
    test.client.on_writable = release_to_heir;
    heir_talks_to_the_end(&test, each);
}

static void pause_this(test_end *end) {
    tow_stream_pause(&end->stream);
}

static bool is_greeted(void *argument) {
    const release_test *test = argument;
    return test->accepted && test->client.writable > 0;
}

static void a_stream_that_was_paused_when_it_connected_is_released_later(void **state) {
    each_loop *each = *state;
    release_test test = {0};
    release_test_connect(&test, each);
    test.client.on_writable = pause_this;
    run_until(each, is_greeted, &test);
    run_for(each, 20 * TOW_MILLISECOND);
    release_to_heir(&test.client);
    heir_talks_to_the_end(&test, each);
}

static void what_is_corked_or_failed_is_not_released(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_send(&pair.client, "x", 1);
    assert_int_equal(tow_stream_release(&pair.client.stream), TOW_ERROR_STATE);
    receive(&pair, &pair.server, 1);
    tow_stream_reset(&pair.client.stream);
    pair.client.forbidden = true;
    assert_int_equal(tow_stream_release(&pair.client.stream), TOW_ERROR_STATE);
    run_until(pair.each, has_failed, &pair.server);
    assert_int_equal(tow_stream_release(&pair.server.stream), TOW_ERROR_STATE);
    pair_close(&pair);
}

/* What the kernel has handed over already would be lost. */
static void a_stream_with_a_receive_under_way_is_not_released(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    run_for(pair.each, 20 * TOW_MILLISECOND);
    assert_int_equal(tow_stream_release(&pair.client.stream), TOW_ERROR_STATE);
    pair_close(&pair);
}

/* Whatever carries the bytes. */
#define ALWAYS                                                                                               \
    ON_EACH_LOOP(bytes_are_received_where_the_owner_wants_them),                                             \
        ON_EACH_LOOP(what_was_said_is_noticed_before_it_is_read),                                            \
        ON_EACH_LOOP(an_end_is_noticed_before_it_is_told)

static const struct CMUnitTest in_plain[] = {
    ALWAYS,
    ON_EACH_LOOP(a_descriptor_is_released_as_soon_as_it_is_connected),
    ON_EACH_LOOP(a_stream_that_was_paused_when_it_connected_is_released_later),
    ON_EACH_LOOP(what_is_corked_or_failed_is_not_released),
    {"a_stream_with_a_receive_under_way_is_not_released on io_uring",
        a_stream_with_a_receive_under_way_is_not_released, each_loop_uring, each_loop_teardown, NULL},
};

static const struct CMUnitTest over_tls[] = {
    ALWAYS,
};

int main(void) {
    return RUN_STREAM_GROUPS(in_plain, over_tls);
}
