/* Limits in time: silence, slow messages, peers that take nothing. Time is virtual. */
#include "world.h"

enum { TOLERANCE_MILLISECONDS = 5 };

static uint8_t bytes[300 * 1024];

static void assert_about(int64_t nanoseconds, int64_t expected) {
    if (nanoseconds < expected - TOLERANCE_MILLISECONDS * TOW_MILLISECOND ||
        nanoseconds > expected + TOLERANCE_MILLISECONDS * TOW_MILLISECOND)
        fail_msg("%lld ms instead of %lld ms", (long long)(nanoseconds / TOW_MILLISECOND),
            (long long)(expected / TOW_MILLISECOND));
}

static int64_t now(const test_world *world) {
    return tow_loop_now(world->loop);
}

static tow_websocket_counters *counters(const test_world *world) {
    return tow_websocket_context_counters(world->context);
}

static void silence_is_answered_with_one_ping_and_ended_with_1001(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = now(&world);
    world_until(&world, world.peer.received.length > 0);
    assert_about(now(&world) - since, 20 * TOW_SECOND);
    assert_int_equal(world.peer.received.length, 2);
    assert_memory_equal(world.peer.received.data, "\x89\x00", 2);
    world_until(&world, world.peer.ended);
    assert_about(now(&world) - since, 60 * TOW_SECOND);
    assert_memory_equal(world.peer.received.data + 2, "\x88", 1);
    assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_GOING_AWAY);
    world_until(&world, world.server.gone == 1);
    assert_about(now(&world) - since, 61 * TOW_SECOND);
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    assert_int_equal(counters(&world)->ends[TOW_CAUSE_IDLE_SECONDS], 1);
    assert_int_equal(counters(&world)->pings_sent, 1);
    world_until(&world, world.peer.closed);
    assert_int_equal(world.peer.error, TOW_ERROR_RESET);
    world_close(&world);
}

