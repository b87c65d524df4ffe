/* What the kernel does not take of what io_uring hands over, does not cancel, or drops on the way back. */
#include "each_loop.h"

#include "../faults.h"
#include "transport/watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum { CROWD = 12, ROUNDS = 300, PIECE = 400 };

static int begin(void **state) {
    faults_clear();
    faults_seed(1);
    return each_loop_uring(state);
}

static int end(void **state) {
    faults_on(false);
    return each_loop_teardown(state);
}

#define WITH_FAULTS(test)                                                                                    \
    { #test, test, begin, end, NULL }

static bool is_closed(void *argument) {
    return ((test_end *)argument)->closed > 0;
}

static bool has_failed(void *argument) {
    return ((test_end *)argument)->errors > 0;
}

/* Steps during which a kind of fault happens always. */
static void step_with(each_loop *each, fault kind, int steps) {
    faults_on(true);
    faults_set(kind, 1000);
    for (int i = 0; i < steps; i++)
        assert_true(tow_loop_step(each->loop) >= 0);
    faults_set(kind, 0);
    faults_on(false);
}

/* A crowd that is spoken to in turn, so that each has many segments in the cork. */

static uint8_t byte_of(size_t pair, size_t place) {
    return (uint8_t)(pair * 20 + place % 251);
}

static void speak(test_pair *pairs, size_t spoken) {
    uint8_t bytes[PIECE];
    for (size_t pair = 0; pair < CROWD; pair++) {
        for (size_t i = 0; i < PIECE; i++)
            bytes[i] = byte_of(pair, spoken + i);
        end_send(&pairs[pair].server, bytes, PIECE);
    }
}

static bool has_heard_all(void *argument) {
    test_pair *pairs = argument;
    for (size_t pair = 0; pair < CROWD; pair++)
        if (pairs[pair].client.received.length < (size_t)ROUNDS * 3 * PIECE)
            return false;
    return true;
}

static void a_crowd_hears_what_is_meant_for_each(void **state) {
    static test_pair pairs[CROWD];
    each_loop *each = *state;
    for (size_t pair = 0; pair < CROWD; pair++)
        pair_open(&pairs[pair], each);
    faults_set(FAULT_SUBMIT_NONE, 50);
    faults_set(FAULT_SUBMIT_PART, 500);
    faults_set(FAULT_SEND_SHORT, 200);
    faults_set(FAULT_SEND_NONE, 200);
    faults_on(true);
    for (int round = 0; round < ROUNDS; round++) {
        for (int turn = 0; turn < 3; turn++)
            speak(pairs, (size_t)(round * 3 + turn) * PIECE);
        assert_true(tow_loop_step(each->loop) >= 0);
    }
    run_until(each, has_heard_all, pairs);
    assert_true(faults_count(FAULT_SUBMIT_PART) > 20);
    faults_on(false);
    for (size_t pair = 0; pair < CROWD; pair++)
        for (size_t i = 0; i < pairs[pair].client.received.length; i++)
            if (pairs[pair].client.received.data[i] != byte_of(pair, i))
                fail_msg("byte %zu of %zu is another one's", i, pair);
    pairs_close(pairs, CROWD);
}

/* Cancels */

static void a_pause_holds_though_its_cancel_failed(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    step_with(pair.each, FAULT_CANCEL, 3);
    assert_true(faults_count(FAULT_CANCEL) > 0);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    end_send(&pair.client, "hello", 5);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    assert_int_equal(pair.server.received.length, 0);
    pair_close(&pair);
}

static void a_stream_closes_though_its_cancel_failed(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_close(&pair.server);
    step_with(pair.each, FAULT_CANCEL, 1);
    assert_true(faults_count(FAULT_CANCEL) > 0);
    run_until(pair.each, is_closed, &pair.server);
    pair_close(&pair);
}

static void on_accept(tow_listener *listener, int fd) {
    tow_loop_discard(listener->loop, fd);
}

static void listen_somewhere(each_loop *each, tow_listener *listener, tow_address *bound) {
    tow_address address[TOW_ADDRESSES_MAX];
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int fd = tow_listen_socket(each->loop, &address[0], NULL, bound);
    assert_true(fd >= 0);
    assert_int_equal(tow_listener_start(listener, each->loop, fd, on_accept), 0);
    assert_true(tow_loop_step(each->loop) >= 0);
}

static bool is_over(void *argument) {
    return tow_loop_step(((each_loop *)argument)->loop) == 0;
}

static void expect_the_loop_to_end(each_loop *each) {
    for (int i = 0; i < 1000 && !is_over(each); i++)
        continue;
    assert_true(is_over(each));
}

static void a_listener_stops_though_its_cancel_failed(void **state) {
    each_loop *each = *state;
    tow_listener listener = {0};
    tow_address bound;
    listen_somewhere(each, &listener, &bound);
    tow_listener_stop(&listener);
    step_with(each, FAULT_CANCEL, 1);
    assert_true(faults_count(FAULT_CANCEL) > 0);
    expect_the_loop_to_end(each);
}

/* Completions that were dropped */

static void a_loop_goes_on_after_calls_that_failed(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_send(&pair.client, "hello", 5);
    step_with(pair.each, FAULT_ENTER, 50);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    assert_int_equal(pair.server.received.length, 5);
    pair_close(&pair);
}

static void a_receive_that_was_lost_is_found_at_a_pause(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_send(&pair.client, "hello", 5);
    tow_stream_pause(&pair.server.stream);
    step_with(pair.each, FAULT_LOST, 3);
    assert_true(faults_count(FAULT_LOST) > 0);
    tow_stream_resume(&pair.server.stream);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    tow_stream_pause(&pair.server.stream);
    run_until(pair.each, has_failed, &pair.server);
    assert_int_equal(pair.server.error, TOW_ERROR_MEMORY);
    pair_close(&pair);
}

static void a_stream_closes_though_its_completions_were_lost(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_close(&pair.server);
    step_with(pair.each, FAULT_LOST, 3);
    assert_true(faults_count(FAULT_LOST) > 0);
    run_until(pair.each, is_closed, &pair.server);
    pair_close(&pair);
}

static void a_listener_stops_though_its_completions_were_lost(void **state) {
    each_loop *each = *state;
    tow_listener listener = {0};
    tow_address bound;
    listen_somewhere(each, &listener, &bound);
    tow_listener_stop(&listener);
    step_with(each, FAULT_LOST, 3);
    assert_true(faults_count(FAULT_LOST) > 0);
    expect_the_loop_to_end(each);
}

struct readiness {
    tow_watch watch; /* first */
    bool came;
};

static void on_ready(tow_watch *watch, int ready) {
    (void)ready;
    ((struct readiness *)watch)->came = true;
    tow_watch_stop(watch);
}

static bool came(void *argument) {
    return ((struct readiness *)argument)->came;
}

static void a_watch_hears_of_its_descriptor_though_the_poll_was_lost(void **state) {
    each_loop *each = *state;
    struct readiness readiness = {0};
    int fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(fd >= 0);
    assert_int_equal(tow_watch_start(&readiness.watch, each->loop, fd, TOW_READABLE, on_ready), 0);
    step_with(each, FAULT_LOST, 1);
    assert_true(faults_count(FAULT_LOST) > 0);
    assert_false(readiness.came);
    run_until(each, came, &readiness);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_FAULTS(a_crowd_hears_what_is_meant_for_each),
        WITH_FAULTS(a_pause_holds_though_its_cancel_failed),
        WITH_FAULTS(a_stream_closes_though_its_cancel_failed),
        WITH_FAULTS(a_listener_stops_though_its_cancel_failed),
        WITH_FAULTS(a_loop_goes_on_after_calls_that_failed),
        WITH_FAULTS(a_receive_that_was_lost_is_found_at_a_pause),
        WITH_FAULTS(a_stream_closes_though_its_completions_were_lost),
        WITH_FAULTS(a_listener_stops_though_its_completions_were_lost),
        WITH_FAULTS(a_watch_hears_of_its_descriptor_though_the_poll_was_lost),
    };
    const struct CMUnitTest over_tls[] = {
        WITH_FAULTS(a_crowd_hears_what_is_meant_for_each),
        WITH_FAULTS(a_pause_holds_though_its_cancel_failed),
        WITH_FAULTS(a_stream_closes_though_its_cancel_failed),
    };
    int failed = cmocka_run_group_tests_name("plain", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("over TLS", over_tls, pairs_speak_tls, pairs_speak_plainly);
}
