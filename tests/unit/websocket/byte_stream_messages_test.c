/* Byte streams over WebSocket: which messages they are, and how these end. */
#include "byte_stream_pair.h"

static void only_an_open_socket_becomes_a_stream_and_only_once(void **state) {
    stream_pair pair = {.kind = OVER_WEBSOCKET};
    open_pair(&pair);
    tow_byte_stream *second = NULL;
    assert_int_equal(
        tow_byte_stream_from_websocket(&second, &pair.world.server.socket, NULL), TOW_ERROR_STATE);
    close_pair(&pair);
    test_world world = {0};
    world_open(&world);
    world_connect_client(&world);
    tow_websocket_close(&world.client.socket, 1000, NULL);
    assert_int_equal(tow_byte_stream_from_websocket(&second, &world.client.socket, NULL), TOW_ERROR_STATE);
    assert_null(second);
    world_close(&world);
}

static void messages_are_no_larger_than_peers_take(void **state) {
    stream_pair pair = {.world.simulation.whole = true};
    open_with_peer(&pair);
    write_all(&pair.far, noise, BYTES);
    world_until(&pair.world, peer_payload_bytes(&pair.world.peer) == BYTES);
    size_t offset = 0;
    peer_received_frame frame;
    while (peer_next_frame(&pair.world.peer, &offset, &frame)) {
        assert_int_equal(frame.header.opcode, TOW_OPCODE_BINARY);
        assert_true(frame.header.payload_length <= 65536);
    }
    close_with_peer(&pair);
}

static void text_is_cut_between_characters_wherever_it_was_written(void **state) {
    static const char sample[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\xf4\x8f\xbf\xbf";
    size_t length = sizeof(sample) - 1;
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            stream_pair pair = {.kind = OVER_TEXT, .world.simulation.whole = true};
            open_with_peer(&pair);
            tow_bytes pieces[3] = {
                {sample, first}, {sample + first, second - first}, {sample + second, length - second}};
            assert_int_equal(tow_byte_stream_write(pair.far.stream, pieces, 3), length);
            world_until(&pair.world, peer_payload_bytes(&pair.world.peer) == length);
            size_t offset = 0, at = 0;
            peer_received_frame frame;
            while (peer_next_frame(&pair.world.peer, &offset, &frame)) {
                assert_int_equal(frame.header.opcode, TOW_OPCODE_TEXT);
                assert_true(frame.header.payload_length > 0);
                size_t size = (size_t)frame.header.payload_length;
                assert_memory_equal(frame.payload, sample + at, size);
                assert_true((frame.payload[0] & 0xc0) != 0x80);
                at += size;
            }
            assert_int_equal(at, length);
            close_with_peer(&pair);
        }
    }
}

static void what_is_not_utf8_fails_the_connection_with_1007(void **state) {
    static const char *const samples[] = {"\xff", "ok\xc0\xaf", "\xe2\x28\xa1", "\xed\xa0\x80", "\x80",
        "\xf8\x88\x80\x80\x80", "\xc3", "\xf0\x9f\x98"};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (size_t step = 1; step <= 5; step++) {
            stream_pair pair = {
                .kind = OVER_TEXT, .world.simulation.whole = true, .far = {.shuts = true, .step = step}};
            open_with_peer(&pair);
            write_all(&pair.far, (const uint8_t *)samples[i], strlen(samples[i]));
            world_until(&pair.world, peer_close_code(&pair.world.peer) == 1007);
            world_until(&pair.world, pair.far.errors == 1);
            assert_int_equal(pair.far.error, TOW_ERROR_UTF8);
            close_with_peer(&pair);
        }
    }
}

static void what_can_become_no_character_fails_at_once(void **state) {
    static const char *const samples[] = {"\xff", "a\xc1", "\xf5", "\xe0\x80", "\xf4\x90", "\xed\xa0"};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        stream_pair pair = {.kind = OVER_TEXT, .world.simulation.whole = true};
        open_with_peer(&pair);
        write_all(&pair.far, (const uint8_t *)samples[i], strlen(samples[i]));
        assert_int_equal(pair.far.refused, TOW_ERROR_UTF8);
        world_until(&pair.world, peer_close_code(&pair.world.peer) == 1007);
        close_with_peer(&pair);
    }
}

/* The messages that the peer got, each with a bar behind it. */
static void assert_messages(const test_peer *peer, const char *expected) {
    char got[64] = "";
    size_t offset = 0, length = 0;
    peer_received_frame frame;
    while (peer_next_frame(peer, &offset, &frame)) {
        if (frame.header.opcode == TOW_OPCODE_CLOSE)
            continue;
        memcpy(got + length, frame.payload, (size_t)frame.header.payload_length);
        length += (size_t)frame.header.payload_length;
        if (frame.header.final)
            got[length++] = '|';
    }
    assert_string_equal(got, expected);
}