static void pongs_keep_a_silent_connection_alive(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_client(&world);
    world_run(&world, 500 * TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    assert_true(counters(&world)->pongs_received >= 24);
    assert_true(counters(&world)->pings_sent <= 50);
    world_close(&world);
}

static void each_silence_has_its_ping_in_time(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = now(&world);
    for (size_t i = 1; i <= 6; i++) {
        world_until(&world, world.peer.received.length == 2 * i);
        assert_about(now(&world) - since, 20 * TOW_SECOND);
        since = now(&world);
        peer_frame(&world.peer, 0x8a, NULL, 0);
    }
    world_close(&world);
}

static void any_byte_is_life(void **state) {
    test_world world = {.simulation.whole = true, .limits.message_seconds = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    tow_buffer frame = {0};
    frame_append(&frame, 0x81, "slow text", 9);
    for (size_t i = 0; i < frame.length; i++) {
        peer_bytes(&world.peer, frame.data + i, 1);
        world_run(&world, 19 * TOW_SECOND);
    }
    assert_int_equal(world.server.messages, 1);
    assert_int_equal(counters(&world)->pings_sent, 0);
    assert_int_equal(world.server.closes, 0);
    world_close(&world);
    tow_buffer_clear(&frame);
}

static void limits_may_be_off(void **state) {
    test_world world = {.simulation.whole = true,
        .limits = {.ping_seconds = TOW_OFF,
            .idle_seconds = TOW_OFF,
            .stall_seconds = TOW_OFF,
            .message_seconds = TOW_OFF}};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, sizeof(bytes));
    peer_bytes(&world.peer, "\x81", 1);
    world_run(&world, 100000 * TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    assert_false(tow_timer_is_set(&world.server.socket.timer));
    world_close(&world);
}

static void the_idle_clock_stands_still_while_we_do_not_read(void **state) {
    test_world world = {.simulation.whole = true, .limits.ping_seconds = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    world_run(&world, 40 * TOW_SECOND);
    tow_websocket_pause(&world.server.socket);
    world_run(&world, 1000 * TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    tow_websocket_resume(&world.server.socket);
    int64_t since = now(&world);
    world_until(&world, world.peer.ended);
    assert_about(now(&world) - since, 20 * TOW_SECOND);
    world_close(&world);
}

/* A peer that ends while we do not read. */

/* What it said before waits; `real`: on the kernel's network, on either loop. */
static void open_paused(test_world *world, int idle_seconds, const char *text) {
    world->limits = (tow_limits){.idle_seconds = idle_seconds, .ping_seconds = TOW_OFF};
    world_open(world);
    world_connect_peer(world);
    tow_websocket_pause(&world->server.socket);
    world_run(world, TOW_MILLISECOND);
    if (text != NULL)
        peer_frame(&world->peer, 0x81, text, strlen(text));
    peer_end(&world->peer);
}

static void expect_end_after(test_world *world, int64_t since, int seconds) {
    world_until(world, world->server.gone == 1);
    if (!world->real) /* which may be late */
        assert_about(now(world) - since, seconds * TOW_SECOND);
    assert_int_equal(world->server.messages, 0);
    assert_int_equal(world->server.error, TOW_ERROR_ENDED);
    assert_int_equal(world->server.code, 1006);
    assert_int_equal(counters(world)->ends[TOW_CAUSE_PEER_END], 1);
    world_close(world);
}

static void a_paused_socket_ends_when_its_peer_has_gone(void **state) {
    for (uint64_t seed = 0; seed < 16; seed += 8) {
        for (int real = 0; real < 2; real++) {
            test_world world = {.simulation.seed = seed, .real = real};
            open_paused(&world, 1, seed == 0 ? NULL : "unread");
            expect_end_after(&world, now(&world), 1);
        }
    }
    test_world world = {.simulation.seed = 1};
    open_paused(&world, TOW_OFF, "unread");
    expect_end_after(&world, now(&world), 60);
}

/* Without a Close. */
static void a_paused_client_ends_when_its_server_has_gone(void **state) {
    for (int idle_seconds = 0; idle_seconds < 4; idle_seconds++) {
        test_world world = {.simulation.whole = true,
            .limits = {.idle_seconds = idle_seconds == 0 ? TOW_OFF : idle_seconds, .ping_seconds = TOW_OFF}};
        world_open(&world);
        world_connect_client(&world);
        tow_websocket_pause(&world.client.socket);
        world_run(&world, TOW_MILLISECOND);
        if (idle_seconds % 2 == 1)
            tow_websocket_send(&world.server.socket, TOW_TEXT, "unread", 6);
        tow_stream_shutdown(&world.server.socket.stream);
        int64_t since = now(&world);
        world_until(&world, world.client.gone == 1);
        assert_about(now(&world) - since, (idle_seconds == 0 ? 60 : idle_seconds) * TOW_SECOND);
        assert_int_equal(world.client.messages, 0);
        assert_int_equal(world.client.error, TOW_ERROR_ENDED);
        assert_int_equal(world.client.code, 1006);
        world_close(&world);
    }
}

static void what_a_peer_said_before_its_end_waits_for_a_resume(void **state) {
    test_world world = {.simulation.seed = 1};
    open_paused(&world, 4, "unread");
    world_run(&world, 3 * TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    tow_websocket_resume(&world.server.socket);
    tow_websocket_pause(&world.server.socket); /* that is a sign of life */
    int64_t since = now(&world);
    world_run(&world, 3 * TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    tow_websocket_resume(&world.server.socket);
    world_until(&world, world.server.gone == 1);
    assert_true(now(&world) - since < 4 * TOW_SECOND);
    assert_int_equal(world.server.messages, 1);
    world_close(&world);
}

static void pause_in_message(endpoint *end, const tow_message *message) {
    tow_websocket_pause(&end->socket);
}

/* Messages that were read, and wait, and the peer's end behind them that was read too. */
static void what_was_kept_waits_as_long(void **state) {
    for (size_t resumes = 0; resumes < 3; resumes++) {
        test_world world = {.simulation.whole = true,
            .server.then_message = pause_in_message,
            .limits = {.idle_seconds = 3, .ping_seconds = TOW_OFF}};
        world_open(&world);
        world_connect_peer(&world);
        for (int i = 0; i < 4; i++)
            peer_frame(&world.peer, 0x81, "text", 4);
        peer_end(&world.peer);
        world_until(&world, world.server.messages == 1);
        int64_t since = now(&world);
        for (size_t i = 0; i < resumes; i++) {
            world_run(&world, 2 * TOW_SECOND);
            since = now(&world);
            tow_websocket_resume(&world.server.socket);
            world_until(&world, world.server.messages == 2 + i);
        }
        assert_int_equal(world.server.closes, 0);
        world_until(&world, world.server.gone == 1);
        assert_about(now(&world) - since, 3 * TOW_SECOND);
        assert_int_equal(world.server.messages, 1 + resumes);
        world_close(&world);
    }
}

/* The peer has ended its side and reads on: what waits to be sent keeps us from reading, not the application.
 */
static void a_queue_that_is_taken_is_no_pause(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 60000},
        .limits = {.idle_seconds = 2, .ping_seconds = TOW_OFF, .high_mark = 50000, .low_mark = 1000},
        .peer.bite = 10000};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 200000);
    peer_frame(&world.peer, 0x81, "text", 4);
    peer_end(&world.peer);
    while (!world.peer.ended)
        peer_takes_a_bite(&world, TOW_SECOND);
    assert_int_equal(world.server.messages, 1);
    assert_true(peer_payload_bytes(&world.peer) >= 200000 - 1000); /* less than the low mark is left */
    world_until(&world, world.server.gone == 1);
    world_close(&world);
}

/* Whole messages. */

static void a_message_that_takes_too_long_is_refused_however_busy(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = now(&world);
    peer_frame(&world.peer, 0x01, "begin", 5);
    while (!world.peer.ended) {
        peer_frame(&world.peer, 0x00, "more", 4);
        peer_frame(&world.peer, 0x89, "", 0);
        world_run(&world, TOW_SECOND / 2);
    }
    assert_true(now(&world) - since >= 60 * TOW_SECOND && now(&world) - since <= 61 * TOW_SECOND);
    assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_POLICY);
    assert_int_equal(counters(&world)->ends[TOW_CAUSE_MESSAGE_SECONDS], 1);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    world_close(&world);
}

/* Who sends a byte a second gains nothing by it; who sends steadily, all the time that it takes. */
static void end_of_a_slow_message(size_t a_second, int64_t rate, bool streams) {
    enum { LENGTH = 200 * 1000 };
    test_world world = {
        .simulation.whole = true, .limits = {.message_rate = rate}, .server.streams = streams};
    tow_buffer frame = {0};
    memset(bytes, 0, sizeof(bytes));
    frame_append(&frame, 0x02, bytes, LENGTH);
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = now(&world);
    size_t sent = 0;
    for (; sent < frame.length && !world.peer.ended; sent += a_second) {
        size_t left = frame.length - sent;
        peer_bytes(&world.peer, frame.data + sent, left < a_second ? left : a_second);
        world_run(&world, TOW_SECOND);
    }
    bool steady = rate != TOW_OFF && (int64_t)a_second > (rate == 0 ? 1024 : rate);
    assert_int_equal(world.peer.ended, !steady);
    if (!steady) {
        assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_POLICY);
        assert_in_range(now(&world) - since, 60 * TOW_SECOND, 62 * TOW_SECOND);
    }
    tow_buffer_clear(&frame);
    world_close(&world);
}

static void a_message_may_take_longer_the_more_has_come(void **state) {
    for (int i = 0; i < 2; i++) {
        end_of_a_slow_message(1, 0, i);
        end_of_a_slow_message(1100, 0, i);
        end_of_a_slow_message(2000, 0, i);
        end_of_a_slow_message(2000, TOW_OFF, i);
        end_of_a_slow_message(2000, 1900, i);
        end_of_a_slow_message(2000, 1000 * 1000, i);
    }
}

static void a_header_of_which_half_came_is_a_message_that_began(void **state) {
    test_world world = {
        .simulation.whole = true, .limits.idle_seconds = TOW_OFF, .limits.message_seconds = 10};
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = now(&world);
    peer_bytes(&world.peer, "\x81", 1);
    world_until(&world, world.peer.ended);
    assert_about(now(&world) - since, 10 * TOW_SECOND);
    world_close(&world);
}

/* Each read brings the end of one message and the beginning of the next. */
static void messages_that_overlap_reads_have_a_clock_each(void **state) {
    test_world world = {.simulation.whole = true, .limits.message_seconds = 10};
    world_open(&world);
    world_connect_peer(&world);
    tow_buffer frame = {0};
    frame_append(&frame, 0x81, "one message", 11);
    peer_bytes(&world.peer, frame.data, 7);
    for (int i = 0; i < 20; i++) {
        world_run(&world, 6 * TOW_SECOND);
        peer_bytes(&world.peer, frame.data + 7, frame.length - 7);
        peer_bytes(&world.peer, frame.data, 7);
    }
    world_run(&world, 6 * TOW_SECOND);
    assert_int_equal(world.server.messages, 20);
    assert_int_equal(world.server.closes, 0);
    world_close(&world);
    tow_buffer_clear(&frame);
}

static void the_message_clock_stands_still_while_we_do_not_read(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0x01, "begin", 5);
    world_run(&world, 30 * TOW_SECOND);
    tow_websocket_pause(&world.server.socket);
    world_run(&world, 300 * TOW_SECOND);
    tow_websocket_resume(&world.server.socket);
    for (int i = 0; i < 5; i++) {
        world_run(&world, 5 * TOW_SECOND);
        peer_frame(&world.peer, 0x00, "", 0);
    }
    assert_int_equal(world.server.closes, 0);
    int64_t since = now(&world);
    world_until(&world, world.peer.ended);
    assert_about(now(&world) - since, 5 * TOW_SECOND);
    world_close(&world);
}

