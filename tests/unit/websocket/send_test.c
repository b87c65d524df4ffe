/* What goes out: echoes of every size, the queue and its marks, the buffered amount, control frames. */
#include "world.h"

#include <stdlib.h>

enum { SEEDS = 24, MIB = 1024 * 1024 };

static uint8_t bytes[3 * MIB];

static void echo_sizes(test_world *world, const size_t *sizes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        pattern_fill(bytes, sizes[i], (uint8_t)i);
        int64_t amount = tow_websocket_send(&world->client.socket, TOW_BINARY, bytes, sizes[i]);
        assert_true(amount >= 0);
        world_until(world, world->client.messages == i + 1);
        assert_heard(&world->client, i, TOW_BINARY, bytes, sizes[i]);
    }
}

static void messages_of_every_size_are_echoed_unchanged(void **state) {
    static const size_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 125, 126, 127, 128, 1000, 4096,
        16384, 65530, 65534, 65535, 65536, 65537, 70000, 131072, 262144, 262145, 1000000};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 3},
            .server.echoes = true,
            .real = seed % 8 == 7,
            .limits.max_queue = 4 * MIB};
        world_open(&world);
        world_connect_client(&world);
        echo_sizes(&world, sizes, sizeof(sizes) / sizeof(sizes[0]));
        assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 0);
        assert_int_equal(tow_websocket_buffered_amount(&world.client.socket), 0);
        assert_null(world.server.socket.extra);
        assert_null(world.client.socket.extra);
        world_close(&world);
    }
}

/* Many messages under way at once, both ways: order and content hold, and nobody stops for ever. */
static void pipelined_echoes_keep_their_order(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed,
            .server.echoes = true,
            .real = seed % 8 == 7,
            .limits.max_queue = TOW_OFF};
        world_open(&world);
        world_connect_client(&world);
        size_t offset = 0;
        pattern_fill(bytes, sizeof(bytes), (uint8_t)seed);
        for (size_t i = 0; i < 150; i++) {
            size_t length = (i * i * 7919) % (i % 10 == 0 ? 100000 : 700);
            tow_websocket_send(&world.client.socket, TOW_BINARY, bytes + i, length);
        }
        world_until(&world, world.client.messages == 150);
        for (size_t i = 0; i < 150; i++) {
            size_t length = (i * i * 7919) % (i % 10 == 0 ? 100000 : 700);
            uint32_t heard;
            memcpy(&heard, world.client.heard.data + offset + 1, 4);
            assert_int_equal(heard, length);
            assert_memory_equal(world.client.heard.data + offset + 5, bytes + i, length);
            offset += 5 + length;
        }
        world_close(&world);
    }
}

static void a_client_masks_each_frame_with_a_fresh_key(void **state) {
    /* The client's frames are seen by a second loop of the test: a server-role receiver can't show keys. */
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_client(&world);
    uint8_t seen[100][4];
    for (size_t i = 0; i < 100; i++) {
        uint8_t *cork = world.loop == NULL ? NULL : tow_stream_cork(&world.client.socket.stream, 0, 0);
        tow_websocket_send(&world.client.socket, TOW_BINARY, "abcd", 4);
        assert_int_equal(cork[0], 0x82);
        assert_int_equal(cork[1], 0x84);
        memcpy(seen[i], cork + 2, 4);
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(cork[6 + j] ^ seen[i][j], "abcd"[j]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(seen[i], seen[j], 4);
    }
    world_until(&world, world.server.messages == 100);
    world_close(&world);
}

static void text_that_is_not_utf8_is_refused(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    assert_int_equal(tow_websocket_send(&world.server.socket, TOW_TEXT, "\xff", 1), TOW_ERROR_UTF8);
    assert_int_equal(tow_websocket_send(&world.server.socket, TOW_TEXT, "\xc3", 1), TOW_ERROR_UTF8);
    assert_int_equal(
        tow_websocket_send(&world.server.socket, (tow_message_type)3, "", 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_send(&world.server.socket, TOW_BINARY, "\xff", 1), 1);
    assert_int_equal(tow_websocket_send(&world.server.socket, TOW_TEXT, NULL, 0), 1);
    world_until(&world, world.peer.received.length == 5);
    assert_memory_equal(world.peer.received.data, "\x82\x01\xff\x81\x00", 5);
    world_close(&world);
}

/* The buffered amount. */

/* While everything waits on either side of the network, all of it must be somewhere. */
static void the_buffered_amount_is_exact_at_each_step(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {
            .simulation = {.seed = seed, .stream_capacity = 1000}, .limits.max_queue = TOW_OFF};
        world_open(&world);
        world_connect_peer(&world);
        uint64_t total = 0;
        for (size_t i = 0; i < 60; i++) {
            size_t length = i % 20 == 10 ? 70000 : i * 13 % 400;
            total += length;
            int64_t amount = tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, length);
            assert_int_equal(amount, tow_websocket_buffered_amount(&world.server.socket));
            if (i % 3 == 0)
                assert_int_equal(tow_websocket_ping(&world.server.socket, "ping", 4), 0);
            if (i % 7 == 0)
                world_step(&world);
            uint64_t given = total - (uint64_t)tow_websocket_buffered_amount(&world.server.socket);
            uint64_t arrived = peer_payload_bytes(&world.peer);
            assert_true(given >= arrived && given <= arrived + 1000);
        }
        while (tow_websocket_buffered_amount(&world.server.socket) > 0) {
            uint64_t given = total - (uint64_t)tow_websocket_buffered_amount(&world.server.socket);
            uint64_t arrived = peer_payload_bytes(&world.peer);
            assert_true(given >= arrived && given <= arrived + 1000);
            world_step(&world);
        }
        world_until(&world, peer_payload_bytes(&world.peer) == total);
        world_close(&world);
    }
}

