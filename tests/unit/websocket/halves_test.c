/* Sides that end one by one, as those of a stream: what on_end, tow_websocket_shutdown and a delayed answer
 * to the peer's Close do. */
#include "world.h"

#include <stdlib.h>

enum { SEEDS = 24 };

static uint8_t bytes[300 * 1024];

typedef struct halves {
    test_world world; /* first */
    size_t ends;
    size_t messages_at_end;
    bool answers; /* ends our side inside on_end */
} halves;

static void on_end(tow_websocket *socket) {
    endpoint *end = (endpoint *)(void *)socket;
    halves *test = (halves *)(void *)end->world;
    test->ends++;
    test->messages_at_end = end->messages;
    if (test->answers)
        tow_websocket_shutdown(socket);
}

static tow_websocket *open_halves(halves *test) {
    world_open(&test->world);
    test->world.server.behaviour.on_end = on_end;
    world_connect_peer(&test->world);
    return &test->world.server.socket;
}

/* Our side first. */

static void messages_are_delivered_after_our_end_until_the_close_of_the_peer(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        halves test = {.world = {.simulation.seed = seed, .real = seed % 8 == 7}};
        tow_websocket *socket = open_halves(&test);
        tow_websocket_shutdown(socket);
        world_until(&test.world, peer_close_code(&test.world.peer) == 1000);
        for (int i = 0; i < 5; i++)
            peer_frame(&test.world.peer, 0x82, bytes, 20000);
        world_until(&test.world, test.world.server.messages == 5);
        assert_int_equal(tow_websocket_ready_state(socket), TOW_CLOSING);
        assert_int_equal(tow_websocket_send(socket, TOW_BINARY, "x", 1), TOW_ERROR_CLOSED);
        assert_int_equal(test.ends, 0);
        peer_close(&test.world.peer, 1000, "done");
        world_until(&test.world, test.world.peer.ended);
        peer_end(&test.world.peer);
        world_until(&test.world, test.world.server.gone == 1);
        assert_int_equal(test.ends, 1);
        assert_true(test.world.server.was_clean);
        assert_string_equal(test.world.server.reason, "done");
        assert_int_equal(test.world.server.errors, 0);
        world_close(&test.world);
    }
}

static void no_time_runs_against_a_peer_that_has_more_to_say(void **state) {
    halves test = {.world = {.simulation.whole = true, .limits = {.idle_seconds = 10, .close_seconds = 1}}};
    tow_websocket *socket = open_halves(&test);
    tow_websocket_shutdown(socket);
    world_run(&test.world, 3600 * TOW_SECOND);
    peer_frame(&test.world.peer, 0x82, "late", 4);
    world_until(&test.world, test.world.server.messages == 1);
    world_close(&test.world);
}

static void a_half_closed_socket_can_be_paused(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        halves test = {.world = {.simulation = {.seed = seed, .stream_capacity = 8192}}};
        tow_websocket *socket = open_halves(&test);
        tow_websocket_shutdown(socket);
        tow_websocket_pause(socket);
        for (int i = 0; i < 40; i++)
            peer_frame(&test.world.peer, 0x82, bytes, 1000);
        peer_close(&test.world.peer, 1000, NULL);
        world_run(&test.world, TOW_SECOND);
        assert_int_equal(test.world.server.messages, 0);
        assert_true(test.world.peer.written < test.world.peer.outgoing.length);
        tow_websocket_resume(socket);
        world_until(&test.world, test.ends == 1);
        assert_int_equal(test.messages_at_end, 40);
        world_close(&test.world);
    }
}

static void a_pause_before_our_end_goes_on_after_it(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        halves test = {.world = {.simulation.seed = seed}};
        tow_websocket *socket = open_halves(&test);
        tow_websocket_pause(socket);
        peer_frame(&test.world.peer, 0x82, bytes, 5000);
        peer_close(&test.world.peer, 1000, NULL);
        world_run(&test.world, TOW_SECOND);
        tow_websocket_shutdown(socket);
        world_run(&test.world, TOW_SECOND);
        assert_int_equal(test.world.server.messages, 0);
        tow_websocket_resume(socket);
        tow_websocket_shutdown(socket);
        world_until(&test.world, test.ends == 1);
        assert_int_equal(test.messages_at_end, 1);
        world_close(&test.world);
    }
}

static void what_was_resumed_is_delivered_although_our_side_ends_in_between(void **state) {
    halves test = {.world = {.simulation.whole = true}};
    tow_websocket *socket = open_halves(&test);
    peer_frame(&test.world.peer, 0x82, "1", 1);
    tow_websocket_pause(socket);
    peer_frame(&test.world.peer, 0x82, "2", 1);
    world_run(&test.world, TOW_SECOND);
    tow_websocket_resume(socket);
    tow_websocket_shutdown(socket);
    world_until(&test.world, test.world.server.messages == 2);
    world_close(&test.world);
}