/* Peers that take nothing. */

static void a_peer_that_takes_nothing_is_reset(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    int64_t since = now(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 20000);
    world_until(&world, world.server.gone == 1);
    assert_about(now(&world) - since, 30 * TOW_SECOND);
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    assert_int_equal(world.server.code, 1006);
    assert_int_equal(counters(&world)->ends[TOW_CAUSE_STALL_SECONDS], 1);
    world_until(&world, world.peer.ended || world.peer.closed);
    world_close(&world);
}

static void a_peer_that_takes_a_little_now_and_then_is_not(void **state) {
    test_world world = {
        .simulation = {.whole = true, .stream_capacity = 1000}, .limits.idle_seconds = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 10000);
    for (int i = 0; i < 5; i++) {
        tow_stream_pause(&world.peer.stream);
        world_run(&world, 29 * TOW_SECOND);
        tow_stream_resume(&world.peer.stream);
        world_step(&world);
        world_step(&world);
    }
    assert_int_equal(world.server.closes, 0);
    world_until(&world, peer_payload_bytes(&world.peer) == 10000);
    world_close(&world);
}

/* The network tells of room when a third of it is free: with this reader after twenty seconds. */
static void a_peer_that_takes_what_the_network_holds_is_not(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 60000},
        .limits = {.stall_seconds = 4, .idle_seconds = TOW_OFF},
        .peer.bite = 1000};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 200000);
    for (int i = 0; i < 60; i++)
        peer_takes_a_bite(&world, TOW_SECOND);
    assert_int_equal(world.server.closes, 0);
    int64_t since = now(&world) - TOW_SECOND;
    world_until(&world, world.server.gone == 1);
    assert_about(now(&world) - since, 4 * TOW_SECOND);
    assert_int_equal(counters(&world)->ends[TOW_CAUSE_STALL_SECONDS], 1);
    world_close(&world);
}