static void each_line_is_a_message_wherever_it_was_written(void **state) {
    static const char sample[] = "one\n\ngr\xc3\xbc\xc3\x9f"
                                 "e\nend";
    size_t length = sizeof(sample) - 1;
    for (size_t first = 0; first <= length; first++) {
        for (size_t second = first; second <= length; second++) {
            stream_pair pair = {.kind = OVER_LINES, .world.simulation.whole = true};
            open_with_peer(&pair);
            tow_bytes pieces[3] = {
                {sample, first}, {sample + first, second - first}, {sample + second, length - second}};
            assert_int_equal(tow_byte_stream_write(pair.far.stream, pieces, 3), length);
            tow_byte_stream_shutdown(pair.far.stream);
            world_until(&pair.world, peer_close_code(&pair.world.peer) == 1000);
            assert_messages(&pair.world.peer, "one||gr\xc3\xbc\xc3\x9f"
                                              "e|end|");
            close_with_peer(&pair);
        }
    }
}

static void a_line_that_has_begun_ends_before_a_close_by_others(void **state) {
    stream_pair pair = {.kind = OVER_LINES, .world.simulation.whole = true};
    open_with_peer(&pair);
    write_all(&pair.far, (const uint8_t *)"a\nb", 3);
    tow_websocket_finish_text(&pair.world.server.socket);
    tow_websocket_finish_text(&pair.world.server.socket);
    assert_int_equal(tow_websocket_close(&pair.world.server.socket, 1011, NULL), 0);
    world_until(&pair.world, peer_close_code(&pair.world.peer) == 1011);
    assert_messages(&pair.world.peer, "a|b|");
    close_with_peer(&pair);
}

static void a_line_may_be_of_any_length(void **state) {
    stream_pair pair = {.kind = OVER_LINES, .world.simulation.whole = true};
    open_with_peer(&pair);
    write_all(&pair.far, text, BYTES);
    write_all(&pair.far, (const uint8_t *)"\n", 1);
    world_until(&pair.world, peer_payload_bytes(&pair.world.peer) == BYTES);
    size_t offset = 0, finals = 0;
    peer_received_frame frame;
    while (peer_next_frame(&pair.world.peer, &offset, &frame))
        finals += frame.header.final;
    assert_int_equal(finals, 1);
    close_with_peer(&pair);
}

static void a_line_that_is_not_utf8_fails_the_connection_with_1007(void **state) {
    static const char *const samples[] = {"\xff\n", "\xc3\n", "ok\n\xc3", "\xe2\x82"};
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        for (size_t step = 1; step <= 3; step++) {
            stream_pair pair = {
                .kind = OVER_LINES, .world.simulation.whole = true, .far = {.shuts = true, .step = step}};
            open_with_peer(&pair);
            write_all(&pair.far, (const uint8_t *)samples[i], strlen(samples[i]));
            world_until(&pair.world, peer_close_code(&pair.world.peer) == 1007);
            close_with_peer(&pair);
        }
    }
}

static void each_message_has_a_line_feed_behind_it(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        stream_pair pair = {.kind = OVER_LINES, .world.simulation.seed = seed};
        open_with_peer(&pair);
        peer_frame(&pair.world.peer, 0x81, "one", 3);
        peer_frame(&pair.world.peer, 0x82, "", 0);
        peer_frame(&pair.world.peer, 0x01, "tw", 2);
        peer_frame(&pair.world.peer, 0x89, "?", 1);
        peer_frame(&pair.world.peer, 0x80, "o", 1);
        world_until(&pair.world, pair.far.heard.length == 9);
        assert_side_heard(&pair.far, (const uint8_t *)"one\n\ntwo\n", 9);
        close_with_peer(&pair);
    }
}

static void messages_of_both_types_are_bytes(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        stream_pair pair = {.world.simulation.seed = seed};
        open_with_peer(&pair);
        peer_frame(&pair.world.peer, 0x81, "text ", 5);
        peer_frame(&pair.world.peer, 0x82, "", 0);
        peer_frame(&pair.world.peer, 0x02, "bin", 3);
        peer_frame(&pair.world.peer, 0x89, "?", 1);
        peer_frame(&pair.world.peer, 0x80, "ary", 3);
        world_until(&pair.world, pair.far.heard.length == 11);
        assert_side_heard(&pair.far, (const uint8_t *)"text binary", 11);
        close_with_peer(&pair);
    }
}

/* A message that is larger than max_message would be without this limit, and than memory should be. */
static void a_giant_message_passes_in_pieces_that_can_be_paused(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        stream_pair pair = {
            .world = {.simulation = {.seed = seed, .stream_capacity = 30000}, .limits.max_message = TOW_OFF},
            .far.pauses = true};
        static uint8_t giant[1024 * 1024];
        pattern_fill(giant, sizeof(giant), (uint8_t)seed);
        open_with_peer(&pair);
        peer_frame(&pair.world.peer, 0x82, giant, sizeof(giant));
        peer_close(&pair.world.peer, 1000, NULL);
        for (int i = 0; i < 3; i++) {
            size_t deliveries = pair.far.deliveries;
            world_until(&pair.world, pair.far.deliveries > deliveries);
            world_run(&pair.world, TOW_SECOND);
            assert_true(pair.far.heard.length < 500 * 1024);
            tow_byte_stream_resume(pair.far.stream);
        }
        pair.far.pauses = false;
        world_until(&pair.world, pair.far.ends == 1);
        assert_side_heard(&pair.far, giant, sizeof(giant));
        close_with_peer(&pair);
    }
}

