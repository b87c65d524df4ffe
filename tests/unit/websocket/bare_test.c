/* A socket for handlers that were written for a bare connection: they answer Closes of any code and Pings,
 * send bytes that are no frames, and end without a Close. */
#include "world.h"

enum { SEEDS = 24 };

static uint8_t bytes[600 * 1024];

typedef struct bare {
    test_world world; /* first */
    size_t closes;
    uint16_t code;
    char reason[128];
} bare;

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    endpoint *end = (endpoint *)(void *)socket;
    bare *test = (bare *)(void *)end->world;
    test->closes++;
    test->code = event->code;
    memcpy(test->reason, event->reason, event->reason_length);
}

static tow_websocket *open_bare(bare *test) {
    world_open(&test->world);
    test->world.server.behaviour.on_peer_close = note_close;
    world_connect_peer(&test->world);
    return &test->world.server.socket;
}

static void a_close_of_any_code_waits_for_the_answer(void **state) {
    static const uint16_t codes[] = {1000, 1001, 1007, 1011, 3000, 4999};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        bare test = {.world = {.simulation.seed = i}};
        tow_websocket *socket = open_bare(&test);
        peer_close(&test.world.peer, codes[i], "why");
        world_until(&test.world, test.closes == 1);
        assert_int_equal(test.code, codes[i]);
        assert_string_equal(test.reason, "why");
        world_run(&test.world, 600 * TOW_SECOND);
        assert_int_equal(peer_close_code(&test.world.peer), 0);
        assert_true(tow_websocket_send(socket, TOW_TEXT, "last", 4) >= 0);
        tow_websocket_shutdown_with(socket, 4000, "because");
        world_until(&test.world, test.world.peer.ended);
        assert_memory_equal(test.world.peer.received.data,
            "\x81\x04last\x88\x09\x0f\xa0"
            "because",
            17);
        peer_end(&test.world.peer);
        world_until(&test.world, test.world.server.gone == 1);
        assert_true(test.world.server.was_clean);
        assert_int_equal(test.world.server.code, codes[i]);
        world_close(&test.world);
    }
}

static void our_side_may_end_with_any_code(void **state) {
    bare test = {0};
    tow_websocket *socket = open_bare(&test);
    tow_websocket_shutdown_with(socket, 3001, NULL);
    peer_frame(&test.world.peer, 0x81, "more", 4);
    world_until(&test.world, test.world.server.messages == 1);
    assert_int_equal(peer_close_code(&test.world.peer), 3001);
    peer_close(&test.world.peer, 4001, NULL);
    world_until(&test.world, test.closes == 1);
    assert_int_equal(test.code, 4001);
    world_close(&test.world);
}

static void pings_may_be_left_to_the_handler(void **state) {
    bare test = {0};
    tow_websocket *socket = open_bare(&test);
    test.world.server.behaviour.no_pongs = true;
    peer_frame(&test.world.peer, 0x89, "you?", 4);
    world_until(&test.world, test.world.server.pings == 1);
    world_run(&test.world, TOW_SECOND);
    assert_int_equal(test.world.peer.received.length, 0);
    assert_int_equal(tow_websocket_pong(socket, "me", 2), 0);
    world_until(&test.world, test.world.peer.received.length == 4);
    world_close(&test.world);
}

static void bytes_go_between_frames_in_order(void **state) {
    static const uint8_t wild[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 'H', 0x00};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bare test = {.world = {.simulation = {.seed = seed, .stream_capacity = 4096},
                         .real = seed % 8 == 7,
                         .limits = {.max_queue = TOW_OFF}}};
        tow_websocket *socket = open_bare(&test);
        size_t total = 0;
        if (seed % 2 == 0)
            tow_stream_pause(&test.world.peer.stream);
        for (int i = 0; i < 12; i++) {
            assert_true(tow_websocket_send(socket, TOW_TEXT, "before", 6) >= 0);
            assert_int_equal(tow_websocket_send_bytes(socket, wild, sizeof(wild)), 0);
            size_t length = i == 5 ? sizeof(bytes) : 3000;
            assert_int_equal(tow_websocket_send_bytes(socket, bytes, length), 0);
            total += 8 + sizeof(wild) + length;
            if (i % 3 == 0)
                world_step(&test.world);
        }
        if (seed % 2 == 0)
            tow_stream_resume(&test.world.peer.stream);
        world_until(&test.world, test.world.peer.received.length == total);
        const uint8_t *at = test.world.peer.received.data;
        for (int i = 0; i < 12; i++) {
            size_t length = i == 5 ? sizeof(bytes) : 3000;
            assert_memory_equal(at,
                "\x81\x06"
                "before",
                8);
            assert_memory_equal(at + 8, wild, sizeof(wild));
            assert_memory_equal(at + 8 + sizeof(wild), bytes, length);
            at += 8 + sizeof(wild) + length;
        }
        assert_int_equal(tow_websocket_buffered_amount(socket), 0);
        assert_true(tow_websocket_send(socket, TOW_BINARY, bytes, 20000) >= 0);
        world_until(&test.world, test.world.peer.received.length == total + 20004);
        assert_int_equal(tow_websocket_buffered_amount(socket), 0);
        world_close(&test.world);
    }
}

static void it_may_end_without_a_close_behind_what_was_sent(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        bare test = {.world = {.simulation = {.seed = seed, .stream_capacity = 4096}, .real = seed % 8 == 7}};
        tow_websocket *socket = open_bare(&test);
        assert_true(tow_websocket_send(socket, TOW_BINARY, bytes, 100 * 1024) >= 0);
        if (seed % 2 == 0) {
            peer_close(&test.world.peer, 1000, NULL);
            world_until(&test.world, test.closes == 1);
        }
        tow_websocket_hang_up(socket);
        tow_websocket_hang_up(socket);
        world_until(&test.world, test.world.peer.ended);
        assert_int_equal(test.world.peer.received.length, 100 * 1024 + 10);
        peer_end(&test.world.peer);
        world_until(&test.world, test.world.server.gone == 1);
        assert_false(test.world.server.was_clean);
        assert_int_equal(test.world.server.errors, 0);
        world_close(&test.world);
    }
}

int main(void) {
    pattern_fill(bytes, sizeof(bytes), 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_close_of_any_code_waits_for_the_answer),
        cmocka_unit_test(our_side_may_end_with_any_code),
        cmocka_unit_test(pings_may_be_left_to_the_handler),
        cmocka_unit_test(bytes_go_between_frames_in_order),
        cmocka_unit_test(it_may_end_without_a_close_behind_what_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
