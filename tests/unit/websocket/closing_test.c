/* Every end of a connection: closing handshakes by both sides, failures, vanishing peers, ends inside
 * callbacks. */
#include "world.h"

#include <stdlib.h>

enum { SEEDS = 24 };

static uint8_t bytes[400 * 1024];

/* The peer begins. */

static void the_close_of_the_peer_is_answered_with_its_code(void **state) {
    static const uint16_t codes[] = {
        0, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        test_world world = {.simulation.seed = i, .real = i % 4 == 3};
        world_open(&world);
        world_connect_peer(&world);
        peer_close(&world.peer, codes[i], codes[i] == 0 ? NULL : "tsch\xc3\xbcss");
        world_until(&world, world.peer.ended);
        assert_int_equal(peer_close_code(&world.peer), codes[i] == 0 ? 1005 : codes[i]);
        assert_int_equal(world.server.closes, 0);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.code, codes[i] == 0 ? 1005 : codes[i]);
        assert_string_equal(world.server.reason, codes[i] == 0 ? "" : "tsch\xc3\xbcss");
        assert_true(world.server.was_clean);
        assert_int_equal(world.server.errors, 0);
        world_close(&world);
    }
}

static void nothing_behind_the_close_is_heard(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .server.echoes = true};
        world_open(&world);
        world_connect_peer(&world);
        peer_frame(&world.peer, 0x81, "before", 6);
        peer_close(&world.peer, 1000, NULL);
        peer_frame(&world.peer, 0x81, "after", 5);
        peer_frame(&world.peer, 0x83, "", 0);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1 && world.peer.ended);
        assert_int_equal(world.server.messages, 1);
        assert_int_equal(peer_close_code(&world.peer), 1000);
        assert_true(world.server.was_clean);
        world_close(&world);
    }
}

static void a_peer_that_does_not_end_its_side_is_left_after_a_second(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    peer_close(&world.peer, 1000, NULL);
    world_until(&world, world.peer.ended);
    int64_t since = tow_loop_now(world.loop);
    world_until(&world, world.server.gone == 1);
    int64_t passed = tow_loop_now(world.loop) - since;
    assert_true(passed > TOW_SECOND * 9 / 10 && passed < TOW_SECOND * 11 / 10);
    assert_true(world.server.was_clean);
    assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_CLOSE_SECONDS], 0);
    world_close(&world);
}

static void the_answer_waits_behind_the_queue(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .stream_capacity = 5000}};
        world_open(&world);
        world_connect_peer(&world);
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 100000);
        peer_close(&world.peer, 4000, "x");
        world_until(&world, world.peer.ended);
        assert_int_equal(peer_payload_bytes(&world.peer), 100000);
        assert_int_equal(peer_close_code(&world.peer), 4000);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1);
        assert_true(world.server.was_clean);
        world_close(&world);
    }
}

/* We begin. */

static void our_close_is_clean_when_the_peer_answers(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .real = seed % 8 == 7};
        world_open(&world);
        world_connect_peer(&world);
        assert_int_equal(tow_websocket_close(&world.server.socket, 1001, "going"), 0);
        assert_int_equal(tow_websocket_ready_state(&world.server.socket), TOW_CLOSING);
        assert_int_equal(tow_websocket_close(&world.server.socket, 1000, "again"), 0);
        world_until(&world, peer_close_code(&world.peer) == 1001);
        world_run(&world, 20 * TOW_MILLISECOND);
        assert_int_equal(world.server.closes, 0);
        peer_close(&world.peer, 1000, "ok");
        world_until(&world, world.peer.ended);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.code, 1000);
        assert_string_equal(world.server.reason, "ok");
        assert_true(world.server.was_clean);
        assert_memory_equal(world.peer.received.data, "\x88\x07\x03\xe9going", 9);
        assert_int_equal(world.peer.received.length, 9);
        world_close(&world);
    }
}

static void a_close_without_a_code_is_empty(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    assert_int_equal(tow_websocket_close(&world.server.socket, 0, NULL), 0);
    world_until(&world, world.peer.received.length == 2);
    assert_memory_equal(world.peer.received.data, "\x88\x00", 2);
    world_close(&world);
}