/* A queue that empties takes the stall clock with it. */
static void the_stall_clock_starts_anew_with_each_queue(void **state) {
    test_world world = {
        .simulation = {.whole = true, .stream_capacity = 1000}, .limits.idle_seconds = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    for (int i = 0; i < 5; i++) {
        tow_stream_pause(&world.peer.stream);
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 3000);
        world_run(&world, 25 * TOW_SECOND);
        tow_stream_resume(&world.peer.stream);
        world_run(&world, TOW_SECOND);
        assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 0);
    }
    assert_int_equal(world.server.closes, 0);
    world_close(&world);
}

/* A Pong can't come before what is ahead of the Ping was taken: from the queue, and from what the network
 * holds. */
static void a_peer_that_takes_what_is_ahead_of_a_ping_lives(void **state) {
    for (size_t capacity = 1000; capacity <= 100000; capacity += 99000) {
        test_world world = {.simulation = {.whole = true, .stream_capacity = capacity}, .peer.bite = 500};
        world_open(&world);
        world_connect_peer(&world);
        tow_stream_pause(&world.peer.stream);
        world_run(&world, 10 * TOW_SECOND);
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 100000 - 100);
        for (int i = 0; i < 190; i++)
            peer_takes_a_bite(&world, TOW_SECOND);
        assert_int_equal(tow_websocket_ready_state(&world.server.socket), TOW_OPEN);
        world_until(&world, world.server.gone == 1); /* it takes nothing any more */
        assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
        world_close(&world);
    }
}

