/* Byte streams over WebSocket: silence of a side that is left, and peers that vanish. */
#include "byte_stream_pair.h"

/* Steps until a side that waits for the other's end hears of it; returns the seconds that passed. */
static int64_t seconds_until_error(stream_pair *pair) {
    int64_t since = tow_loop_now(pair->world.loop);
    world_until(&pair->world, pair->far.errors == 1);
    assert_int_equal(pair->far.error, TOW_ERROR_TIMED_OUT);
    return (tow_loop_now(pair->world.loop) - since + TOW_SECOND / 2) / TOW_SECOND;
}

static void a_peer_that_does_not_end_is_left_after_a_silence(void **state) {
    stream_pair pair = {.world.simulation.whole = true};
    open_with_peer(&pair);
    tow_byte_stream_shutdown(pair.far.stream);
    for (int i = 0; i < 10; i++) {
        world_run(&pair.world, 50 * TOW_SECOND);
        peer_frame(&pair.world.peer, 0x82, "more", 4);
    }
    assert_int_equal(pair.far.errors, 0);
    assert_int_equal(seconds_until_error(&pair), 60);
    close_with_peer(&pair);
}

static void a_side_of_ours_that_does_not_end_ends_after_a_silence(void **state) {
    stream_pair pair = {.world.simulation.whole = true, .half_close_seconds = 7};
    open_with_peer(&pair);
    peer_close(&pair.world.peer, 1000, NULL);
    for (int i = 0; i < 10; i++) {
        world_run(&pair.world, 6 * TOW_SECOND);
        write_all(&pair.far, noise, 10);
    }
    assert_int_equal(pair.far.errors, 0);
    assert_int_equal(seconds_until_error(&pair), 7);
    close_with_peer(&pair);
}

static void a_slow_reader_is_not_silent(void **state) {
    stream_pair pair = {.world = {.simulation = {.whole = true, .stream_capacity = 60000}, .peer.bite = 1000},
        .half_close_seconds = 3};
    open_with_peer(&pair);
    tow_stream_pause(&pair.world.peer.stream);
    write_all(&pair.far, noise, 40000);
    tow_byte_stream_shutdown(pair.far.stream);
    while (peer_close_code(&pair.world.peer) == 0) {
        assert_int_equal(pair.far.errors, 0);
        peer_takes_a_bite(&pair.world, TOW_SECOND);
    }
    assert_int_equal(peer_payload_bytes(&pair.world.peer), 40000);
    assert_int_equal(seconds_until_error(&pair), 2); /* and one before */
    close_with_peer(&pair);
}

static void no_silence_is_too_long_where_it_is_off(void **state) {
    stream_pair pair = {.world.simulation.whole = true, .half_close_seconds = TOW_OFF};
    open_with_peer(&pair);
    tow_byte_stream_shutdown(pair.far.stream);
    world_run(&pair.world, 100000 * TOW_SECOND);
    assert_int_equal(pair.far.errors, 0);
    close_with_peer(&pair);
}

static void no_silence_counts_while_we_have_paused(void **state) {
    stream_pair pair = {.world.simulation.whole = true, .half_close_seconds = 7};
    open_with_peer(&pair);
    tow_byte_stream_shutdown(pair.far.stream);
    tow_byte_stream_pause(pair.far.stream);
    world_run(&pair.world, 1000 * TOW_SECOND);
    assert_int_equal(pair.far.errors, 0);
    tow_byte_stream_resume(pair.far.stream);
    assert_int_equal(seconds_until_error(&pair), 7);
    close_with_peer(&pair);
}

static void a_paused_side_ends_when_its_peer_has_gone(void **state) {
    stream_pair pair = {.world.simulation.whole = true, .half_close_seconds = 7};
    open_with_peer(&pair);
    tow_byte_stream_shutdown(pair.far.stream);
    tow_byte_stream_pause(pair.far.stream);
    world_run(&pair.world, 100 * TOW_SECOND);
    peer_frame(&pair.world.peer, 0x82, "unread", 6);
    peer_end(&pair.world.peer);
    assert_int_equal(pair.far.errors, 0);
    assert_true(seconds_until_error(&pair) <= 8);
    close_with_peer(&pair);
}

/* A peer that vanishes after each byte of what it had to say, by its end or by a reset. */
static void a_peer_that_vanishes_at_any_byte_is_told(void **state) {
    tow_buffer script = {0};
    frame_append(&script, 0x82, "hello", 5);
    frame_append(&script, 0x01, "a", 1);
    frame_append(&script, 0x80, "b", 1);
    frame_append(&script, 0x88, "\x03\xe8", 2);
    for (size_t cut = 0; cut <= script.length; cut++) {
        for (int how = 0; how < 4; how++) {
            stream_pair pair = {.world.simulation.seed = cut, .far.closes_at_end = how >= 2};
            open_with_peer(&pair);
            peer_bytes(&pair.world.peer, script.data, cut);
            if (how % 2 == 0)
                peer_end(&pair.world.peer);
            world_run(&pair.world, TOW_SECOND);
            if (how % 2 == 1 && !pair.world.peer.closed)
                peer_reset(&pair.world.peer);
            world_until(&pair.world, pair.far.errors == 1 || pair.far.closed == 1);
            assert_int_equal(pair.far.ends, cut == script.length ? 1 : 0);
            close_with_peer(&pair);
        }
    }
    tow_buffer_clear(&script);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_does_not_end_is_left_after_a_silence),
        cmocka_unit_test(a_side_of_ours_that_does_not_end_ends_after_a_silence),
        cmocka_unit_test(a_slow_reader_is_not_silent),
        cmocka_unit_test(no_silence_is_too_long_where_it_is_off),
        cmocka_unit_test(no_silence_counts_while_we_have_paused),
        cmocka_unit_test(a_paused_side_ends_when_its_peer_has_gone),
        cmocka_unit_test(a_peer_that_vanishes_at_any_byte_is_told),
    };
    return cmocka_run_group_tests(tests, samples_fill, NULL);
}
