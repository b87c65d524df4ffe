#include "each_loop.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct expectation {
    const test_end *end;
    size_t bytes;
} expectation;

static bool has_received(void *argument) {
    const expectation *expected = argument;
    return expected->end->received.length >= expected->bytes;
}

static void receive(test_pair *pair, const test_end *end, size_t bytes) {
    run_until(pair->each, has_received, &(expectation){end, bytes});
}

static bool has_ended(void *argument) {
    return ((test_end *)argument)->ended > 0;
}

static bool has_failed(void *argument) {
    return ((test_end *)argument)->errors > 0;
}

static bool is_closed(void *argument) {
    return ((test_end *)argument)->closed > 0;
}

static bool is_blocked(void *argument) {
    return tow_stream_is_blocked(&((test_end *)argument)->stream);
}

static void bytes_are_echoed_in_order(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    pair.server.echo = true;
    uint8_t bytes[5000];
    fill_pattern(bytes, sizeof(bytes), 0);
    for (size_t sent = 0; sent < sizeof(bytes); sent += 50)
        end_send(&pair.client, bytes + sent, 50);
    receive(&pair, &pair.client, sizeof(bytes));
    assert_int_equal(pair.client.received.length, sizeof(bytes));
    assert_pattern(pair.client.received.data, sizeof(bytes));
    pair_close(&pair);
}

static void corked_payload_is_counted_until_it_leaves(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    memset(tow_stream_cork(&pair.client.stream, 10, 7), 'a', 10);
    memset(tow_stream_cork(&pair.client.stream, 10, 8), 'b', 10);
    assert_int_equal(tow_stream_corked_payload(&pair.client.stream), 15);
    tow_stream_flush(&pair.client.stream);
    assert_int_equal(tow_stream_corked_payload(&pair.client.stream), 0);
    receive(&pair, &pair.server, 20);
    assert_memory_equal(pair.server.received.data, "aaaaaaaaaabbbbbbbbbb", 20);
    pair_close(&pair);
}

/* Nobody has heard of the reset when it is sent. */
static void corked_payload_that_the_network_refuses_counts_on(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_reset(&pair.server.stream);
    pair.server.forbidden = true;
    for (uint8_t *room; (room = tow_stream_cork(&pair.client.stream, 10, 7)) != NULL;) {
        memset(room, 'a', 10);
        assert_true(tow_loop_step(pair.each->loop) >= 0);
    }
    uint32_t lost = tow_stream_corked_payload(&pair.client.stream);
    assert_true(lost == 7 || lost == 14); /* a failure rises from layer to layer in two rounds */
    run_until(pair.each, has_failed, &pair.client);
    assert_int_equal(pair.client.error, TOW_ERROR_RESET);
    assert_int_equal(tow_stream_corked_payload(&pair.client.stream), lost);
    pair_close(&pair);
}

static void a_large_transfer_survives_blocking(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    pair.server.echo = true;
    const size_t length = 8 * 1024 * 1024;
    uint8_t *bytes = malloc(length);
    fill_pattern(bytes, length, 0);
    end_send(&pair.client, bytes, length);
    receive(&pair, &pair.client, length);
    assert_int_equal(pair.client.received.length, length);
    assert_pattern(pair.client.received.data, length);
    assert_true(tow_loop_count(pair.each->loop)->unsent > 0);
    free(bytes);
    pair_close(&pair);
}

static void fill_until_blocked(test_pair *pair, test_end *end) {
    static uint8_t bytes[64 * 1024];
    size_t sent = 0;
    while (!is_blocked(end)) {
        fill_pattern(bytes, sizeof(bytes), sent);
        sent += sizeof(bytes);
        end_send(end, bytes, sizeof(bytes));
        tow_stream_flush(&end->stream);
        run_for(pair->each, TOW_MILLISECOND);
        assert_true(sent < 256 * 1024 * 1024);
    }
    end->late_reads = (int)(sent / sizeof(bytes)); /* how many were sent */
}

static void a_paused_stream_blocks_its_peer_and_loses_nothing(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_pause(&pair.server.stream);
    fill_until_blocked(&pair, &pair.client);
    size_t total = (size_t)pair.client.late_reads * 64 * 1024;
    assert_null(tow_stream_cork(&pair.client.stream, 1, 1));
    size_t received = pair.server.received.length;
    run_for(pair.each, 20 * TOW_MILLISECOND);
    assert_int_equal(pair.server.received.length, received);
    tow_stream_resume(&pair.server.stream);
    receive(&pair, &pair.server, total);
    assert_int_equal(pair.server.received.length, total);
    assert_pattern(pair.server.received.data, total);
    assert_true(pair.client.writable > 0);
    pair_close(&pair);
}

