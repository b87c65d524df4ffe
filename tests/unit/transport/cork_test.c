#include "each_loop.h"

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
    assert_int_equal(end->received.length, bytes);
}

static void the_largest_piece_fits_and_leaves_whole(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    uint8_t *room = tow_stream_cork(&pair.client.stream, TOW_CORK_MAX, TOW_CORK_MAX - 14);
    assert_non_null(room);
    fill_pattern(room, TOW_CORK_MAX, 0);
    assert_int_equal(tow_stream_corked_payload(&pair.client.stream), TOW_CORK_MAX - 14);
    receive(&pair, &pair.server, TOW_CORK_MAX);
    assert_pattern(pair.server.received.data, TOW_CORK_MAX);
    pair_close(&pair);
}

static void an_empty_piece_does_no_harm(void **state) {
    test_pair pair;
    pair_open(&pair, *state);
    assert_non_null(tow_stream_cork(&pair.client.stream, 0, 0));
    end_send(&pair.client, "x", 1);
    receive(&pair, &pair.server, 1);
    pair_close(&pair);
}

/* More than the cork's memory holds, from several streams: what is full leaves, and everything stays in
 * order. */
static void a_full_cork_is_sent_and_starts_over(void **state) {
    enum { PAIRS = 8, PIECES = 300, PIECE = 3001 };
    test_pair pairs[PAIRS];
    uint8_t bytes[PIECE];
    for (int i = 0; i < PAIRS; i++)
        pair_open(&pairs[i], *state);
    for (size_t piece = 0; piece < PIECES; piece++)
        for (int i = 0; i < PAIRS; i++) {
            fill_pattern(bytes, PIECE, piece * PIECE);
            end_send(&pairs[i].client, bytes, PIECE);
        }
    for (int i = 0; i < PAIRS; i++) {
        receive(&pairs[i], &pairs[i].server, (size_t)PIECES * PIECE);
        assert_pattern(pairs[i].server.received.data, (size_t)PIECES * PIECE);
    }
    pairs_close(pairs, PAIRS);
}

/* A byte each, in turn: more segments than the table holds, and more of one stream than one call takes. */
static void more_segments_than_there_is_room_for_are_sent(void **state) {
    enum { ROUNDS = 6000 };
    test_pair pairs[2];
    pair_open(&pairs[0], *state);
    pair_open(&pairs[1], *state);
    for (size_t i = 0; i < ROUNDS; i++)
        for (int j = 0; j < 2; j++) {
            uint8_t byte;
            fill_pattern(&byte, 1, i);
            end_send(&pairs[j].client, &byte, 1);
        }
    for (int j = 0; j < 2; j++) {
        receive(&pairs[j], &pairs[j].server, ROUNDS);
        assert_pattern(pairs[j].server.received.data, ROUNDS);
    }
    pairs_close(pairs, 2);
}

/* To a peer that does not read, with the segments of another stream in between: sooner or later some do not
 * leave. */
static void what_is_not_taken_comes_back_in_order(void **state) {
    test_pair pairs[2];
    uint8_t bytes[997];
    size_t sent = 0, others = 0;
    pair_open(&pairs[0], *state);
    pair_open(&pairs[1], *state);
    tow_stream_pause(&pairs[0].server.stream);
    for (int i = 0; !tow_stream_is_blocked(&pairs[0].client.stream); i++) {
        fill_pattern(bytes, sizeof(bytes), sent);
        end_send(&pairs[0].client, bytes, sizeof(bytes));
        sent += sizeof(bytes);
        end_send(&pairs[1].client, "other", 5);
        others += 5;
        if (i % 200 == 199)
            tow_loop_step(pairs[0].each->loop);
    }
    assert_true(pairs[0].client.unsent.length > 0);
    assert_true(tow_loop_count(pairs[0].each->loop)->unsent > 0);
    tow_stream_resume(&pairs[0].server.stream);
    receive(&pairs[0], &pairs[0].server, sent);
    assert_pattern(pairs[0].server.received.data, sent);
    receive(&pairs[1], &pairs[1].server, others);
    pairs_close(pairs, 2);
}

static void a_reset_drops_only_its_own_segments(void **state) {
    test_pair pairs[2];
    pair_open(&pairs[0], *state);
    pair_open(&pairs[1], *state);
    for (int i = 0; i < 10; i++) {
        end_send(&pairs[0].client, "gone", 4);
        end_send(&pairs[1].client, "kept", 4);
    }
    tow_stream_reset(&pairs[0].client.stream);
    pairs[0].client.forbidden = true;
    pairs[0].server.close_at_end = true;
    receive(&pairs[1], &pairs[1].server, 40);
    assert_int_equal(pairs[0].server.received.length, 0);
    pairs_close(pairs, 2);
}

static void tell_other(test_end *end) {
    end_send(end->other, "broadcast", 9);
}

static void what_is_said_to_others_leaves_with_the_round(void **state) {
    test_pair pairs[2];
    pair_open(&pairs[0], *state);
    pair_open(&pairs[1], *state);
    pairs[0].server.on_bytes = tell_other;
    pairs[0].server.other = &pairs[1].server;
    end_send(&pairs[0].client, "!", 1);
    receive(&pairs[1], &pairs[1].client, 9);
    pairs_close(pairs, 2);
}

/* What is not taken goes where all else goes. */
static void end_send_common(test_end *end, const uint8_t *bytes, size_t length) {
    if (end->unsent.length > 0 || !tow_stream_cork_common(&end->stream, bytes, length, length))
        end_send(end, bytes, length);
}

