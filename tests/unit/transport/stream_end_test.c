/* Streams: how they end, by themselves, by their peers, and in each of their callbacks. */
#include "stream_scene.h"

#include <sys/socket.h>
#include <unistd.h>

static void shutdown_ends_one_side_only(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_send(&pair.client, "question", 8);
    tow_stream_shutdown(&pair.client.stream);
    run_until(pair.each, has_ended, &pair.server);
    assert_int_equal(pair.server.received.length, 8);
    assert_null(tow_stream_cork(&pair.client.stream, 1, 1));
    end_send(&pair.server, "answer", 6);
    receive(&pair, &pair.client, 6);
    tow_stream_shutdown(&pair.server.stream);
    run_until(pair.each, has_ended, &pair.client);
    run_for(pair.each, 20 * TOW_MILLISECOND);
    assert_int_equal(pair.client.ended, 1);
    assert_int_equal(pair.server.ended, 1);
    assert_int_equal(pair.client.errors, 0);
    assert_int_equal(pair.server.errors, 0);
    pair_close(&pair);
}

static void a_stream_whose_both_sides_have_ended_costs_no_rounds(void **state) {
    for (int paused = 0; paused < 2; paused++) {
        test_pair pair;
        pair_open(&pair, *state);
        tow_stream_shutdown(&pair.client.stream);
        tow_stream_shutdown(&pair.server.stream);
        if (paused)
            tow_stream_pause(&pair.client.stream);
        else
            run_until(pair.each, has_ended, &pair.client);
        run_until(pair.each, has_ended, &pair.server);
        assert_in_range(sleep_in_loop(pair.each, 100 * TOW_MILLISECOND), 1, 20);
        assert_int_equal(pair.client.errors, 0);
        tow_stream_resume(&pair.client.stream);
        run_until(pair.each, has_ended, &pair.client);
        pair_close(&pair);
    }
}

static void a_blocked_stream_whose_peer_has_ended_costs_no_rounds(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_shutdown(&pair.server.stream);
    run_until(pair.each, has_ended, &pair.client);
    tow_stream_pause(&pair.server.stream);
    fill_until_blocked(&pair, &pair.client);
    assert_in_range(sleep_in_loop(pair.each, 100 * TOW_MILLISECOND), 1, 20);
    assert_true(tow_stream_is_blocked(&pair.client.stream));
    size_t total = (size_t)pair.client.late_reads * 64 * 1024;
    tow_stream_resume(&pair.server.stream);
    receive(&pair, &pair.server, total);
    assert_pattern(pair.server.received.data, total);
    pair_close(&pair);
}

static void close_flushes_first(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_send(&pair.client, "goodbye", 7);
    end_close(&pair.client);
    assert_int_equal(pair.client.closed, 0);
    run_until(pair.each, has_ended, &pair.server);
    assert_int_equal(pair.server.received.length, 7);
    run_until(pair.each, is_closed, &pair.client);
    pair_close(&pair);
}

static void a_second_close_does_nothing(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_close(&pair.client);
    tow_stream_close(&pair.client.stream);
    tow_stream_reset(&pair.client.stream);
    tow_stream_shutdown(&pair.client.stream);
    tow_stream_flush(&pair.client.stream);
    assert_null(tow_stream_cork(&pair.client.stream, 1, 1));
    struct iovec piece = {(char[]){"x"}, 1};
    assert_int_equal(tow_stream_write(&pair.client.stream, &piece, 1), TOW_ERROR_CLOSED);
    pair_close(&pair);
}

static void reset_reaches_the_peer_as_an_error(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_send(&pair.client, "dropped", 7);
    tow_stream_reset(&pair.client.stream);
    pair.client.forbidden = true;
    run_until(pair.each, has_failed, &pair.server);
    assert_int_equal(pair.server.error, TOW_ERROR_RESET);
    assert_int_equal(pair.server.received.length, 0);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    assert_int_equal(pair.server.errors, 1);
    assert_int_equal(pair.server.ended, 0);
    assert_null(tow_stream_cork(&pair.server.stream, 1, 1));
    pair_close(&pair);
}

static void a_paused_stream_hears_of_a_reset(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    tow_stream_reset(&pair.client.stream);
    pair.client.forbidden = true;
    run_until(pair.each, has_failed, &pair.server);
    assert_int_equal(pair.server.error, TOW_ERROR_RESET);
    pair_close(&pair);
}

static bool has_fin(void *argument) {
    return ((test_end *)argument)->fins > 0;
}

static bool has_sent_all(void *argument) {
    return ((test_end *)argument)->unsent.length == 0;
}