static bool server_may(unsigned code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1009) ||
           (code >= 1011 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static void each_role_may_close_with_its_codes_only(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_client(&world);
    char reason[125];
    memset(reason, 'r', 124);
    reason[124] = '\0';
    assert_int_equal(tow_websocket_close(&world.client.socket, 1000, reason), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_close(&world.client.socket, 1000, "\xff"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_close(&world.client.socket, 0, "why"), TOW_ERROR_ARGUMENT);
    for (unsigned code = 1; code < 70000; code++) {
        bool client_may = code == 1000 || (code >= 3000 && code <= 4999);
        if (!client_may && code <= UINT16_MAX)
            assert_int_equal(
                tow_websocket_close(&world.client.socket, (uint16_t)code, NULL), TOW_ERROR_ARGUMENT);
        if (!server_may(code) && code <= UINT16_MAX)
            assert_int_equal(
                tow_websocket_close(&world.server.socket, (uint16_t)code, NULL), TOW_ERROR_ARGUMENT);
    }
    assert_int_equal(tow_websocket_ready_state(&world.client.socket), TOW_OPEN);
    assert_int_equal(tow_websocket_ready_state(&world.server.socket), TOW_OPEN);
    reason[123] = '\0';
    assert_int_equal(tow_websocket_close(&world.client.socket, 4999, reason), 0);
    world_until(&world, world.client.gone == 1 && world.server.gone == 1);
    assert_int_equal(world.server.code, 4999);
    assert_string_equal(world.server.reason, reason);
    world_close(&world);
}

static void servers_may_close_with_each_legal_code(void **state) {
    for (unsigned code = 1000; code < 5000; code += code < 1020 || code > 4990 ? 1 : 331) {
        if (!server_may(code))
            continue;
        test_world world = {.simulation.seed = code};
        world_open(&world);
        world_connect_client(&world);
        assert_int_equal(tow_websocket_close(&world.server.socket, (uint16_t)code, NULL), 0);
        world_until(&world, world.client.gone == 1 && world.server.gone == 1);
        assert_int_equal(world.client.code, code);
        assert_int_equal(world.server.code, code);
        assert_true(world.client.was_clean && world.server.was_clean);
        world_close(&world);
    }
}

static void both_may_close_at_once(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .real = seed % 8 == 7};
        world_open(&world);
        world_connect_client(&world);
        assert_int_equal(tow_websocket_close(&world.server.socket, 1001, "server"), 0);
        assert_int_equal(tow_websocket_close(&world.client.socket, 3000, "client"), 0);
        world_until(&world, world.client.gone == 1 && world.server.gone == 1);
        assert_int_equal(world.client.code, 1001);
        assert_string_equal(world.client.reason, "server");
        assert_int_equal(world.server.code, 3000);
        assert_string_equal(world.server.reason, "client");
        assert_true(world.client.was_clean && world.server.was_clean);
        world_close(&world);
    }
}

/* As in the browser: what comes after close() is read, for the sake of the Close behind it, but not told. */
static void a_closing_socket_hears_no_messages_and_answers_no_pings(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed};
        world_open(&world);
        world_connect_peer(&world);
        peer_frame(&world.peer, 0x01, "first half", 10);
        world_run(&world, TOW_MILLISECOND * 50);
        tow_websocket_close(&world.server.socket, 1000, NULL);
        peer_frame(&world.peer, 0x80, "second half", 11);
        peer_frame(&world.peer, 0x82, bytes, 200 * 1024);
        peer_frame(&world.peer, 0x89, "ping", 4);
        peer_close(&world.peer, 1000, NULL);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1 && world.peer.ended);
        assert_int_equal(world.server.messages, 0);
        assert_int_equal(world.server.pings, 0);
        assert_true(world.server.was_clean);
        assert_int_equal(peer_close_code(&world.peer), 1000);
        world_close(&world);
    }
}

static void a_violation_while_closing_is_an_unclean_end(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed};
        world_open(&world);
        world_connect_peer(&world);
        tow_websocket_close(&world.server.socket, 1000, NULL);
        peer_frame(&world.peer, 0x83, "", 0);
        world_until(&world, world.peer.ended);
        assert_int_equal(peer_close_code(&world.peer), 1000);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.code, 1006);
        assert_false(world.server.was_clean);
        assert_int_equal(world.server.error, TOW_ERROR_RESERVED_OPCODE);
        world_close(&world);
    }
}