static void a_close_makes_an_end_of_a_half_closed_socket(void **state) {
    halves test = {.world = {.simulation.whole = true, .limits.close_seconds = 3}};
    tow_websocket *socket = open_halves(&test);
    tow_websocket_shutdown(socket);
    world_run(&test.world, 100 * TOW_SECOND);
    assert_int_equal(tow_websocket_close(socket, 1000, NULL), 0);
    peer_frame(&test.world.peer, 0x82, "not heard", 9);
    int64_t since = tow_loop_now(test.world.loop);
    world_until(&test.world, test.world.server.gone == 1);
    assert_true(tow_loop_now(test.world.loop) - since < 4 * TOW_SECOND);
    assert_int_equal(test.world.server.messages, 0);
    assert_int_equal(test.world.server.error, TOW_ERROR_TIMED_OUT);
    world_close(&test.world);
}

static void the_end_of_the_stream_before_the_close_of_the_peer_is_an_error(void **state) {
    for (int paused = 0; paused < 2; paused++) {
        halves test = {.world = {.simulation.whole = true}};
        tow_websocket *socket = open_halves(&test);
        tow_websocket_shutdown(socket);
        world_run(&test.world, TOW_SECOND);
        if (paused)
            tow_websocket_pause(socket);
        peer_frame(&test.world.peer, 0x82, "cut", 3);
        peer_end(&test.world.peer);
        world_run(&test.world, TOW_SECOND);
        tow_websocket_resume(socket);
        world_until(&test.world, test.world.server.gone == 1);
        assert_int_equal(test.world.server.messages, 1);
        assert_int_equal(test.world.server.error, TOW_ERROR_ENDED);
        assert_false(test.world.server.was_clean);
        assert_int_equal(test.ends, 0);
        world_close(&test.world);
    }
}

/* The peer's side first. */

static void the_answer_to_the_close_of_the_peer_waits_for_our_end(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        halves test = {.world = {.simulation.seed = seed, .real = seed % 8 == 7}};
        tow_websocket *socket = open_halves(&test);
        peer_frame(&test.world.peer, 0x82, "last", 4);
        peer_close(&test.world.peer, 1000, "enough");
        world_until(&test.world, test.ends == 1);
        assert_int_equal(test.messages_at_end, 1);
        assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
        assert_true(tow_websocket_send(socket, TOW_BINARY, bytes, sizeof(bytes)) >= 0);
        world_until(&test.world, peer_payload_bytes(&test.world.peer) == sizeof(bytes));
        assert_int_equal(peer_close_code(&test.world.peer), 0);
        tow_websocket_shutdown(socket);
        tow_websocket_shutdown(socket);
        world_until(&test.world, test.world.peer.ended);
        assert_int_equal(peer_close_code(&test.world.peer), 1000);
        peer_end(&test.world.peer);
        world_until(&test.world, test.world.server.gone == 1);
        assert_int_equal(test.world.server.code, 1000);
        assert_string_equal(test.world.server.reason, "enough");
        assert_true(test.world.server.was_clean);
        world_close(&test.world);
    }
}

static void our_side_may_end_inside_on_end(void **state) {
    static const uint16_t codes[] = {0, 1000, 1001};
    for (size_t i = 0; i < 3; i++) {
        halves test = {.world = {.simulation.seed = i}, .answers = true};
        open_halves(&test);
        peer_close(&test.world.peer, codes[i], NULL);
        world_until(&test.world, test.world.peer.ended);
        assert_int_equal(peer_close_code(&test.world.peer), codes[i] == 0 ? 1005 : codes[i]);
        peer_end(&test.world.peer);
        world_until(&test.world, test.world.server.gone == 1);
        assert_true(test.world.server.was_clean);
        assert_int_equal(test.world.server.code, codes[i] == 0 ? 1005 : codes[i]);
        world_close(&test.world);
    }
}

static void a_close_that_tells_of_trouble_is_answered_at_once(void **state) {
    halves test = {.world = {.simulation.whole = true}};
    open_halves(&test);
    peer_close(&test.world.peer, 1011, "broken");
    world_until(&test.world, test.world.peer.ended);
    assert_int_equal(test.ends, 0);
    peer_end(&test.world.peer);
    world_until(&test.world, test.world.server.gone == 1);
    assert_int_equal(test.world.server.code, 1011);
    world_close(&test.world);
}

