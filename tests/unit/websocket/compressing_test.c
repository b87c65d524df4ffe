/* Compressed messages, with each kind of agreement, cut and fragmented. */
#include "world.h"

#include "protocol/deflate.h"

enum { SEEDS = 16 };

enum { TEXT_LENGTH = 200 * 1000 };
static char text[TEXT_LENGTH + 16];

static void fill_text(void) {
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = "to be, or not to be: that is the question. "[(i * i / 97 + i) % 43];
}

static tow_compression_agreement agreements[] = {
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 15},
    {.enabled = true,
        .server_no_context_takeover = true,
        .client_no_context_takeover = true,
        .server_max_window_bits = 15,
        .client_max_window_bits = 15},
    {.enabled = true,
        .server_no_context_takeover = true,
        .server_max_window_bits = 9,
        .client_max_window_bits = 12},
    {.enabled = true,
        .client_no_context_takeover = true,
        .server_max_window_bits = 8,
        .client_max_window_bits = 8},
};

enum { AGREEMENTS = sizeof(agreements) / sizeof(agreements[0]) };

static void compressed_messages_are_echoed_unchanged(void **state) {
    static const size_t sizes[] = {0, 1, 100, 511, 512, 513, 5000, 70000, TEXT_LENGTH, 600, 70000};
    fill_text();
    for (size_t agreement = 0; agreement < AGREEMENTS; agreement++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 0},
                .agreement = agreements[agreement],
                .server.echoes = true};
            world_open(&world);
            world_connect_client(&world);
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                assert_true(tow_websocket_send(&world.client.socket, TOW_TEXT, text + i, sizes[i]) >= 0);
            world_until(&world, world.client.messages == sizeof(sizes) / sizeof(sizes[0]));
            for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
                assert_heard(&world.client, i, TOW_TEXT, text + i, sizes[i]);
            world_close(&world);
        }
    }
}

static void messages_below_the_minimum_are_sent_as_they_are(void **state) {
    fill_text();
    test_world world = {.simulation.whole = true, .agreement = agreements[1], .limits.compression_min = 1000};
    world_open(&world);
    world_connect_peer(&world);
    for (size_t length = 999; length <= 1001; length++)
        tow_websocket_send(&world.server.socket, TOW_TEXT, text, length);
    world_until(&world, world.peer.received.length > 1000);
    size_t offset = 0;
    peer_received_frame frame;
    for (size_t length = 999; length <= 1001; length++) {
        world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
        assert_int_equal(frame.header.reserved_bits, length >= 1000 ? TOW_RSV1 : 0);
        assert_int_equal(frame.header.payload_length < length, length >= 1000);
    }
    world_close(&world);
}

static void messages_above_the_maximum_are_sent_as_they_are(void **state) {
    fill_text();
    for (size_t agreement = 0; agreement < AGREEMENTS; agreement++) {
        test_world world = {.simulation = {.whole = true, .stream_capacity = 1024 * 1024},
            .agreement = agreements[agreement],
            .limits.compression_max = 10000};
        world_open(&world);
        world_connect_client(&world);
        for (size_t length = 9999; length <= 10001; length++)
            tow_websocket_send(&world.server.socket, TOW_TEXT, text, length);
        tow_websocket_send(&world.server.socket, TOW_TEXT, text, 5000);
        world_until(&world, world.client.messages == 4);
        assert_heard(&world.client, 2, TOW_TEXT, text, 10001);
        assert_heard(&world.client, 3, TOW_TEXT, text, 5000);
        world_close(&world);
    }
    test_world world = {
        .simulation.whole = true, .agreement = agreements[1], .limits.compression_max = 10000};
    world_open(&world);
    world_connect_peer(&world);
    for (size_t length = 9999; length <= 10001; length++)
        tow_websocket_send(&world.server.socket, TOW_TEXT, text, length);
    size_t offset = 0;
    peer_received_frame frame;
    for (size_t length = 9999; length <= 10001; length++) {
        world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
        assert_int_equal(frame.header.reserved_bits, length <= 10000 ? TOW_RSV1 : 0);
    }
    world_close(&world);
}