static void pause_forever(endpoint *end, const tow_message *message) {
    tow_websocket_pause(&end->socket);
}

static void a_paused_socket_that_closes_reads_on(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed, .server.then_message = pause_forever};
        world_open(&world);
        world_connect_peer(&world);
        for (int i = 0; i < 10; i++)
            peer_frame(&world.peer, 0x81, "x", 1);
        peer_close(&world.peer, 1000, "done");
        peer_end(&world.peer);
        world_until(&world, world.server.messages == 1);
        world_run(&world, 50 * TOW_MILLISECOND);
        tow_websocket_close(&world.server.socket, 1001, NULL);
        assert_int_equal(world.server.closes, 0);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.messages, 1);
        assert_int_equal(world.server.code, 1000);
        assert_true(world.server.was_clean);
        world_close(&world);
    }
}

/* Bounds in time. */

static void a_peer_that_does_not_answer_is_reset_after_close_seconds(void **state) {
    test_world world = {.simulation.whole = true, .limits.close_seconds = 7};
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = tow_loop_now(world.loop);
    tow_websocket_close(&world.server.socket, 1000, NULL);
    world_until(&world, world.server.gone == 1);
    int64_t passed = tow_loop_now(world.loop) - since;
    assert_true(passed >= 7 * TOW_SECOND && passed < 7 * TOW_SECOND + 10 * TOW_MILLISECOND);
    assert_int_equal(world.server.code, 1006);
    assert_false(world.server.was_clean);
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_CLOSE_SECONDS], 1);
    world_until(&world, world.peer.closed);
    assert_int_equal(world.peer.error, TOW_ERROR_RESET);
    world_close(&world);
}

static void after_an_error_a_second_is_enough(void **state) {
    test_world world = {.simulation.whole = true, .limits.close_seconds = 7};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0x83, "", 0);
    world_until(&world, world.peer.ended);
    int64_t since = tow_loop_now(world.loop);
    world_until(&world, world.server.gone == 1);
    int64_t passed = tow_loop_now(world.loop) - since;
    assert_true(passed > TOW_SECOND * 9 / 10 && passed <= TOW_SECOND + 10 * TOW_MILLISECOND);
    assert_int_equal(world.server.error, TOW_ERROR_RESERVED_OPCODE);
    world_close(&world);
}

static void a_slow_reader_gets_time_to_take_what_waits_before_the_close(void **state) {
    test_world world = {.simulation = {.seed = 1, .stream_capacity = 1000}, .limits.close_seconds = 2};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 20000);
    tow_websocket_close(&world.server.socket, 1000, NULL);
    for (int i = 0; i < 20; i++) { /* about 1000 bytes a second */
        tow_stream_pause(&world.peer.stream);
        world_run(&world, TOW_SECOND);
        tow_stream_resume(&world.peer.stream);
        world_step(&world);
    }
    assert_int_equal(world.server.closes, 0);
    world_until(&world, peer_close_code(&world.peer) == 1000);
    assert_int_equal(peer_payload_bytes(&world.peer), 20000);
    world_close(&world);
}

static void a_peer_that_takes_nothing_is_reset_while_closing(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000},
        .limits = {.close_seconds = 1, .stall_seconds = 2}};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 20000);
    int64_t since = tow_loop_now(world.loop);
    tow_websocket_close(&world.server.socket, 1000, NULL);
    world_until(&world, world.server.gone == 1);
    int64_t passed = tow_loop_now(world.loop) - since;
    assert_true(passed >= 2 * TOW_SECOND && passed < 3 * TOW_SECOND);
    assert_false(world.server.was_clean);
    assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_STALL_SECONDS], 1);
    world_close(&world);
}

/* Slow readers, when the network has everything already. */

enum { SENT = 30000, BITE = 1500 };