static void after_the_close_sends_are_counted_and_not_sent(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    assert_int_equal(tow_websocket_close(&world.server.socket, 1000, NULL), 0);
    assert_int_equal(tow_websocket_send(&world.server.socket, TOW_BINARY, "12345", 5), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 5);
    assert_int_equal(tow_websocket_ping(&world.server.socket, NULL, 0), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_pong(&world.server.socket, NULL, 0), TOW_ERROR_CLOSED);
    peer_close(&world.peer, 1000, NULL);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(tow_websocket_send(&world.server.socket, TOW_TEXT, "123", 3), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 8);
    assert_int_equal(peer_close_code(&world.peer), 1000);
    world_close(&world);
}

static void what_could_not_be_sent_stays_in_the_buffered_amount(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 100000);
    world_run(&world, 10 * TOW_MILLISECOND);
    int64_t waiting = tow_websocket_buffered_amount(&world.server.socket);
    assert_true(waiting >= 98000 && waiting < 100000);
    tow_websocket_abort(&world.server.socket, TOW_CAUSE_NETWORK, TOW_ERROR_TIMED_OUT);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), waiting);
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    world_close(&world);
}

/* The loop has not heard of the reset when it sends what was corked. */
static void what_was_corked_stays_in_the_buffered_amount_too(void **state) {
    for (uint64_t seed = 0; seed < 20; seed++) {
        test_world world = {.simulation.seed = seed};
        tow_websocket *socket = &world.server.socket;
        world_open(&world);
        world_connect_peer(&world);
        peer_reset(&world.peer);
        tow_websocket_send(socket, TOW_BINARY, bytes, 100);
        while (world.server.gone == 0) {
            assert_int_equal(tow_websocket_buffered_amount(socket), 100);
            world_step(&world);
        }
        assert_int_equal(tow_websocket_buffered_amount(socket), 100);
        assert_int_equal(world.server.error, TOW_ERROR_RESET);
        world_close(&world);
    }
}

/* The marks and the limit. */

static void an_echo_to_a_peer_that_does_not_read_stops_reading(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        test_world world = {.simulation.seed = seed,
            .server.echoes = true,
            .real = seed == 7,
            .limits.stall_seconds = TOW_OFF};
        world_open(&world);
        world_connect_peer(&world);
        tow_stream_pause(&world.peer.stream);
        for (size_t i = 0; i < 1000; i++)
            peer_frame(&world.peer, 0x82, bytes, 10000);
        world_run(&world, 300 * TOW_MILLISECOND);
        if (!world.real) /* the kernel's buffers are its own affair */
            assert_true(world.server.messages < 60);
        /* the mark, and the answers to one read */
        assert_true(
            tow_websocket_buffered_amount(&world.server.socket) < (256 + (world.real ? 600 : 80)) * 1024);
        assert_int_equal(world.server.drains, 0);
        assert_int_equal(world.server.closes, 0);
        tow_stream_resume(&world.peer.stream);
        world_until(&world, world.server.messages == 1000 && world.peer.received.length == 1000 * 10004);
        assert_true(world.server.drains > 0);
        assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 0);
        world_close(&world);
    }
}