static void what_does_not_shrink_is_sent_as_it_is_without_takeover(void **state) {
    uint8_t noise[2000];
    pattern_fill(noise, sizeof(noise), 77);
    for (size_t agreement = 0; agreement < 2; agreement++) {
        test_world world = {.simulation.whole = true, .agreement = agreements[agreement]};
        world_open(&world);
        world_connect_peer(&world);
        tow_websocket_send(&world.server.socket, TOW_BINARY, noise, sizeof(noise));
        size_t offset = 0;
        peer_received_frame frame;
        world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
        assert_int_equal(frame.header.reserved_bits, agreement == 0 ? TOW_RSV1 : 0);
        world_close(&world);
    }
}

static void takeover_makes_repeated_messages_small(void **state) {
    fill_text();
    size_t lengths[2];
    for (size_t agreement = 0; agreement < 2; agreement++) {
        test_world world = {.simulation.whole = true, .agreement = agreements[agreement]};
        world_open(&world);
        world_connect_peer(&world);
        peer_received_frame frame;
        size_t offset = 0;
        for (int i = 0; i < 2; i++) {
            tow_websocket_send(&world.server.socket, TOW_TEXT, text, 1000);
            world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
        }
        lengths[agreement] = (size_t)frame.header.payload_length;
        world_close(&world);
    }
    assert_true(lengths[0] < lengths[1] / 2);
}

static void an_idle_connection_without_takeover_holds_no_compressor(void **state) {
    fill_text();
    test_world world = {.simulation.whole = true, .agreement = agreements[1], .server.echoes = true};
    world_open(&world);
    world_connect_client(&world);
    tow_websocket_send(&world.client.socket, TOW_TEXT, text, 5000);
    world_until(&world, world.client.messages == 1);
    assert_null(world.server.socket.extra);
    assert_null(world.client.socket.extra);
    assert_string_equal(tow_websocket_extensions(&world.server.socket),
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
    assert_ptr_equal(
        tow_websocket_extensions(&world.server.socket), tow_websocket_extensions(&world.client.socket));
    world_close(&world);
}

/* What a peer compresses. */

static void deflate(tow_buffer *out, const void *data, size_t length) {
    tow_deflater *deflater;
    assert_int_equal(tow_deflater_new(&deflater, 15, false), 0);
    assert_int_equal(tow_deflater_message(deflater, data, length, out), 0);
    tow_deflater_free(deflater);
}

/* The inflater is shared by all connections of a context: half a message of one must not disturb a whole one
 * of another. */
static void half_a_message_leaves_the_shared_inflater_alone(void **state) {
    fill_text();
    tow_buffer frame = {0};
    tow_buffer compressed = {0};
    deflate(&compressed, text, 20000);
    frame_append(&frame, 0x41, compressed.data, compressed.length / 3);
    frame_append(
        &frame, 0x80, compressed.data + compressed.length / 3, compressed.length - compressed.length / 3);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = true}, .agreement = agreements[1]};
        world_open(&world);
        world_connect_client(&world);
        size_t half = frame.length / 2 + (size_t)seed;
        struct iovec halves[2] = {{frame.data, half}, {frame.data + half, frame.length - half}};
        assert_int_equal(tow_stream_write(&world.client.socket.stream, &halves[0], 1), half);
        world_run(&world, TOW_MILLISECOND);
        tow_websocket_send(&world.server.socket, TOW_TEXT, text, 5000);
        world_until(&world, world.client.messages == 1);
        assert_heard(&world.client, 0, TOW_TEXT, text, 5000);
        assert_int_equal(tow_stream_write(&world.client.socket.stream, &halves[1], 1), halves[1].iov_len);
        world_until(&world, world.server.messages == 1);
        assert_heard(&world.server, 0, TOW_TEXT, text, 20000);
        world_close(&world);
    }
    tow_buffer_clear(&compressed);
    tow_buffer_clear(&frame);
}