static void open_with_a_slow_reader(test_world *world, int stall_seconds) {
    world->simulation = (tow_simulation_options){.whole = true, .stream_capacity = 2 * SENT};
    world->limits = (tow_limits){.close_seconds = 2, .stall_seconds = stall_seconds};
    world->peer.bite = BITE;
    world_open(world);
    world_connect_peer(world);
    tow_stream_pause(&world->peer.stream);
    tow_websocket_send(&world->server.socket, TOW_BINARY, bytes, SENT);
    tow_stream_flush(&world->server.socket.stream);
    assert_int_equal(tow_websocket_buffered_amount(&world->server.socket), 0);
}

static void take_all_slowly(test_world *world) {
    while (peer_close_code(&world->peer) == 0) {
        assert_int_equal(world->server.closes, 0);
        peer_takes_a_bite(world, TOW_SECOND);
    }
    assert_int_equal(peer_payload_bytes(&world->peer), SENT);
}

static void what_the_network_hands_on_slowly_arrives_before_the_end(void **state) {
    test_world world = {0};
    open_with_a_slow_reader(&world, 4);
    tow_websocket_close(&world.server.socket, 1000, NULL);
    take_all_slowly(&world);
    assert_int_equal(peer_close_code(&world.peer), 1000);
    tow_stream_resume(&world.peer.stream);
    peer_close(&world.peer, 1000, NULL);
    world_until(&world, world.peer.ended);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_true(world.server.was_clean);
    world_close(&world);
}

static void a_slow_reader_that_breaks_a_rule_gets_to_read_why(void **state) {
    test_world world = {0};
    open_with_a_slow_reader(&world, 4);
    peer_frame(&world.peer, 0x83, "", 0);
    take_all_slowly(&world);
    assert_int_equal(peer_close_code(&world.peer), 1002);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(world.server.error, TOW_ERROR_RESERVED_OPCODE);
    world_close(&world);
}

static void an_answer_to_the_peers_close_waits_for_a_slow_reader(void **state) {
    test_world world = {0};
    open_with_a_slow_reader(&world, 4);
    peer_close(&world.peer, 3000, NULL);
    take_all_slowly(&world);
    assert_int_equal(peer_close_code(&world.peer), 3000);
    int64_t since = tow_loop_now(world.loop);
    world_until(&world, world.server.gone == 1); /* the peer does not end its side */
    assert_true(tow_loop_now(world.loop) - since <= 3 * TOW_SECOND);
    assert_true(world.server.was_clean);
    world_close(&world);
}

/* `bites` are taken, then nothing more. */
static void expect_end_after_stall(int bites, int stall_seconds) {
    test_world world = {0};
    open_with_a_slow_reader(&world, stall_seconds);
    int64_t since = tow_loop_now(world.loop);
    tow_websocket_close(&world.server.socket, 1000, NULL);
    for (int i = 0; i < bites; i++)
        peer_takes_a_bite(&world, TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    world_until(&world, world.server.gone == 1);
    int64_t passed = tow_loop_now(world.loop) - since - (bites > 0 ? (bites - 1) * TOW_SECOND : 0);
    int64_t expected = stall_seconds * TOW_SECOND;
    assert_true(passed >= expected - TOW_SECOND / 10 && passed <= expected + TOW_SECOND * 11 / 10);
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_STALL_SECONDS], 1);
    world_close(&world);
}

static void a_closing_reader_that_stops_is_reset_after_stall_seconds(void **state) {
    static const int seconds[] = {1, 2, 3, 4, 7, 8, 9, 30};
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        expect_end_after_stall(0, seconds[i]);
        if (seconds[i] > 1)
            expect_end_after_stall(1, seconds[i]);
        if (seconds[i] > 1)
            expect_end_after_stall(5, seconds[i]);
    }
}

