/* What comes in: messages whole, cut and fragmented, compressed or not; pause and resume; violations. */
#include "world.h"

#include <stdlib.h>

enum { SEEDS = 24 };

static void a_message_in_one_read_is_heard(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0x81, "hello", 5);
    world_until(&world, world.server.messages == 1);
    assert_heard(&world.server, 0, TOW_TEXT, "hello", 5);
    assert_int_equal(tow_websocket_context_counters(world.context)->messages_in, 1);
    assert_int_equal(tow_websocket_context_counters(world.context)->bytes_in, 5);
    world_close(&world);
}

/* Text, binary, empty, fragmented with a Ping inside: what a read may cut at any byte. */
static void append_conversation(tow_buffer *bytes, const uint8_t *large, size_t length) {
    frame_append(bytes, 0x81,
        "gr\xc3\xbc\xc3\x9f"
        "e",
        8);
    frame_append(bytes, 0x82, large, length);
    frame_append(bytes, 0x81, "", 0);
    frame_append(bytes, 0x01, "frag", 4);
    frame_append(bytes, 0x89, "ping", 4);
    frame_append(bytes, 0x00, "", 0);
    frame_append(bytes, 0x00, "men", 3);
    frame_append(bytes, 0x80, "ted", 3);
    frame_append(bytes, 0x02, "", 0);
    frame_append(bytes, 0x80, "", 0);
}

static void assert_conversation(const endpoint *end, const uint8_t *large, size_t length) {
    assert_heard(end, 0, TOW_TEXT,
        "gr\xc3\xbc\xc3\x9f"
        "e",
        8);
    assert_heard(end, 1, TOW_BINARY, large, length);
    assert_heard(end, 2, TOW_TEXT, "", 0);
    assert_heard(end, 3, TOW_TEXT, "fragmented", 10);
    assert_heard(end, 4, TOW_BINARY, "", 0);
    assert_int_equal(end->pings, 1);
}

static void messages_may_be_cut_at_each_byte(void **state) {
    uint8_t large[300];
    pattern_fill(large, sizeof(large), 1);
    tow_buffer bytes = {0};
    append_conversation(&bytes, large, sizeof(large));
    for (size_t cut = 1; cut < bytes.length; cut++) {
        test_world world = {.simulation = {.whole = true}};
        world_open(&world);
        world_connect_peer(&world);
        peer_bytes(&world.peer, bytes.data, cut);
        world_run(&world, TOW_MILLISECOND);
        peer_bytes(&world.peer, bytes.data + cut, bytes.length - cut);
        world_until(&world, world.server.messages == 5);
        assert_conversation(&world.server, large, sizeof(large));
        assert_null(world.server.socket.extra);
        world_close(&world);
    }
    tow_buffer_clear(&bytes);
}

static void messages_may_come_byte_by_byte(void **state) {
    uint8_t large[70 * 1000];
    pattern_fill(large, sizeof(large), 1);
    tow_buffer bytes = {0};
    append_conversation(&bytes, large, sizeof(large));
    test_world world = {.simulation = {.whole = true}};
    world_open(&world);
    world_connect_peer(&world);
    for (size_t i = 0; i < bytes.length; i++) {
        peer_bytes(&world.peer, bytes.data + i, 1);
        world_step(&world);
    }
    world_until(&world, world.server.messages == 5);
    assert_conversation(&world.server, large, sizeof(large));
    world_close(&world);
    tow_buffer_clear(&bytes);
}

static void large_messages_come_whole_however_they_are_cut(void **state) {
    static uint8_t large[1500 * 1000];
    pattern_fill(large, sizeof(large), 2);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .real = seed % 8 == 7};
        size_t length = seed % 2 == 0 ? sizeof(large) : 200 * 1000;
        world_open(&world);
        world_connect_peer(&world);
        peer_frame(&world.peer, 0x82, large, length);
        peer_frame(&world.peer, 0x02, large, length / 2);
        peer_frame(&world.peer, 0x80, large + length / 2, length - length / 2);
        peer_frame(&world.peer, 0x82, "x", 1);
        world_until(&world, world.server.messages == 3);
        assert_heard(&world.server, 0, TOW_BINARY, large, length);
        assert_heard(&world.server, 1, TOW_BINARY, large, length);
        assert_heard(&world.server, 2, TOW_BINARY, "x", 1);
        assert_null(world.server.socket.extra);
        world_close(&world);
    }
}

static void pause_now_and_then(endpoint *end, const tow_message *message) {
    if (end->messages % 5 == 0)
        tow_websocket_pause(&end->socket);
}