static void drain_comes_once_below_the_low_mark_and_only_after_the_high_one(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 10000}};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 255 * 1024);
    world_until(&world, tow_websocket_buffered_amount(&world.server.socket) == 0);
    assert_int_equal(world.server.drains, 0);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 300 * 1024);
    world_until(&world, world.server.drains == 1);
    int64_t amount = tow_websocket_buffered_amount(&world.server.socket);
    assert_true(amount < 64 * 1024 && amount >= 54 * 1024);
    world_until(&world, tow_websocket_buffered_amount(&world.server.socket) == 0);
    assert_int_equal(world.server.drains, 1);
    world_close(&world);
}

static void refill(endpoint *end) {
    if (end->drains < 20)
        tow_websocket_send(&end->socket, TOW_BINARY, bytes, 300 * 1024);
}

static void drain_may_send_again(void **state) {
    test_world world = {.simulation = {.seed = 3, .stream_capacity = 10000}, .server.then_drain = refill};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 300 * 1024);
    world_until(
        &world, world.server.drains == 20 && tow_websocket_buffered_amount(&world.server.socket) == 0);
    world_until(&world, peer_payload_bytes(&world.peer) == 20 * 300 * 1024);
    world_close(&world);
}

/* A program that sends small messages until 256 KiB wait, and goes on when on_drain comes. */
enum { PUMPED_LENGTH = 1000, PUMPED_COUNT = 3000 };

static void pump(endpoint *end) {
    int64_t amount = 0;
    while (end->sent < PUMPED_COUNT && amount < 256 * 1024) {
        amount = tow_websocket_send(&end->socket, TOW_BINARY, bytes, PUMPED_LENGTH);
        assert_true(amount >= 0);
        end->sent++;
    }
}

/* However much of it the network takes at once: nothing, a part, or all that lay in the cork. */
static void drain_comes_whenever_the_amount_was_above_the_high_mark(void **state) {
    static const size_t capacities[] = {1000, 100000, 250000, 300000, 600000, 4 * MIB};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {
            .simulation = {.seed = seed, .whole = seed % 2 == 0, .stream_capacity = capacities[seed % 6]},
            .real = seed % 8 == 7,
            .server.then_open = pump,
            .server.then_drain = pump};
        world_open(&world);
        world_connect_peer(&world);
        world_until(&world, peer_payload_bytes(&world.peer) == PUMPED_COUNT * PUMPED_LENGTH);
        assert_int_equal(world.server.closes, 0);
        world_close(&world);
    }
}

/* What waits is one frame of `waiting` bytes, header included, of which nothing was taken. */
static void send_while_waiting(size_t waiting, int64_t max_queue, bool accepted) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1}, .limits.max_queue = max_queue};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, NULL, 0); /* fills the network: one byte of two */
    tow_stream_flush(&world.server.socket.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, waiting - 1 - 4);
    int64_t answer = tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 50000);
    if (accepted)
        assert_int_equal(answer, waiting - 5 + 50000);
    else
        assert_int_equal(answer, TOW_ERROR_QUEUE_FULL);
    assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_MAX_QUEUE], !accepted);
    assert_int_equal(tow_websocket_ready_state(&world.server.socket), accepted ? TOW_OPEN : TOW_CLOSING);
    assert_int_equal(world.server.closes, 0);
    world_step(&world);
    tow_stream_resume(&world.peer.stream);
    if (!accepted) {
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.error, TOW_ERROR_QUEUE_FULL);
        assert_int_equal(world.server.code, TOW_CLOSE_ABNORMAL);
    }
    world_close(&world);
}

static void a_message_is_taken_whole_while_no_more_than_the_limit_waits(void **state) {
    send_while_waiting(999, 1000, true);
    send_while_waiting(1000, 1000, true);
    send_while_waiting(1001, 1000, false);
    send_while_waiting(60000, TOW_OFF, true);
}

static void an_overflow_closes_with_1008_behind_what_waited(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .stream_capacity = 20000}, .limits.max_queue = 1000};
        world_open(&world);
        world_connect_peer(&world);
        int64_t answer;
        uint64_t taken = 0;
        while ((answer = tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 500)) >= 0)
            taken += 500;
        assert_int_equal(answer, TOW_ERROR_QUEUE_FULL);
        world_until(&world, world.peer.ended);
        assert_int_equal(peer_payload_bytes(&world.peer), taken);
        assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_POLICY);
        world_close(&world);
    }
}

/* Control frames. */