static void without_stall_seconds_close_seconds_bound_a_stall(void **state) {
    test_world world = {0};
    open_with_a_slow_reader(&world, TOW_OFF);
    tow_websocket_close(&world.server.socket, 1000, NULL);
    for (int i = 0; i < 6; i++)
        peer_takes_a_bite(&world, TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    int64_t since = tow_loop_now(world.loop);
    world_until(&world, world.server.gone == 1);
    assert_true(tow_loop_now(world.loop) - since <= 3 * TOW_SECOND);
    world_close(&world);
}

/* A slow reader that vanishes after each bite. */
static void a_slow_reader_may_vanish_at_any_time(void **state) {
    for (int bites = 0; bites <= SENT / BITE; bites++) {
        for (int how = 0; how < 2; how++) {
            test_world world = {0};
            open_with_a_slow_reader(&world, 4);
            tow_websocket_close(&world.server.socket, 1000, NULL);
            for (int i = 0; i < bites; i++)
                peer_takes_a_bite(&world, TOW_SECOND);
            if (how == 0)
                peer_reset(&world.peer);
            else
                tow_stream_close(&world.peer.stream);
            int64_t since = tow_loop_now(world.loop);
            world_until(&world, world.server.gone == 1);
            assert_true(tow_loop_now(world.loop) - since < TOW_SECOND);
            assert_int_equal(world.server.code, 1006);
            world_close(&world);
        }
    }
}

static void a_client_waits_for_the_end_by_the_server(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation.seed = seed};
        world_open(&world);
        world_connect_client(&world);
        tow_websocket_close(&world.client.socket, 1000, "bye");
        world_until(&world, world.client.gone == 1 || world.server.gone == 1);
        assert_true(world.server.socket.shut);
        world_until(&world, world.client.gone == 1 && world.server.gone == 1);
        assert_true(world.client.was_clean && world.server.was_clean);
        world_close(&world);
    }
}

/* Peers that vanish. */

/* A client that has said much, all of it in the network or its queue, and closes; the server reads nothing
 * yet. */
static void close_client_behind_much(test_world *world, size_t capacity) {
    world->simulation = (tow_simulation_options){.whole = true, .stream_capacity = capacity};
    world->limits = (tow_limits){
        .close_seconds = 1, .stall_seconds = 4, .idle_seconds = TOW_OFF, .ping_seconds = TOW_OFF};
    world_open(world);
    world_connect_client(world);
    tow_websocket_pause(&world->server.socket);
    assert_true(tow_websocket_send(&world->client.socket, TOW_BINARY, bytes, SENT) >= 0);
    assert_int_equal(tow_websocket_close(&world->client.socket, 1000, NULL), 0);
}

static void a_client_that_closes_waits_for_a_slow_server(void **state) {
    test_world world = {0};
    close_client_behind_much(&world, 3000);
    for (int i = 0; i < 2 * SENT / 3000 && world.server.messages == 0; i++) {
        assert_int_equal(world.client.closes, 0);
        tow_websocket_resume(&world.server.socket);
        world_step(&world);
        world_step(&world);
        tow_websocket_pause(&world.server.socket);
        world_run(&world, 3 * TOW_SECOND);
    }
    assert_int_equal(world.server.messages, 1);
    tow_websocket_resume(&world.server.socket);
    world_until(&world, world.client.gone == 1);
    assert_true(world.client.was_clean);
    assert_int_equal(world.server.code, 1000);
    world_close(&world);
}

static void a_client_leaves_a_server_that_takes_nothing_after_stall_seconds(void **state) {
    for (int all_in_network = 0; all_in_network < 2; all_in_network++) {
        test_world world = {0};
        close_client_behind_much(&world, all_in_network ? 2 * SENT : 3000);
        int64_t since = tow_loop_now(world.loop);
        world_until(&world, world.client.gone == 1);
        int64_t passed = tow_loop_now(world.loop) - since;
        assert_true(passed >= 4 * TOW_SECOND && passed <= 5 * TOW_SECOND);
        assert_int_equal(world.client.error, TOW_ERROR_TIMED_OUT);
        assert_int_equal(world.client.code, 1006);
        assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_STALL_SECONDS], 1);
        world_close(&world);
    }
}

static void append_conversation(tow_buffer *out) {
    frame_append(out, 0x81, "text", 4);
    frame_append(out, 0x02, "frag", 4);
    frame_append(out, 0x89, "p", 1);
    frame_append(out, 0x80, "ment", 4);
    frame_append(out, 0x82, bytes, 300);
    frame_append(out, 0x88, "\x03\xe8", 2);
}