static void fails_with(const void *data, size_t length, uint16_t code, int error, int64_t max_message) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        for (size_t agreement = 0; agreement < 2; agreement++) {
            test_world world = {.simulation.seed = seed,
                .agreement = agreements[agreement],
                .limits.max_message = max_message};
            world_open(&world);
            world_connect_peer(&world);
            peer_frame(&world.peer, 0xc1, data, length);
            world_until(&world, world.peer.ended);
            assert_int_equal(peer_close_code(&world.peer), code);
            peer_end(&world.peer);
            world_until(&world, world.server.gone == 1);
            assert_int_equal(world.server.error, error);
            assert_int_equal(world.server.messages, 0);
            world_close(&world);
        }
    }
}

static void data_that_does_not_inflate_fails_the_connection(void **state) {
    fails_with("\xff\xff\xff\xff", 4, TOW_CLOSE_INVALID_PAYLOAD, TOW_ERROR_COMPRESSED_DATA, 0);
}

static void inflated_text_must_be_utf8(void **state) {
    tow_buffer compressed = {0};
    deflate(&compressed, "not utf-8: \xc3\x28", 13);
    fails_with(compressed.data, compressed.length, TOW_CLOSE_INVALID_PAYLOAD, TOW_ERROR_UTF8, 0);
    tow_buffer_clear(&compressed);
}

static void a_bomb_ends_at_the_limit(void **state) {
    static uint8_t zeros[1000 * 1000];
    tow_buffer compressed = {0};
    deflate(&compressed, zeros, sizeof(zeros));
    fails_with(compressed.data, compressed.length, TOW_CLOSE_TOO_LARGE, TOW_ERROR_MESSAGE_TOO_LARGE, 999999);
    tow_buffer_clear(&compressed);
}

static void the_limit_is_of_the_inflated_message(void **state) {
    static uint8_t zeros[1000 * 1000];
    tow_buffer compressed = {0};
    deflate(&compressed, zeros, sizeof(zeros));
    test_world world = {
        .simulation.seed = 1, .agreement = agreements[0], .limits.max_message = (int64_t)sizeof(zeros)};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0xc2, compressed.data, compressed.length);
    peer_frame(&world.peer, 0xc2, "\x00", 1); /* an empty message */
    world_until(&world, world.server.messages == 2);
    assert_heard(&world.server, 0, TOW_BINARY, zeros, sizeof(zeros));
    assert_heard(&world.server, 1, TOW_BINARY, "", 0);
    world_close(&world);
    tow_buffer_clear(&compressed);
}

static void without_agreement_a_compressed_frame_is_a_violation(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0xc1, "\x00", 1);
    world_until(&world, peer_close_code(&world.peer) == TOW_CLOSE_PROTOCOL_ERROR);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_messages_are_echoed_unchanged),
        cmocka_unit_test(messages_below_the_minimum_are_sent_as_they_are),
        cmocka_unit_test(messages_above_the_maximum_are_sent_as_they_are),
        cmocka_unit_test(what_does_not_shrink_is_sent_as_it_is_without_takeover),
        cmocka_unit_test(takeover_makes_repeated_messages_small),
        cmocka_unit_test(an_idle_connection_without_takeover_holds_no_compressor),
        cmocka_unit_test(half_a_message_leaves_the_shared_inflater_alone),
        cmocka_unit_test(data_that_does_not_inflate_fails_the_connection),
        cmocka_unit_test(inflated_text_must_be_utf8),
        cmocka_unit_test(a_bomb_ends_at_the_limit),
        cmocka_unit_test(the_limit_is_of_the_inflated_message),
        cmocka_unit_test(without_agreement_a_compressed_frame_is_a_violation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