/* Large messages are read into memory of their own, header and all, and what follows them may be anything. */
static void large_and_small_messages_may_alternate(void **state) {
    static uint8_t large[400 * 1000];
    pattern_fill(large, sizeof(large), 3);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .stream_capacity = seed % 3 == 0 ? 500 * 1000 : 0},
            .server = {.echoes = true, .then_message = pause_now_and_then},
            .real = seed % 6 == 5,
            .limits.max_queue = TOW_OFF};
        world_open(&world);
        world_connect_client(&world);
        size_t lengths[60];
        for (size_t i = 0; i < 60; i++) {
            lengths[i] = (i * 7919 + seed * 104729) % (i % 4 == 3 ? 100 : sizeof(large));
            tow_websocket_send(
                &world.client.socket, TOW_BINARY, large + i, lengths[i] - (lengths[i] > i ? i : 0));
            lengths[i] -= lengths[i] > i ? i : 0;
            if (i % 7 == 0)
                tow_websocket_ping(&world.client.socket, "ping", 4);
        }
        while (world.client.messages < 60) {
            tow_websocket_resume(&world.server.socket);
            world_step(&world);
        }
        for (size_t i = 0; i < 60; i += 7)
            assert_heard(&world.client, i, TOW_BINARY, large + i, lengths[i]);
        world_close(&world);
    }
}

/* Memory follows what came, not what was promised. */
static void a_claim_alone_takes_no_memory(void **state) {
    static const uint8_t claim[] = {0x82, 0xff, 0, 0, 0, 0, 0x01, 0, 0, 0, 1, 2, 3, 4, 'x'};
    test_world world = {.simulation.whole = true, .limits.max_message = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    peer_bytes(&world.peer, claim, sizeof(claim));
    world_run(&world, TOW_MILLISECOND);
    size_t length = 0;
    assert_non_null(world.server.socket.stream.events->receive_into(&world.server.socket.stream, &length));
    assert_true(length <= 256 * 1024);
    world_close(&world);
}

static void the_largest_message_is_heard_and_one_byte_more_is_not(void **state) {
    uint8_t bytes[1001] = {0};
    for (int fragments = 0; fragments < 2; fragments++) {
        for (size_t length = 999; length <= 1001; length++) {
            test_world world = {.simulation.seed = length, .limits.max_message = 1000};
            world_open(&world);
            world_connect_peer(&world);
            if (fragments)
                peer_frame(&world.peer, 0x02, bytes, 500);
            peer_frame(&world.peer, fragments ? 0x80 : 0x82, bytes, fragments ? length - 500 : length);
            world_run(&world, TOW_SECOND / 2);
            assert_int_equal(world.server.messages, length <= 1000);
            assert_int_equal(peer_close_code(&world.peer), length <= 1000 ? 0 : TOW_CLOSE_TOO_LARGE);
            assert_int_equal(
                tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_MAX_MESSAGE], length > 1000);
            world_close(&world);
        }
    }
}

/* What was complete before a violation is delivered and answered before the Close. */
static void a_message_before_a_violation_is_answered(void **state) {
    static const struct {
        uint8_t first_byte;
        const char *payload;
        uint16_t code;
    } violations[] = {{0x83, "", TOW_CLOSE_PROTOCOL_ERROR}, {0xc1, "x", TOW_CLOSE_PROTOCOL_ERROR},
        {0x80, "x", TOW_CLOSE_PROTOCOL_ERROR}, {0x81, "\xff", TOW_CLOSE_INVALID_PAYLOAD},
        {0x09, "x", TOW_CLOSE_PROTOCOL_ERROR}};
    for (size_t i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_world world = {.simulation.seed = seed, .server.echoes = true};
            world_open(&world);
            world_connect_peer(&world);
            peer_frame(&world.peer, 0x81, "before", 6);
            peer_frame(
                &world.peer, violations[i].first_byte, violations[i].payload, strlen(violations[i].payload));
            peer_frame(&world.peer, 0x81, "after", 5);
            world_until(&world, world.peer.ended);
            size_t offset = 0;
            peer_received_frame frame;
            assert_true(peer_next_frame(&world.peer, &offset, &frame));
            assert_memory_equal(frame.payload, "before", 6);
            assert_int_equal(peer_close_code(&world.peer), violations[i].code);
            peer_end(&world.peer);
            world_until(&world, world.server.gone == 1);
            assert_int_equal(world.server.messages, 1);
            assert_int_equal(world.server.errors, 1);
            assert_int_equal(world.server.code, TOW_CLOSE_ABNORMAL);
            assert_false(world.server.was_clean);
            world_close(&world);
        }
    }
}

/* The peer goes on sending; its bytes are read and ignored, so that our Close is not lost by a reset. */
static void after_a_violation_the_peer_sees_the_close_and_no_reset(void **state) {
    static uint8_t more[100 * 1000];
    test_world world = {.simulation.seed = 5};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0x83, "", 0);
    peer_frame(&world.peer, 0x82, more, sizeof(more));
    world_until(&world, world.peer.ended);
    assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_PROTOCOL_ERROR);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(world.peer.error, 0);
    world_close(&world);
}

/* Pause and resume. */