static void send_and_end(test_pair *pair, const void *bytes, size_t length) {
    end_send(&pair->client, bytes, length);
    tow_stream_flush(&pair->client.stream);
    run_until(pair->each, has_sent_all, &pair->client);
    tow_stream_shutdown(&pair->client.stream);
}

/* Behind bytes that wait, and none; what waits is read all the same when the stream goes on. */
static void a_paused_stream_hears_that_its_peer_has_ended(void **state) {
    for (size_t length = 0; length <= 5000; length += 5000) {
        test_pair pair;
        uint8_t bytes[5000];
        pair_open(&pair, *state);
        tow_stream_pause(&pair.server.stream);
        run_for(pair.each, TOW_MILLISECOND); /* io_uring stops receiving */
        fill_pattern(bytes, sizeof(bytes), 0);
        send_and_end(&pair, bytes, length);
        run_until(pair.each, has_fin, &pair.server);
        assert_int_equal(pair.server.ended, 0);
        assert_in_range(sleep_in_loop(pair.each, 50 * TOW_MILLISECOND), 1, 20);
        assert_int_equal(pair.server.fins, 1);
        tow_stream_resume(&pair.server.stream);
        run_until(pair.each, has_ended, &pair.server);
        assert_int_equal(pair.server.received.length, length);
        tow_stream_pause(&pair.server.stream);
        assert_in_range(sleep_in_loop(pair.each, 50 * TOW_MILLISECOND), 1, 20);
        assert_int_equal(pair.server.fins, 1);
        pair_close(&pair);
    }
}

/* As often as it pauses. */
static void each_pause_hears_that_the_peer_has_ended(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    uint8_t bytes[1000];
    fill_pattern(bytes, sizeof(bytes), 0);
    tow_stream_pause(&pair.server.stream);
    run_for(pair.each, TOW_MILLISECOND);
    send_and_end(&pair, bytes, sizeof(bytes));
    for (int pauses = 1; pauses <= 3; pauses++) {
        run_until(pair.each, has_fin, &pair.server);
        assert_int_equal(pair.server.fins, 1);
        pair.server.fins = 0;
        tow_stream_resume(&pair.server.stream);
        tow_stream_pause(&pair.server.stream);
    }
    tow_stream_resume(&pair.server.stream);
    run_until(pair.each, has_ended, &pair.server);
    assert_int_equal(pair.server.received.length, sizeof(bytes));
    pair_close(&pair);
}

/* Both sides have ended: then there is no further event to wait for. */
static void a_paused_stream_that_has_ended_hears_that_its_peer_has_too(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    run_for(pair.each, TOW_MILLISECOND);
    tow_stream_shutdown(&pair.server.stream);
    tow_stream_shutdown(&pair.client.stream);
    run_until(pair.each, has_fin, &pair.server);
    assert_in_range(sleep_in_loop(pair.each, 50 * TOW_MILLISECOND), 1, 20);
    tow_stream_resume(&pair.server.stream);
    run_until(pair.each, has_ended, &pair.server);
    pair_close(&pair);
}

static void a_paused_stream_may_be_closed_when_its_peer_has_ended(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    run_for(pair.each, TOW_MILLISECOND);
    send_and_end(&pair, "unread", 6);
    pair.server.close_at_end = true;
    run_until(pair.each, is_closed, &pair.server);
    assert_int_equal(pair.server.fins, 1);
    pair_close(&pair);
}

static void a_stream_that_has_ended_hears_of_a_reset(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_shutdown(&pair.client.stream);
    run_until(pair.each, has_ended, &pair.server);
    tow_stream_reset(&pair.client.stream);
    pair.client.forbidden = true;
    run_until(pair.each, has_failed, &pair.server);
    pair_close(&pair);
}

static void a_blocked_stream_hears_of_a_reset(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    fill_until_blocked(&pair, &pair.client);
    tow_stream_reset(&pair.server.stream);
    pair.server.forbidden = true;
    run_until(pair.each, has_failed, &pair.client);
    assert_int_equal(pair.client.error, TOW_ERROR_RESET);
    pair_close(&pair);
}

static void writing_to_a_closed_peer_fails_and_raises_no_signal(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    end_close(&pair.client);
    run_until(pair.each, has_ended, &pair.server);
    struct iovec piece = {(char[]){"x"}, 1};
    for (int i = 0; i < 100 && pair.server.errors == 0; i++) {
        tow_stream_write(&pair.server.stream, &piece, 1);
        run_for(pair.each, TOW_MILLISECOND);
    }
    assert_int_equal(pair.server.errors, 1);
    assert_int_equal(pair.server.error, TOW_ERROR_RESET);
    assert_int_equal(tow_stream_write(&pair.server.stream, &piece, 1), TOW_ERROR_RESET);
    pair_close(&pair);
}