static void the_end_of_the_peer_is_told_and_answered_when_we_end(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        stream_pair pair = {.world.simulation.seed = seed};
        open_with_peer(&pair);
        peer_frame(&pair.world.peer, 0x82, "last", 4);
        peer_close(&pair.world.peer, 1000, NULL);
        world_until(&pair.world, pair.far.ends == 1);
        assert_int_equal(pair.far.heard_at_end, 4);
        write_all(&pair.far, noise, 1000);
        world_run(&pair.world, 10 * TOW_SECOND);
        assert_int_equal(peer_close_code(&pair.world.peer), 0);
        tow_byte_stream_shutdown(pair.far.stream);
        world_until(&pair.world, pair.world.peer.ended);
        assert_int_equal(peer_close_code(&pair.world.peer), 1000);
        peer_end(&pair.world.peer);
        world_until(&pair.world, pair.world.server.gone == 1);
        assert_int_equal(pair.far.errors, 0);
        assert_int_equal(pair.far.closed, 0);
        tow_byte_stream_close(pair.far.stream);
        assert_int_equal(pair.far.closed, 0);
        close_with_peer(&pair);
    }
}

static void a_peer_that_answers_at_once_ends_both_sides(void **state) {
    stream_pair pair = {.world.simulation.whole = true, .far.shuts = true};
    open_with_peer(&pair);
    write_all(&pair.far, noise, 10);
    world_until(&pair.world, peer_close_code(&pair.world.peer) == 1000);
    peer_close(&pair.world.peer, 1000, NULL);
    world_until(&pair.world, pair.far.ends == 1);
    peer_end(&pair.world.peer);
    world_until(&pair.world, pair.world.server.gone == 1);
    assert_int_equal(pair.far.errors, 0);
    close_with_peer(&pair);
}

static void a_close_of_the_peer_that_tells_of_trouble_is_an_error(void **state) {
    stream_pair pair = {.world.simulation.whole = true};
    open_with_peer(&pair);
    peer_close(&pair.world.peer, 1014, "the target refused");
    world_until(&pair.world, pair.world.peer.ended);
    peer_end(&pair.world.peer);
    world_until(&pair.world, pair.far.errors == 1);
    assert_int_equal(pair.far.ends, 0);
    assert_int_equal(pair.far.error, TOW_ERROR_RESET);
    assert_string_equal(pair.far.error_text, "the peer closed with 1014: the target refused");
    close_with_peer(&pair);
}

static void a_close_by_others_is_told_as_an_error(void **state) {
    stream_pair pair = {.world.simulation.whole = true};
    open_with_peer(&pair);
    assert_int_equal(tow_websocket_close(&pair.world.server.socket, 1001, NULL), 0);
    assert_int_equal(tow_byte_stream_write(pair.far.stream, &(tow_bytes){"x", 1}, 1), TOW_ERROR_CLOSED);
    peer_close(&pair.world.peer, 1001, NULL);
    peer_end(&pair.world.peer);
    world_until(&pair.world, pair.far.errors == 1);
    assert_int_equal(pair.far.error, TOW_ERROR_CLOSED);
    close_with_peer(&pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_an_open_socket_becomes_a_stream_and_only_once),
        cmocka_unit_test(messages_are_no_larger_than_peers_take),
        cmocka_unit_test(text_is_cut_between_characters_wherever_it_was_written),
        cmocka_unit_test(what_is_not_utf8_fails_the_connection_with_1007),
        cmocka_unit_test(what_can_become_no_character_fails_at_once),
        cmocka_unit_test(each_line_is_a_message_wherever_it_was_written),
        cmocka_unit_test(a_line_that_has_begun_ends_before_a_close_by_others),
        cmocka_unit_test(a_line_may_be_of_any_length),
        cmocka_unit_test(a_line_that_is_not_utf8_fails_the_connection_with_1007),
        cmocka_unit_test(each_message_has_a_line_feed_behind_it),
        cmocka_unit_test(messages_of_both_types_are_bytes),
        cmocka_unit_test(a_giant_message_passes_in_pieces_that_can_be_paused),
        cmocka_unit_test(the_end_of_the_peer_is_told_and_answered_when_we_end),
        cmocka_unit_test(a_peer_that_answers_at_once_ends_both_sides),
        cmocka_unit_test(a_close_of_the_peer_that_tells_of_trouble_is_an_error),
        cmocka_unit_test(a_close_by_others_is_told_as_an_error),
    };
    return cmocka_run_group_tests(tests, samples_fill, NULL);
}