static void pause_after_first(endpoint *end, const tow_message *message) {
    if (end->messages == 1)
        tow_websocket_pause(&end->socket);
}

static void what_comes_while_paused_is_kept_and_delivered_in_order(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {
            .simulation.seed = seed, .server.then_message = pause_after_first, .real = seed % 8 == 7};
        world_open(&world);
        world_connect_peer(&world);
        for (uint8_t i = 0; i < 200; i++)
            peer_frame(&world.peer, 0x82, &i, 1);
        world_until(&world, world.server.messages == 1);
        world_run(&world, 100 * TOW_MILLISECOND);
        assert_int_equal(world.server.messages, 1);
        tow_websocket_resume(&world.server.socket);
        assert_int_equal(world.server.messages, 1);
        world_until(&world, world.server.messages == 200);
        for (uint8_t i = 0; i < 200; i++)
            assert_heard(&world.server, i, TOW_BINARY, &i, 1);
        world_close(&world);
    }
}

static void pause_each_time(endpoint *end, const tow_message *message) {
    tow_websocket_pause(&end->socket);
}

static void each_resume_may_deliver_one_message(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .server.then_message = pause_each_time};
        world_open(&world);
        world_connect_peer(&world);
        for (uint8_t i = 0; i < 20; i++)
            peer_frame(&world.peer, 0x82, &i, 1);
        for (size_t i = 1; i <= 20; i++) {
            world_until(&world, world.server.messages == i);
            world_run(&world, 10 * TOW_MILLISECOND);
            assert_int_equal(world.server.messages, i);
            tow_websocket_resume(&world.server.socket);
        }
        assert_int_equal(world.server.messages, 20);
        world_close(&world);
    }
}

static void pause_and_resume_at_once(endpoint *end, const tow_message *message) {
    tow_websocket_pause(&end->socket);
    tow_websocket_resume(&end->socket);
}

static void resume_inside_the_callback_takes_the_pause_back(void **state) {
    test_world world = {.simulation.whole = true, .server.then_message = pause_and_resume_at_once};
    world_open(&world);
    world_connect_peer(&world);
    tow_buffer bytes = {0};
    for (int i = 0; i < 10; i++)
        frame_append(&bytes, 0x82, "x", 1);
    peer_bytes(&world.peer, bytes.data, bytes.length);
    world_until(&world, world.server.messages == 10);
    world_close(&world);
    tow_buffer_clear(&bytes);
}

static void while_paused_the_peer_is_not_read(void **state) {
    static uint8_t bytes[10 * 1000];
    test_world world = {.simulation = {.whole = true, .stream_capacity = 64 * 1024},
        .server.then_message = pause_after_first};
    world_open(&world);
    world_connect_peer(&world);
    for (int i = 0; i < 100; i++)
        peer_frame(&world.peer, 0x82, bytes, sizeof(bytes));
    world_until(&world, world.server.messages == 1);
    world_run(&world, 1000 * TOW_MILLISECOND);
    assert_true(world.peer.written < 300 * 1000);
    tow_websocket_resume(&world.server.socket);
    world_until(&world, world.server.messages == 100);
    world_close(&world);
}

static void the_end_behind_what_was_kept_waits_for_its_delivery(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .server.then_message = pause_after_first};
        world_open(&world);
        world_connect_peer(&world);
        for (int i = 0; i < 5; i++)
            peer_frame(&world.peer, 0x82, "x", 1);
        peer_close(&world.peer, 1000, "bye");
        peer_end(&world.peer);
        world_until(&world, world.server.messages == 1);
        world_run(&world, 100 * TOW_MILLISECOND);
        assert_int_equal(world.server.closes, 0);
        tow_websocket_resume(&world.server.socket);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.messages, 5);
        assert_int_equal(world.server.code, 1000);
        assert_string_equal(world.server.reason, "bye");
        assert_true(world.server.was_clean);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_in_one_read_is_heard),
        cmocka_unit_test(messages_may_be_cut_at_each_byte),
        cmocka_unit_test(messages_may_come_byte_by_byte),
        cmocka_unit_test(large_messages_come_whole_however_they_are_cut),
        cmocka_unit_test(large_and_small_messages_may_alternate),
        cmocka_unit_test(a_claim_alone_takes_no_memory),
        cmocka_unit_test(the_largest_message_is_heard_and_one_byte_more_is_not),
        cmocka_unit_test(a_message_before_a_violation_is_answered),
        cmocka_unit_test(after_a_violation_the_peer_sees_the_close_and_no_reset),
        cmocka_unit_test(what_comes_while_paused_is_kept_and_delivered_in_order),
        cmocka_unit_test(each_resume_may_deliver_one_message),
        cmocka_unit_test(resume_inside_the_callback_takes_the_pause_back),
        cmocka_unit_test(while_paused_the_peer_is_not_read),
        cmocka_unit_test(the_end_behind_what_was_kept_waits_for_its_delivery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