static void a_stream_may_be_closed_while_bytes_are_delivered(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    pair.server.on_bytes = end_close;
    pair.client.close_at_end = true;
    end_send(&pair.client, "close yourself", 14);
    run_until(pair.each, is_closed, &pair.server);
    pair_close(&pair);
}

static void a_stream_may_be_closed_by_its_end_and_by_its_error(void **state) {
    for (int reset = 0; reset < 2; reset++) {
        test_pair pair;
        pair_open(&pair, *state);
        pair.server.close_at_end = true;
        if (reset)
            tow_stream_reset(&pair.client.stream);
        else
            tow_stream_close(&pair.client.stream);
        pair.client.forbidden = true;
        run_until(pair.each, is_closed, &pair.server);
        assert_int_equal(pair.server.errors, reset);
        assert_int_equal(pair.server.ended, !reset);
        pair_close(&pair);
    }
}

static void a_stream_may_be_closed_when_it_becomes_writable(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    fill_until_blocked(&pair, &pair.client);
    pair.client.on_writable = end_close;
    tow_stream_resume(&pair.server.stream);
    run_until(pair.each, is_closed, &pair.client);
    pair_close(&pair);
}

/* Many streams become readable in one round, and the first to hear of it closes all others. */
enum { CROWD = 40 };
typedef struct test_crowd {
    test_pair pairs[CROWD];
    int heard;
} test_crowd;
static test_crowd *the_crowd;

static void close_all(test_end *end) {
    the_crowd->heard++;
    for (int i = 0; i < CROWD; i++)
        if (!the_crowd->pairs[i].server.forbidden)
            end_close(&the_crowd->pairs[i].server);
    (void)end;
}

static bool crowd_is_closed(void *argument) {
    const test_crowd *crowd = argument;
    int closed = 0;
    for (int i = 0; i < CROWD; i++)
        closed += crowd->pairs[i].server.closed;
    return closed == CROWD;
}

static void events_for_streams_that_were_closed_meanwhile_are_dropped(void **state) {
    test_crowd crowd = {.heard = 0};
    the_crowd = &crowd;
    for (int i = 0; i < CROWD; i++) {
        pair_open(&crowd.pairs[i], *state);
        crowd.pairs[i].server.on_bytes = close_all;
        crowd.pairs[i].client.close_at_end = true;
    }
    for (int i = 0; i < CROWD; i++)
        end_send(&crowd.pairs[i].client, "all at once", 11);
    run_until(*state, crowd_is_closed, &crowd);
    assert_int_equal(crowd.heard, 1);
    pairs_close(crowd.pairs, CROWD);
    assert_int_equal(crowd.heard, 1);
}

/* Whatever carries the bytes. */
#define ALWAYS                                                                                               \
    ON_EACH_LOOP(shutdown_ends_one_side_only), ON_EACH_LOOP(close_flushes_first),                            \
        ON_EACH_LOOP(a_second_close_does_nothing), ON_EACH_LOOP(reset_reaches_the_peer_as_an_error),         \
        ON_EACH_LOOP(a_paused_stream_hears_of_a_reset),                                                      \
        ON_EACH_LOOP(a_paused_stream_hears_that_its_peer_has_ended),                                         \
        ON_EACH_LOOP(each_pause_hears_that_the_peer_has_ended),                                              \
        ON_EACH_LOOP(a_paused_stream_that_has_ended_hears_that_its_peer_has_too),                            \
        ON_EACH_LOOP(a_paused_stream_may_be_closed_when_its_peer_has_ended),                                 \
        ON_EACH_LOOP(a_stream_that_has_ended_hears_of_a_reset),                                              \
        ON_EACH_LOOP(a_blocked_stream_hears_of_a_reset),                                                     \
        ON_EACH_LOOP(writing_to_a_closed_peer_fails_and_raises_no_signal),                                   \
        ON_EACH_LOOP(a_stream_may_be_closed_while_bytes_are_delivered),                                      \
        ON_EACH_LOOP(a_stream_may_be_closed_by_its_end_and_by_its_error),                                    \
        ON_EACH_LOOP(a_stream_may_be_closed_when_it_becomes_writable),                                       \
        ON_EACH_LOOP(events_for_streams_that_were_closed_meanwhile_are_dropped)

static const struct CMUnitTest in_plain[] = {
    ALWAYS,
    ON_REAL_LOOPS(a_stream_whose_both_sides_have_ended_costs_no_rounds),
    ON_REAL_LOOPS(a_blocked_stream_whose_peer_has_ended_costs_no_rounds),
};

static const struct CMUnitTest over_tls[] = {
    ALWAYS,
    ON_EACH_LOOP(a_stream_whose_both_sides_have_ended_costs_no_rounds),
};

int main(void) {
    return RUN_STREAM_GROUPS(in_plain, over_tls);
}