static void vanish(size_t after, bool reset, const tow_buffer *conversation) {
    test_world world = {.simulation = {.seed = after, .whole = after % 2 == 0}, .server.echoes = true};
    world_open(&world);
    world_connect_peer(&world);
    peer_bytes(&world.peer, conversation->data, after);
    if (reset) {
        world_run(&world, TOW_MILLISECOND);
        peer_reset(&world.peer);
    } else {
        peer_end(&world.peer);
    }
    world_until(&world, world.server.gone == 1);
    bool whole = after == conversation->length;
    assert_int_equal(world.server.closes, 1);
    if (!whole) {
        assert_int_equal(world.server.code, 1006);
        assert_false(world.server.was_clean);
        assert_int_equal(world.server.errors, 1);
        assert_int_equal(world.server.error, reset ? TOW_ERROR_RESET : TOW_ERROR_ENDED);
    } else if (!reset) {
        assert_true(world.server.was_clean);
    }
    world_close(&world);
}

static void a_peer_may_vanish_at_each_byte(void **state) {
    tow_buffer conversation = {0};
    append_conversation(&conversation);
    for (size_t after = 0; after <= conversation.length; after++) {
        vanish(after, false, &conversation);
        vanish(after, true, &conversation);
    }
    tow_buffer_clear(&conversation);
}

static void a_peer_may_vanish_while_much_waits(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .stream_capacity = 3000}};
        world_open(&world);
        world_connect_peer(&world);
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, sizeof(bytes));
        for (uint64_t i = 0; i < seed; i++)
            world_step(&world);
        if (seed % 2 == 0)
            peer_reset(&world.peer);
        else
            tow_stream_close(&world.peer.stream);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.closes, 1);
        assert_int_equal(world.server.code, 1006);
        if (seed % 2 == 0) /* else the network took all before it knew */
            assert_true(tow_websocket_buffered_amount(&world.server.socket) > 0);
        world_close(&world);
    }
}

/* Ends by the application, in all of its callbacks. */

typedef enum act { CLOSE, ABORT, FAIL, ACTS } act;

static act chosen;

static void end_socket(endpoint *end) {
    size_t closes = end->closes;
    size_t errors = end->errors;
    if (chosen == CLOSE)
        assert_int_equal(tow_websocket_close(&end->socket, 1000, "enough"), 0);
    else if (chosen == ABORT)
        tow_websocket_abort(&end->socket, TOW_CAUSE_APPLICATION_RESET, 0);
    else
        tow_websocket_fail(&end->socket, TOW_CAUSE_MEMORY, TOW_ERROR_STATE);
    assert_int_equal(end->closes, closes);
    assert_int_equal(end->errors, errors);
}

static void end_in_message(endpoint *end, const tow_message *message) {
    if (end->messages == 3)
        end_socket(end);
}

static void set_place(endpoint *end, int place) {
    switch (place) {
    case 0:
        end->then_open = end_socket;
        break;
    case 1:
        end->then_message = end_in_message;
        break;
    case 2:
        end->then_ping = end_socket;
        break;
    case 3:
        end->then_pong = end_socket;
        break;
    case 4:
        end->then_drain = end_socket;
        break;
    case 5:
        end->then_error = end_socket;
        break;
    default:
        end->then_close = end_socket;
        break;
    }
}

static void run_with_end(uint64_t seed, int place, act what) {
    test_world world = {.simulation = {.seed = seed, .stream_capacity = 4000}, .limits.max_queue = TOW_OFF};
    chosen = what;
    set_place(&world.server, place);
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, place == 4 ? 300 * 1024 : 10);
    for (int i = 0; i < 6; i++)
        peer_frame(&world.peer, 0x81, "text", 4);
    peer_frame(&world.peer, 0x01, "te", 2);
    peer_frame(&world.peer, 0x89, "ping", 4);
    peer_frame(&world.peer, 0x8a, "pong", 4);
    peer_frame(&world.peer, 0x80, "xt", 2);
    if (place == 5)
        peer_frame(&world.peer, 0x83, "", 0);
    if (place == 4)
        world_until(&world, world.server.drains == 1);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(world.server.closes, 1);
    assert_true(world.server.errors <= 1);
    if (place == 1)
        assert_int_equal(world.server.messages, 3);
    if (place == 0)
        assert_int_equal(world.server.messages, 0);
    peer_close_code(&world.peer); /* nothing comes behind our Close */
    world_close(&world);
}