static void a_ping_is_answered_with_its_payload(void **state) {
    uint8_t payload[125];
    pattern_fill(payload, sizeof(payload), 9);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed};
        world_open(&world);
        world_connect_peer(&world);
        for (size_t length = 0; length <= 125; length++)
            peer_frame(&world.peer, 0x89, payload, length);
        world_until(&world, world.server.pings == 126);
        size_t offset = 0;
        peer_received_frame frame;
        for (size_t length = 0; length <= 125; length++) {
            world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
            assert_int_equal(frame.header.opcode, TOW_OPCODE_PONG);
            assert_int_equal(frame.header.payload_length, length);
            assert_memory_equal(frame.payload, payload, length);
        }
        world_close(&world);
    }
}

static void a_flood_of_pings_takes_bounded_memory_and_loses_none_below_the_mark(void **state) {
    test_world world = {.simulation = {.seed = 1, .stream_capacity = 10000}, .limits.stall_seconds = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    for (int i = 0; i < 20000; i++)
        peer_frame(&world.peer, 0x89, bytes, 125);
    world_run(&world, 300 * TOW_MILLISECOND);
    assert_true(world.server.pings < 2500);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 0);
    tow_stream_resume(&world.peer.stream);
    world_until(&world, world.peer.received.length == 20000 * 127);
    world_close(&world);
}

static void above_the_mark_only_the_latest_pong_waits(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 300 * 1024);
    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(tow_websocket_pong(&world.server.socket, &i, 1), 0);
    size_t offset = 0;
    peer_received_frame frame;
    world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
    world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
    assert_int_equal(frame.header.opcode, TOW_OPCODE_PONG);
    assert_int_equal(frame.payload[0], 99);
    world_run(&world, TOW_SECOND);
    assert_int_equal(offset, world.peer.received.length);
    world_close(&world);
}

static void control_payloads_are_at_most_125_bytes(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_client(&world);
    assert_int_equal(tow_websocket_ping(&world.client.socket, bytes, 126), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_pong(&world.client.socket, bytes, 126), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_ping(&world.client.socket, NULL, 1), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_ping(&world.client.socket, bytes, 125), 0);
    assert_int_equal(tow_websocket_pong(&world.client.socket, "pong", 4), 0);
    world_until(&world, world.server.pings == 1 && world.server.pongs == 1 && world.client.pongs == 1);
    world_close(&world);
}

static void a_socket_is_what_it_was_started_with(void **state) {
    test_world world = {.simulation.whole = true, .protocol = "chat.v2"};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket *socket = &world.server.socket;
    assert_string_equal(tow_websocket_protocol(socket), "chat.v2");
    assert_string_equal(tow_websocket_extensions(socket), "");
    assert_string_equal(tow_websocket_url(socket), "");
    assert_ptr_equal(tow_websocket_loop(socket), world.loop);
    tow_websocket_set_user(socket, &world);
    assert_ptr_equal(tow_websocket_user(socket), &world);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_every_size_are_echoed_unchanged),
        cmocka_unit_test(pipelined_echoes_keep_their_order),
        cmocka_unit_test(a_client_masks_each_frame_with_a_fresh_key),
        cmocka_unit_test(text_that_is_not_utf8_is_refused),
        cmocka_unit_test(the_buffered_amount_is_exact_at_each_step),
        cmocka_unit_test(after_the_close_sends_are_counted_and_not_sent),
        cmocka_unit_test(what_could_not_be_sent_stays_in_the_buffered_amount),
        cmocka_unit_test(what_was_corked_stays_in_the_buffered_amount_too),
        cmocka_unit_test(an_echo_to_a_peer_that_does_not_read_stops_reading),
        cmocka_unit_test(drain_comes_once_below_the_low_mark_and_only_after_the_high_one),
        cmocka_unit_test(drain_may_send_again),
        cmocka_unit_test(drain_comes_whenever_the_amount_was_above_the_high_mark),
        cmocka_unit_test(a_message_is_taken_whole_while_no_more_than_the_limit_waits),
        cmocka_unit_test(an_overflow_closes_with_1008_behind_what_waited),
        cmocka_unit_test(a_ping_is_answered_with_its_payload),
        cmocka_unit_test(a_flood_of_pings_takes_bounded_memory_and_loses_none_below_the_mark),
        cmocka_unit_test(above_the_mark_only_the_latest_pong_waits),
        cmocka_unit_test(control_payloads_are_at_most_125_bytes),
        cmocka_unit_test(a_socket_is_what_it_was_started_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