/* Though it takes what comes behind it. */
static void a_peer_that_has_a_ping_has_to_answer(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    int64_t since = now(&world);
    while (!world.peer.ended) {
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 10000);
        world_run(&world, TOW_SECOND);
    }
    assert_true(now(&world) - since < 62 * TOW_SECOND);
    assert_int_equal(counters(&world)->ends[TOW_CAUSE_IDLE_SECONDS], 1);
    world_until(&world, world.server.gone == 1);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_answered_with_one_ping_and_ended_with_1001),
        cmocka_unit_test(pongs_keep_a_silent_connection_alive),
        cmocka_unit_test(each_silence_has_its_ping_in_time),
        cmocka_unit_test(any_byte_is_life),
        cmocka_unit_test(a_peer_that_takes_what_is_ahead_of_a_ping_lives),
        cmocka_unit_test(a_peer_that_has_a_ping_has_to_answer),
        cmocka_unit_test(limits_may_be_off),
        cmocka_unit_test(the_idle_clock_stands_still_while_we_do_not_read),
        cmocka_unit_test(a_paused_socket_ends_when_its_peer_has_gone),
        cmocka_unit_test(a_paused_client_ends_when_its_server_has_gone),
        cmocka_unit_test(what_a_peer_said_before_its_end_waits_for_a_resume),
        cmocka_unit_test(what_was_kept_waits_as_long),
        cmocka_unit_test(a_queue_that_is_taken_is_no_pause),
        cmocka_unit_test(a_message_that_takes_too_long_is_refused_however_busy),
        cmocka_unit_test(a_message_may_take_longer_the_more_has_come),
        cmocka_unit_test(a_header_of_which_half_came_is_a_message_that_began),
        cmocka_unit_test(messages_that_overlap_reads_have_a_clock_each),
        cmocka_unit_test(the_message_clock_stands_still_while_we_do_not_read),
        cmocka_unit_test(a_peer_that_takes_nothing_is_reset),
        cmocka_unit_test(a_peer_that_takes_a_little_now_and_then_is_not),
        cmocka_unit_test(a_peer_that_takes_what_the_network_holds_is_not),
        cmocka_unit_test(the_stall_clock_starts_anew_with_each_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
