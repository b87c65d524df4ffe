/* Streams: bytes both ways, pauses, turns, and how they are made. */
#include "stream_scene.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void a_descriptor_that_does_not_block_is_read_all_the_same(void **state) {
    each_loop *each = *state;
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    test_end end = {.echo = true};
    assert_int_equal(tow_stream_adopt(&end.stream, each->loop, pair[0], &end_events), 0);
    for (size_t i = 1; i < 10; i++) {
        assert_int_equal(write(pair[1], "x", 1), 1);
        receive_on(each, &end, i);
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

/* Of a socket that does not listen, so that nobody else gets it. */
static int refusing_port(int *bound) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(name);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    *bound = fd;
    return ntohs(name.sin_port);
}

static void a_refused_connect_comes_to_on_error(void **state) {
    each_loop *each = *state;
    tow_address address[TOW_ADDRESSES_MAX];
    char text[32];
    int fd;
    snprintf(text, sizeof(text), "127.0.0.1:%d", refusing_port(&fd));
    assert_int_equal(tow_address_parse(text, address), 1);
    test_end end = {.close_at_end = true};
    assert_int_equal(tow_stream_connect(&end.stream, each->loop, &address[0], &end_events), 0);
    assert_int_equal(end.errors, 0);
    run_to_the_end(each);
    assert_int_equal(end.errors, 1);
    assert_int_equal(end.error, TOW_ERROR_REFUSED);
    assert_int_equal(end.writable, 0);
    assert_int_equal(end.closed, 1);
    close(fd);
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

/* Whatever carries the bytes. */
/* A crowd */

enum { CROWD = 40, CROWD_SENT = 2 * 1024 * 1024, CROWD_ROUND = 4 * 1024 * 1024 };

static size_t crowd_most; /* of one read, once all have turns */

static void note_read_and_yield(test_end *end) {
    if (end->turns > 1 && end->received.length > crowd_most)
        crowd_most = end->received.length;
    tow_buffer_clear(&end->received);
    tow_stream_yield(&end->stream);
}

static void ask_for_another_turn(test_end *end) {
    tow_stream_yield(&end->stream);
}

static bool crowd_has_read(void *argument) {
    const test_pair *pairs = argument;
    for (int i = 0; i < CROWD; i++)
        if (pairs[i].server.reads < 6)
            return false;
    return true;
}

static void a_crowd_that_has_turns_reads_less_each(void **state) {
    static test_pair pairs[CROWD];
    static uint8_t bytes[CROWD_SENT];
    each_loop *each = *state;
    crowd_most = 0;
    for (int i = 0; i < CROWD; i++) {
        pair_open(&pairs[i], each);
        pairs[i].server.on_bytes = note_read_and_yield;
        pairs[i].server.on_turn = ask_for_another_turn;
    }
    for (int i = 0; i < CROWD; i++)
        end_send(&pairs[i].client, bytes, sizeof(bytes));
    run_until(each, crowd_has_read, pairs);
    assert_in_range(crowd_most, 1, CROWD_ROUND / CROWD);
    pairs_close(pairs, CROWD);
}

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
        ON_EACH_LOOP(segments_of_streams_that_take_turns_stay_apart), ON_EACH_LOOP(a_stream_knows_its_peer)

static const struct CMUnitTest in_plain[] = {
    ALWAYS,
    ON_EACH_LOOP(corked_payload_that_the_network_refuses_counts_on),
    ON_REAL_LOOPS(a_descriptor_that_does_not_block_is_read_all_the_same),
    ON_REAL_LOOPS(one_send_answers_one_read),
    ON_EPOLL(a_crowd_that_has_turns_reads_less_each),
    ON_EACH_LOOP(a_refused_connect_comes_to_on_error),
    ON_EACH_LOOP(a_stream_may_be_closed_while_it_connects),
    ON_REAL_LOOPS(accepted_and_connected_streams_do_not_delay),
    ON_EACH_LOOP(adopt_refuses_what_is_no_descriptor),
};

static const struct CMUnitTest over_tls[] = {
    ALWAYS,
    ON_EACH_LOOP(corked_payload_that_the_network_refuses_counts_on),
};

int main(void) {
    return RUN_STREAM_GROUPS(in_plain, over_tls);
}