static void a_socket_may_be_ended_in_each_of_its_callbacks(void **state) {
    for (int place = 0; place < 7; place++)
        for (int what = 0; what < ACTS; what++)
            for (uint64_t seed = 0; seed < SEEDS; seed++)
                run_with_end(seed, place, (act)what);
}

static void a_failure_told_from_above_is_an_error_and_an_unclean_close(void **state) {
    test_world world = {.simulation.seed = 4};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_fail(&world.server.socket, TOW_CAUSE_MAX_QUEUE, TOW_ERROR_LIMIT);
    tow_websocket_fail(&world.server.socket, TOW_CAUSE_PROTOCOL_ERROR, TOW_ERROR_RESERVED_BITS);
    world_until(&world, world.peer.ended);
    assert_memory_equal(world.peer.received.data, "\x88\x26\x03\xf0more than max-queue waits to be sent", 40);
    assert_int_equal(world.peer.received.length, 40);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(world.server.error, TOW_ERROR_LIMIT);
    assert_int_equal(world.server.code, 1006);
    world_close(&world);
}

static void an_abort_drops_what_waits_and_counts_it(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 100);
    tow_websocket_abort(&world.server.socket, TOW_CAUSE_APPLICATION_RESET, 0);
    tow_websocket_abort(&world.server.socket, TOW_CAUSE_NETWORK, TOW_ERROR_STATE);
    world_until(&world, world.server.gone == 1 && world.peer.closed);
    assert_int_equal(world.server.errors, 0);
    assert_int_equal(world.server.code, 1006);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 100);
    assert_int_equal(world.peer.received.length, 0);
    assert_int_equal(world.peer.error, TOW_ERROR_RESET);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_close_of_the_peer_is_answered_with_its_code),
        cmocka_unit_test(nothing_behind_the_close_is_heard),
        cmocka_unit_test(a_peer_that_does_not_end_its_side_is_left_after_a_second),
        cmocka_unit_test(the_answer_waits_behind_the_queue),
        cmocka_unit_test(our_close_is_clean_when_the_peer_answers),
        cmocka_unit_test(a_close_without_a_code_is_empty),
        cmocka_unit_test(each_role_may_close_with_its_codes_only),
        cmocka_unit_test(servers_may_close_with_each_legal_code),
        cmocka_unit_test(both_may_close_at_once),
        cmocka_unit_test(a_closing_socket_hears_no_messages_and_answers_no_pings),
        cmocka_unit_test(a_violation_while_closing_is_an_unclean_end),
        cmocka_unit_test(a_paused_socket_that_closes_reads_on),
        cmocka_unit_test(a_peer_that_does_not_answer_is_reset_after_close_seconds),
        cmocka_unit_test(after_an_error_a_second_is_enough),
        cmocka_unit_test(a_slow_reader_gets_time_to_take_what_waits_before_the_close),
        cmocka_unit_test(a_peer_that_takes_nothing_is_reset_while_closing),
        cmocka_unit_test(what_the_network_hands_on_slowly_arrives_before_the_end),
        cmocka_unit_test(a_slow_reader_that_breaks_a_rule_gets_to_read_why),
        cmocka_unit_test(an_answer_to_the_peers_close_waits_for_a_slow_reader),
        cmocka_unit_test(a_closing_reader_that_stops_is_reset_after_stall_seconds),
        cmocka_unit_test(without_stall_seconds_close_seconds_bound_a_stall),
        cmocka_unit_test(a_slow_reader_may_vanish_at_any_time),
        cmocka_unit_test(a_client_waits_for_the_end_by_the_server),
        cmocka_unit_test(a_client_that_closes_waits_for_a_slow_server),
        cmocka_unit_test(a_client_leaves_a_server_that_takes_nothing_after_stall_seconds),
        cmocka_unit_test(a_peer_may_vanish_at_each_byte),
        cmocka_unit_test(a_peer_may_vanish_while_much_waits),
        cmocka_unit_test(a_socket_may_be_ended_in_each_of_its_callbacks),
        cmocka_unit_test(a_failure_told_from_above_is_an_error_and_an_unclean_close),
        cmocka_unit_test(an_abort_drops_what_waits_and_counts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