static void a_peer_that_has_ended_is_not_asked_for_signs_of_life(void **state) {
    halves test = {.world = {.simulation.whole = true, .limits = {.ping_seconds = 2, .idle_seconds = 5}}};
    tow_websocket *socket = open_halves(&test);
    peer_close(&test.world.peer, 1000, NULL);
    world_run(&test.world, 100 * TOW_SECOND);
    assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
    assert_int_equal(test.world.peer.received.length, 0);
    world_close(&test.world);
}

static void a_peer_that_goes_without_our_answer_has_gone(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        halves test = {.world = {.simulation.seed = seed}};
        open_halves(&test);
        peer_close(&test.world.peer, 1000, NULL);
        world_until(&test.world, test.ends == 1);
        if (seed % 2 == 0)
            peer_end(&test.world.peer);
        else
            peer_reset(&test.world.peer);
        world_until(&test.world, test.world.server.gone == 1);
        assert_int_equal(test.world.server.code, 1000);
        assert_false(test.world.server.was_clean);
        assert_int_equal(test.world.server.error, seed % 2 == 0 ? TOW_ERROR_ENDED : TOW_ERROR_RESET);
        world_close(&test.world);
    }
}

static void our_own_code_may_answer_the_close_of_the_peer(void **state) {
    halves test = {.world = {.simulation.whole = true}};
    tow_websocket *socket = open_halves(&test);
    peer_close(&test.world.peer, 1000, NULL);
    world_until(&test.world, test.ends == 1);
    assert_int_equal(tow_websocket_close(socket, 1011, "the target is gone"), 0);
    world_until(&test.world, test.world.peer.ended);
    assert_int_equal(peer_close_code(&test.world.peer), 1011);
    peer_end(&test.world.peer);
    world_until(&test.world, test.world.server.gone == 1);
    assert_true(test.world.server.was_clean);
    world_close(&test.world);
}

static void what_waits_does_not_keep_a_stream_from_reading(void **state) {
    halves test = {.world = {.simulation = {.whole = true, .stream_capacity = 4096}}};
    tow_websocket *socket = open_halves(&test);
    tow_stream_pause(&test.world.peer.stream);
    tow_websocket_send(socket, TOW_BINARY, bytes, sizeof(bytes));
    peer_frame(&test.world.peer, 0x82, "still read", 10);
    world_until(&test.world, test.world.server.messages == 1);
    tow_stream_resume(&test.world.peer.stream);
    world_close(&test.world);
}

static void two_sockets_end_one_after_the_other(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        halves test = {.world = {.simulation = {.seed = seed, .stream_capacity = 10000}}, .answers = true};
        world_open(&test.world);
        test.world.server.behaviour.on_end = on_end;
        test.world.client.behaviour.on_end = on_end;
        world_connect_client(&test.world);
        tow_websocket_send(&test.world.client.socket, TOW_BINARY, bytes, 100000);
        tow_websocket_send(&test.world.server.socket, TOW_BINARY, bytes, 100000);
        tow_websocket_shutdown(seed % 2 == 0 ? &test.world.client.socket : &test.world.server.socket);
        world_until(&test.world, test.world.server.gone == 1 && test.world.client.gone == 1);
        assert_int_equal(test.ends, 2);
        assert_int_equal(test.world.server.messages, 1);
        assert_int_equal(test.world.client.messages, 1);
        assert_true(test.world.server.was_clean && test.world.client.was_clean);
        world_close(&test.world);
    }
}

int main(void) {
    pattern_fill(bytes, sizeof(bytes), 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_delivered_after_our_end_until_the_close_of_the_peer),
        cmocka_unit_test(no_time_runs_against_a_peer_that_has_more_to_say),
        cmocka_unit_test(a_half_closed_socket_can_be_paused),
        cmocka_unit_test(a_pause_before_our_end_goes_on_after_it),
        cmocka_unit_test(what_was_resumed_is_delivered_although_our_side_ends_in_between),
        cmocka_unit_test(a_close_makes_an_end_of_a_half_closed_socket),
        cmocka_unit_test(the_end_of_the_stream_before_the_close_of_the_peer_is_an_error),
        cmocka_unit_test(the_answer_to_the_close_of_the_peer_waits_for_our_end),
        cmocka_unit_test(our_side_may_end_inside_on_end),
        cmocka_unit_test(a_close_that_tells_of_trouble_is_answered_at_once),
        cmocka_unit_test(a_peer_that_has_ended_is_not_asked_for_signs_of_life),
        cmocka_unit_test(a_peer_that_goes_without_our_answer_has_gone),
        cmocka_unit_test(our_own_code_may_answer_the_close_of_the_peer),
        cmocka_unit_test(what_waits_does_not_keep_a_stream_from_reading),
        cmocka_unit_test(two_sockets_end_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