/* Each gets it, and what comes before and behind it, though it lies in the cork once. */
static void what_many_have_in_common_reaches_each_in_its_place(void **state) {
    enum { PAIRS = 8, ROUNDS = 200, PIECE = 3001 };
    test_pair pairs[PAIRS];
    static uint8_t bytes[PIECE];
    static uint8_t all[ROUNDS * (PIECE + 2)];
    for (int i = 0; i < PAIRS; i++)
        pair_open(&pairs[i], *state);
    for (size_t round = 0; round < ROUNDS; round++) {
        uint8_t *expected = all + round * (PIECE + 2);
        memset(bytes, (int)round, PIECE);
        expected[0] = expected[PIECE + 1] = (uint8_t)(round * 7);
        memset(expected + 1, (int)round, PIECE);
        for (int i = 0; i < PAIRS; i++) {
            if ((round + (size_t)i) % 3 == 0)
                tow_stream_flush(&pairs[(i + 1) % PAIRS].client.stream);
            end_send(&pairs[i].client, expected, 1);
            end_send_common(&pairs[i].client, bytes, PIECE);
            end_send(&pairs[i].client, expected + PIECE + 1, 1);
        }
        if (round % 5 == 0)
            tow_loop_step(pairs[0].each->loop);
    }
    for (int i = 0; i < PAIRS; i++) {
        receive(&pairs[i], &pairs[i].server, sizeof(all));
        assert_memory_equal(pairs[i].server.received.data, all, sizeof(all));
    }
    pairs_close(pairs, PAIRS);
}

/* One after the other, with nothing before it: all but the first borrow. */
static void a_common_piece_is_in_the_cork_once(void **state) {
    enum { PAIRS = 8, PIECE = 60000, ROUNDS = 20 };
    test_pair pairs[PAIRS];
    static uint8_t bytes[PIECE];
    for (int i = 0; i < PAIRS; i++)
        pair_open(&pairs[i], *state);
    for (size_t round = 0; round < ROUNDS; round++) {
        fill_pattern(bytes, PIECE, round * PIECE);
        for (int i = 0; i < PAIRS; i++)
            end_send_common(&pairs[i].client, bytes, PIECE);
        for (int i = 0; i < PAIRS; i++)
            receive(&pairs[i], &pairs[i].server, (round + 1) * PIECE);
    }
    for (int i = 0; i < PAIRS; i++)
        assert_pattern(pairs[i].server.received.data, (size_t)ROUNDS * PIECE);
    pairs_close(pairs, PAIRS);
}

static void receive_text(test_pair *pair, const char *text) {
    receive(pair, &pair->server, strlen(text));
    assert_memory_equal(pair->server.received.data, text, strlen(text));
}

static void common_to(test_end *end) {
    assert_true(tow_stream_cork_common(&end->stream, (const uint8_t *)"common", 6, 6));
}

static void reset(test_pair *pair) {
    tow_stream_reset(&pair->client.stream);
    pair->client.forbidden = true;
    pair->server.close_at_end = true;
}

static void what_follows_a_borrowed_piece_lies_behind_it(void **state) {
    test_pair pairs[3];
    for (int i = 0; i < 3; i++)
        pair_open(&pairs[i], *state);
    common_to(&pairs[0].client);
    end_send(&pairs[2].client, "other", 5);
    common_to(&pairs[1].client);
    end_send(&pairs[1].client, " and own", 8);
    end_send(&pairs[0].client, " and mine", 9);
    receive_text(&pairs[0], "common and mine");
    receive_text(&pairs[1], "common and own");
    receive_text(&pairs[2], "other");
    pairs_close(pairs, 3);
}

static void a_common_piece_outlives_who_borrowed_it(void **state) {
    test_pair pairs[3];
    for (int i = 0; i < 3; i++)
        pair_open(&pairs[i], *state);
    common_to(&pairs[0].client);
    common_to(&pairs[1].client);
    reset(&pairs[1]);
    end_send(&pairs[2].client, "another one", 11);
    receive_text(&pairs[0], "common");
    receive_text(&pairs[2], "another one");
    pairs_close(pairs, 3);
}

static void a_common_piece_that_has_gone_is_not_borrowed(void **state) {
    test_pair pairs[3];
    for (int i = 0; i < 3; i++)
        pair_open(&pairs[i], *state);
    common_to(&pairs[0].client);
    reset(&pairs[0]);
    common_to(&pairs[1].client);
    end_send(&pairs[2].client, "another one", 11);
    receive_text(&pairs[1], "common");
    receive_text(&pairs[2], "another one");
    pairs_close(pairs, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_EACH_LOOP(the_largest_piece_fits_and_leaves_whole),
        ON_EACH_LOOP(an_empty_piece_does_no_harm),
        ON_EACH_LOOP(a_full_cork_is_sent_and_starts_over),
        ON_EACH_LOOP(more_segments_than_there_is_room_for_are_sent),
        ON_EACH_LOOP(what_is_not_taken_comes_back_in_order),
        ON_EACH_LOOP(what_many_have_in_common_reaches_each_in_its_place),
        ON_EACH_LOOP(a_common_piece_is_in_the_cork_once),
        ON_EACH_LOOP(what_follows_a_borrowed_piece_lies_behind_it),
        ON_EACH_LOOP(a_common_piece_outlives_who_borrowed_it),
        ON_EACH_LOOP(a_common_piece_that_has_gone_is_not_borrowed),
        ON_EACH_LOOP(a_reset_drops_only_its_own_segments),
        ON_EACH_LOOP(what_is_said_to_others_leaves_with_the_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