static void pause_and_resume_in_turn_keep_the_order(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    uint8_t bytes[1000];
    for (size_t i = 0; i < 200; i++) {
        fill_pattern(bytes, sizeof(bytes), i * sizeof(bytes));
        end_send(&pair.client, bytes, sizeof(bytes));
        if (i % 3 == 0)
            tow_stream_pause(&pair.server.stream);
        if (i % 5 == 0)
            tow_stream_resume(&pair.server.stream);
        tow_loop_step(pair.each->loop);
    }
    tow_stream_resume(&pair.server.stream);
    receive(&pair, &pair.server, 200 * sizeof(bytes));
    assert_pattern(pair.server.received.data, 200 * sizeof(bytes));
    pair_close(&pair);
}

static void pause_in_on_bytes(test_end *end) {
    tow_stream_pause(&end->stream);
}

static void a_stream_may_be_paused_while_bytes_are_delivered(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    pair.server.on_bytes = pause_in_on_bytes;
    end_send(&pair.client, "first", 5);
    receive(&pair, &pair.server, 1);
    run_for(pair.each, 20 * TOW_MILLISECOND); /* what was handed over before the pause */
    size_t before = pair.server.received.length;
    end_send(&pair.client, "second", 6);
    run_for(pair.each, 20 * TOW_MILLISECOND);
    assert_int_equal(pair.server.received.length, before);
    pair.server.on_bytes = NULL;
    tow_stream_resume(&pair.server.stream);
    receive(&pair, &pair.server, 11);
    assert_memory_equal(pair.server.received.data, "firstsecond", 11);
    pair_close(&pair);
}

static void yield_again(test_end *end) {
    if (end->turns < 10)
        tow_stream_yield(&end->stream);
    end_send(end, "t", 1);
}

static void yield_for_ever(test_end *end) {
    tow_stream_yield(&end->stream);
}

static void a_stream_that_yields_has_one_turn_a_round(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    pair.server.on_turn = yield_again;
    const tow_loop_counters *counters = tow_loop_count(pair.each->loop);
    uint64_t before = counters->rounds;
    tow_stream_yield(&pair.server.stream);
    tow_stream_yield(&pair.server.stream); /* asks for the same turn */
    while (pair.server.turns < 10) {
        assert_true(tow_loop_step(pair.each->loop) >= 0);
        assert_int_equal(pair.server.turns, counters->rounds - before);
    }
    receive(&pair, &pair.client, 10);
    assert_int_equal(pair.server.turns, 10);
    assert_int_equal(counters->turns, 10);
    pair_close(&pair);
}

static void others_are_served_between_the_turns_of_a_stream(void **state) {
    test_pair pairs[2];
    pair_open(&pairs[0], *state);
    pair_open(&pairs[1], *state);
    pairs[0].server.on_turn = yield_for_ever;
    pairs[1].server.echo = true;
    tow_stream_yield(&pairs[0].server.stream);
    for (size_t i = 1; i <= 20; i++) {
        end_send(&pairs[1].client, "x", 1);
        receive(&pairs[1], &pairs[1].client, i);
    }
    assert_true(pairs[0].server.turns >= 20);
    pairs_close(pairs, 2);
}

static void no_turn_comes_after_a_close(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_stream_yield(&pair.server.stream);
    end_close(&pair.server);
    run_for(pair.each, 5 * TOW_MILLISECOND);
    assert_int_equal(pair.server.turns, 0);
    pair_close(&pair);
}

static void write_takes_what_it_can_and_announces_room(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    const size_t length = 32 * 1024 * 1024 / unit_step(2);
    uint8_t *bytes = malloc(length);
    fill_pattern(bytes, length, 0);
    end_send(&pair.client, bytes, 100);
    struct iovec pieces[2] = {{bytes + 100, 900}, {bytes + 1000, length - 1000}};
    ssize_t taken = tow_stream_write(&pair.client.stream, pieces, 2); /* behind what was corked */
    assert_true(taken > 0);
    assert_true((size_t)taken < length - 100 && taken <= TOW_WRITE_MAX);
    assert_true(tow_stream_is_blocked(&pair.client.stream));
    assert_int_equal(tow_stream_write(&pair.client.stream, pieces, 1), 0);
    size_t sent = 100 + (size_t)taken;
    assert_int_equal(tow_buffer_append(&pair.client.unsent, bytes + sent, length - sent), 0);
    receive(&pair, &pair.server, length);
    assert_pattern(pair.server.received.data, length);
    assert_true(pair.client.writable > 0);
    free(bytes);
    pair_close(&pair);
}

static void more_pieces_than_one_call_takes_are_written(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    enum { COUNT = 3000 };
    uint8_t bytes[COUNT];
    fill_pattern(bytes, sizeof(bytes), 0);
    struct iovec pieces[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        pieces[i] = (struct iovec){bytes + i, 1};
    ssize_t taken = tow_stream_write(&pair.client.stream, pieces, COUNT);
    assert_true(taken > 0);
    assert_int_equal(tow_buffer_append(&pair.client.unsent, bytes + taken, COUNT - (size_t)taken), 0);
    receive(&pair, &pair.server, COUNT);
    assert_pattern(pair.server.received.data, COUNT);
    pair_close(&pair);
}

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

static void a_descriptor_that_does_not_block_is_read_all_the_same(void **state) {
    each_loop *each = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    test_end end = {.echo = true};
    assert_int_equal(tow_stream_adopt(&end.stream, each->loop, pair[0], &end_events), 0);
    for (size_t i = 1; i < 10; i++) {
        assert_int_equal(write(pair[1], "x", 1), 1);
        run_until(each, has_received, &(expectation){&end, i});
        char echoed;
        assert_int_equal(read(pair[1], &echoed, 1), 1);
        assert_in_range(sleep_in_loop(each, 5 * TOW_MILLISECOND), 1, 20);
    }
    close(pair[1]);
    run_until(each, has_ended, &end);
    assert_in_range(sleep_in_loop(each, 50 * TOW_MILLISECOND), 1, 20);
    end_close(&end);
    run_to_the_end(each);
    assert_int_equal(end.closed, 1);
    end_clear(&end);
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

static void segments_of_streams_that_take_turns_stay_apart(void **state) {
    test_pair pairs[2], *first = &pairs[0], *second = &pairs[1];
    pair_open(first, *state);
    pair_open(second, *state);
    for (int i = 0; i < 3000; i++) {
        end_send(&first->client, "abc", 3);
        end_send(&second->client, "1234", 4);
    }
    receive(first, &first->server, 9000);
    receive(second, &second->server, 12000);
    for (size_t i = 0; i < 3000; i++) {
        assert_memory_equal(first->server.received.data + 3 * i, "abc", 3);
        assert_memory_equal(second->server.received.data + 4 * i, "1234", 4);
    }
    pairs_close(pairs, 2);
}

static void one_send_answers_one_read(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    pair.server.echo = true;
    end_send(&pair.client, "warm up", 7);
    receive(&pair, &pair.client, 7);
    tow_loop_counters before = *tow_loop_count(pair.each->loop);
    for (int i = 0; i < 16; i++)
        end_send(&pair.client, "sixteen in flight", 17);
    receive(&pair, &pair.client, 7 + 16 * 17);
    const tow_loop_counters *after = tow_loop_count(pair.each->loop);
    assert_int_equal(after->writes - before.writes, 2);
    assert_int_equal(after->reads - before.reads, 2);
    pair_close(&pair);
}

static int unused_port(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    close(fd);
    return ntohs(name.sin_port);
}

static void a_refused_connect_comes_to_on_error(void **state) {
    each_loop *each = *state;
    tow_address address[TOW_ADDRESSES_MAX];
    char text[32];
    snprintf(text, sizeof(text), "127.0.0.1:%d", unused_port());
    assert_int_equal(tow_address_parse(text, address), 1);
    test_end end = {.close_at_end = true};
    assert_int_equal(tow_stream_connect(&end.stream, each->loop, &address[0], &end_events), 0);
    assert_int_equal(end.errors, 0);
    run_to_the_end(each);
    assert_int_equal(end.errors, 1);
    assert_int_equal(end.error, TOW_ERROR_REFUSED);
    assert_int_equal(end.writable, 0);
    assert_int_equal(end.closed, 1);
}

static void a_stream_may_be_closed_while_it_connects(void **state) {
    test_pair pair;
    memset(&pair, 0, sizeof(pair));
    each_loop *each = *state;
    tow_address address[TOW_ADDRESSES_MAX], bound;
    assert_int_equal(tow_address_parse("127.0.0.1:0", address), 1);
    int fd = tow_listen_socket(each->loop, &address[0], NULL, &bound);
    assert_true(fd >= 0);
    assert_int_equal(tow_stream_connect(&pair.client.stream, each->loop, &bound, &end_events), 0);
    end_close(&pair.client);
    run_to_the_end(each);
    assert_int_equal(pair.client.closed, 1);
    tow_loop_discard(each->loop, fd);
}

static void a_stream_knows_its_peer(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    tow_address peer;
    assert_int_equal(tow_stream_peer(&pair.server.stream, &peer), 0);
    assert_true(tow_address_is_loopback(&peer));
    assert_int_not_equal(tow_address_port(&peer), 0);
    pair_close(&pair);
}

static void accepted_and_connected_streams_do_not_delay(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    const test_end *ends[2] = {&pair.client, &pair.server};
    for (int i = 0; i < 2; i++) {
        int value = 0;
        socklen_t length = sizeof(value);
        assert_int_equal(getsockopt(ends[i]->stream.fd, IPPROTO_TCP, TCP_NODELAY, &value, &length), 0);
        assert_int_equal(value != 0, 1);
    }
    pair_close(&pair);
}

static void adopt_refuses_what_is_no_descriptor(void **state) {
    each_loop *each = *state;
    test_end end = {0};
    assert_true(tow_stream_adopt(&end.stream, each->loop, -1, &end_events) < 0);
    run_to_the_end(each);
    assert_int_equal(end.closed, 0);
}

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
    run_until(each, has_received, &(expectation){&test->heir, 6});
    end_send(&test->heir, "again", 5);
    run_until(each, has_received, &(expectation){&test->heir, 11});
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

/* Once more over TLS, and over TLS inside of TLS: nothing of this is to be noticed. */

static int use_tls_inside_of_tls(void **state) {
    pair_open_stacks_tls(true);
    return pairs_speak_tls(state);
}

static int use_no_tls_any_more(void **state) {
    pair_open_stacks_tls(false);
    return pairs_speak_plainly(state);
}

/* Whatever carries the bytes. */
#define ALWAYS                                                                                               \
    ON_EACH_LOOP(bytes_are_echoed_in_order), ON_EACH_LOOP(corked_payload_is_counted_until_it_leaves),        \
        ON_EACH_LOOP(a_large_transfer_survives_blocking),                                                    \
        ON_EACH_LOOP(a_paused_stream_blocks_its_peer_and_loses_nothing),                                     \
        ON_EACH_LOOP(pause_and_resume_in_turn_keep_the_order),                                               \
        ON_EACH_LOOP(a_stream_may_be_paused_while_bytes_are_delivered),                                      \
        ON_EACH_LOOP(a_stream_that_yields_has_one_turn_a_round),                                             \
        ON_EACH_LOOP(others_are_served_between_the_turns_of_a_stream),                                       \
        ON_EACH_LOOP(no_turn_comes_after_a_close), ON_EACH_LOOP(write_takes_what_it_can_and_announces_room), \
        ON_EACH_LOOP(more_pieces_than_one_call_takes_are_written),                                           \
        ON_EACH_LOOP(shutdown_ends_one_side_only), ON_EACH_LOOP(close_flushes_first),                        \
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
        ON_EACH_LOOP(events_for_streams_that_were_closed_meanwhile_are_dropped),                             \
        ON_EACH_LOOP(segments_of_streams_that_take_turns_stay_apart), ON_EACH_LOOP(a_stream_knows_its_peer), \
        ON_EACH_LOOP(bytes_are_received_where_the_owner_wants_them),                                         \
        ON_EACH_LOOP(what_was_said_is_noticed_before_it_is_read),                                            \
        ON_EACH_LOOP(an_end_is_noticed_before_it_is_told)

static const struct CMUnitTest in_plain[] = {
    ALWAYS,
    ON_EACH_LOOP(corked_payload_that_the_network_refuses_counts_on),
    ON_REAL_LOOPS(a_stream_whose_both_sides_have_ended_costs_no_rounds),
    ON_REAL_LOOPS(a_blocked_stream_whose_peer_has_ended_costs_no_rounds),
    ON_REAL_LOOPS(a_descriptor_that_does_not_block_is_read_all_the_same),
    ON_REAL_LOOPS(one_send_answers_one_read),
    ON_EACH_LOOP(a_refused_connect_comes_to_on_error),
    ON_EACH_LOOP(a_stream_may_be_closed_while_it_connects),
    ON_REAL_LOOPS(accepted_and_connected_streams_do_not_delay),
    ON_EACH_LOOP(adopt_refuses_what_is_no_descriptor),
    ON_EACH_LOOP(a_descriptor_is_released_as_soon_as_it_is_connected),
    ON_EACH_LOOP(a_stream_that_was_paused_when_it_connected_is_released_later),
    ON_EACH_LOOP(what_is_corked_or_failed_is_not_released),
    {"a_stream_with_a_receive_under_way_is_not_released on io_uring",
        a_stream_with_a_receive_under_way_is_not_released, each_loop_uring, each_loop_teardown, NULL},
};

static const struct CMUnitTest over_tls[] = {
    ALWAYS,
    ON_EACH_LOOP(corked_payload_that_the_network_refuses_counts_on),
    ON_EACH_LOOP(a_stream_whose_both_sides_have_ended_costs_no_rounds),
};

int main(void) {
    int failed = cmocka_run_group_tests_name("plain", in_plain, NULL, NULL);
    failed += cmocka_run_group_tests_name("over TLS", over_tls, pairs_speak_tls, pairs_speak_plainly);
    return failed + cmocka_run_group_tests_name(
                        "over TLS inside of TLS", over_tls, use_tls_inside_of_tls, use_no_tls_any_more);
}
