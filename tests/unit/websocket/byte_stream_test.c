/* Byte streams: the same contract over TCP and over WebSocket, binary and text; connecting; and what carries
 * them from outside. */
#include "byte_stream_pair.h"

/* The contract. */

static void bytes_cross_whole_and_in_order_both_ways_at_once(void **state) {
    FOR_EACH_KIND_AND_SEED(kind, seed) {
        stream_pair pair = {.kind = (stream_kind)kind,
            .world = {.simulation = {.seed = seed, .stream_capacity = 3000 + 500 * seed},
                .real = seed % 8 == 7},
            .near = {.shuts = true, .step = seed % 3 == 0 ? 0 : 1 + seed * 97},
            .far = {.shuts = true, .step = seed % 5 == 0 ? 0 : 1 + seed * 31}};
        open_pair(&pair);
        write_all(&pair.near, text, BYTES);
        write_all(&pair.far, text, BYTES);
        world_until(&pair.world, pair.near.ends == 1 && pair.far.ends == 1);
        assert_int_equal(pair.near.heard_at_end, BYTES);
        assert_int_equal(pair.far.heard_at_end, BYTES);
        assert_side_heard(&pair.near, text, BYTES);
        assert_side_heard(&pair.far, text, BYTES);
        tow_byte_stream_close(pair.near.stream);
        tow_byte_stream_close(pair.far.stream);
        world_until(&pair.world, pair.near.closed == 1 && pair.far.closed == 1);
        assert_int_equal(pair.near.errors + pair.far.errors, 0);
        close_pair(&pair);
    }
}

static void one_side_may_end_long_before_the_other(void **state) {
    FOR_EACH_KIND_AND_SEED(kind, seed) {
        stream_pair pair = {
            .kind = (stream_kind)kind, .world = {.simulation = {.seed = seed, .stream_capacity = 9000}}};
        open_pair(&pair);
        stream_side *first = seed % 2 == 0 ? &pair.near : &pair.far;
        stream_side *second = seed % 2 == 0 ? &pair.far : &pair.near;
        first->shuts = true;
        write_all(first, text, 1000);
        world_until(&pair.world, second->ends == 1);
        assert_side_heard(second, text, 1000);
        assert_int_equal(tow_byte_stream_write(first->stream, &(tow_bytes){"x", 1}, 1), TOW_ERROR_CLOSED);
        for (int i = 0; i < 5; i++) {
            world_run(&pair.world, 50 * TOW_SECOND);
            write_all(second, text, BYTES);
            world_until(&pair.world, first->heard.length == (size_t)(i + 1) * BYTES);
        }
        second->shuts = true;
        write_all(second, text, 0);
        world_until(&pair.world, first->ends == 1);
        assert_int_equal(first->errors + second->errors, 0);
        close_pair(&pair);
    }
}

static void a_reader_that_pauses_stops_the_writer(void **state) {
    FOR_EACH_KIND_AND_SEED(kind, seed) {
        stream_pair pair = {
            .kind = (stream_kind)kind, .world = {.simulation = {.seed = seed, .stream_capacity = 5000}}};
        static uint8_t much[4 * 1024 * 1024];
        memset(much, 'm', sizeof(much));
        open_pair(&pair);
        tow_byte_stream_pause(pair.far.stream);
        write_all(&pair.near, much, sizeof(much));
        world_run(&pair.world, 20 * TOW_SECOND);
        assert_int_equal(pair.far.heard.length, 0);
        assert_true(pair.near.done < 600 * 1024);
        pair.far.pauses = true;
        for (int i = 0; i < 5; i++) {
            size_t deliveries = pair.far.deliveries;
            tow_byte_stream_resume(pair.far.stream);
            world_until(&pair.world, pair.far.deliveries > deliveries);
        }
        assert_true(pair.near.done < 1200 * 1024);
        pair.far.pauses = false;
        tow_byte_stream_resume(pair.far.stream);
        world_until(&pair.world, pair.far.heard.length == sizeof(much));
        assert_int_equal(pair.near.errors + pair.far.errors, 0);
        close_pair(&pair);
    }
}

static void a_reset_is_an_error_at_the_other_end(void **state) {
    FOR_EACH_KIND_AND_SEED(kind, seed) {
        stream_pair pair = {.kind = (stream_kind)kind, .world.simulation.seed = seed};
        open_pair(&pair);
        write_all(&pair.near, text, seed * 100);
        write_all(&pair.far, text, seed * 70);
        for (uint64_t i = 0; i < seed; i++)
            world_step(&pair.world);
        if (pair.near.stream != NULL)
            tow_byte_stream_reset(pair.near.stream);
        world_until(&pair.world, pair.far.errors == 1 && pair.near.closed == 1);
        assert_int_equal(pair.far.ends, 0);
        assert_int_equal(pair.far.error, TOW_ERROR_RESET);
        if (kind != OVER_TCP)
            assert_string_equal(pair.far.error_text, "the peer closed with 1011");
        assert_true(tow_byte_stream_write(pair.far.stream, &(tow_bytes){"x", 1}, 1) < 0);
        assert_int_equal(pair.near.errors, 0);
        close_pair(&pair);
    }
}

static void what_was_written_before_a_close_arrives(void **state) {
    FOR_EACH_KIND_AND_SEED(kind, seed) {
        stream_pair pair = {
            .kind = (stream_kind)kind, .world.simulation.seed = seed, .far.closes_at_end = true};
        open_pair(&pair);
        write_all(&pair.near, text, 10000);
        world_until(&pair.world, pair.near.done == 10000);
        tow_byte_stream_close(pair.near.stream);
        tow_byte_stream_close(pair.near.stream);
        world_until(&pair.world, pair.near.closed == 1 && pair.far.closed == 1);
        assert_side_heard(&pair.far, text, 10000);
        close_pair(&pair);
    }
}

static void a_stream_may_be_closed_inside_every_callback(void **state) {
    FOR_EACH_KIND_AND_SEED(kind, seed) {
        stream_pair pair = {.kind = (stream_kind)kind,
            .world = {.simulation = {.seed = seed, .stream_capacity = 2000}},
            .near.closes_at_end = true,
            .far.closes_at_end = true};
        open_pair(&pair);
        pair.near.shuts = seed % 2 == 0;
        pair.far.shuts = seed % 3 != 0;
        write_all(&pair.near, text, 20000);
        write_all(&pair.far, text, 30000);
        world_run(&pair.world, 100 * TOW_SECOND);
        close_pair(&pair);
    }
}

static void the_peer_has_an_address(void **state) {
    for (int kind = 0; kind < KINDS; kind++) {
        stream_pair pair = {.kind = (stream_kind)kind, .world.real = true};
        char small[4], peer[100];
        open_pair(&pair);
        assert_int_equal(tow_byte_stream_peer(pair.far.stream, small, sizeof(small)), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_byte_stream_peer(pair.far.stream, peer, sizeof(peer)), 0);
        assert_memory_equal(peer, "127.0.0.1:", 10);
        assert_ptr_equal(tow_byte_stream_loop(pair.far.stream), pair.world.loop);
        close_pair(&pair);
    }
}

/* Connecting. */

static void a_connect_that_is_refused_names_the_place(void **state) {
    stream_pair pair = {.kind = OVER_TCP};
    pair.near.pair = &pair;
    world_open(&pair.world);
    tow_byte_stream_options options = options_of(&pair, &pair.near);
    assert_int_equal(tow_byte_stream_connect(&pair.near.stream, pair.world.loop, "127.0.0.1:9", &options), 0);
    assert_int_equal(tow_byte_stream_write(pair.near.stream, &(tow_bytes){"x", 1}, 1), 0);
    world_until(&pair.world, pair.near.errors == 1);
    assert_int_equal(pair.near.error, TOW_ERROR_REFUSED);
    assert_string_equal(pair.near.error_text, "127.0.0.1 port 9: connection refused");
    tow_byte_stream_close(pair.near.stream);
    assert_int_equal(pair.near.closed, 0);
    world_until(&pair.world, pair.near.closed == 1);
    world_close(&pair.world);
}

static void a_connect_may_be_closed_before_it_ends(void **state) {
    stream_pair pair = {.kind = OVER_TCP};
    pair.near.pair = &pair;
    world_open(&pair.world);
    tow_byte_stream_options options = options_of(&pair, &pair.near);
    assert_int_equal(tow_byte_stream_connect(&pair.near.stream, pair.world.loop, "127.0.0.1:9", &options), 0);
    tow_byte_stream_reset(pair.near.stream);
    world_until(&pair.world, pair.near.closed == 1);
    assert_int_equal(pair.near.errors, 0);
    world_close(&pair.world);
}

static void close_the_other(tow_byte_stream *stream) {
    tow_byte_stream **other = tow_byte_stream_user(stream);
    tow_byte_stream_close(*other);
}

static void note_closed(tow_byte_stream *stream) {
    ++*(size_t *)tow_byte_stream_user(stream);
}

static size_t refused;

static void note_refusal(tow_byte_stream *stream, int error, const char *why) {
    (void)stream, (void)why;
    assert_int_equal(error, TOW_ERROR_REFUSED);
    refused++;
}

/* Though it was closed in the last callback that came. */
static void a_loop_that_is_freed_tells_the_end_of_what_did_not_connect(void **state) {
    tow_loop *loop;
    tow_byte_stream *first, *second;
    size_t closed = 0;
    const tow_byte_stream_options closing = {
        .user = &second, .on_error = note_refusal, .on_closed = close_the_other};
    const tow_byte_stream_options noting = {
        .user = &closed, .on_error = note_refusal, .on_closed = note_closed};
    refused = 0;
    assert_int_equal(tow_loop_new_simulated(&loop, NULL), 0);
    assert_int_equal(tow_byte_stream_connect(&first, loop, "127.0.0.1:9", &closing), 0);
    assert_int_equal(tow_byte_stream_connect(&second, loop, "127.0.0.1:9", &noting), 0);
    for (int i = 0; i < 100; i++)
        assert_true(tow_loop_step(loop) >= 0);
    assert_int_equal(refused, 2);
    tow_byte_stream_close(first);
    tow_loop_free(loop);
    assert_int_equal(closed, 1);
    (void)state;
}

static void what_is_no_place_is_refused_at_once(void **state) {
    static const char *const places[] = {
        "", "host", "host:", "host:0", "host:65536", ":80", "host:8x", "a b:80", "[::1:80", "unix:"};
    test_world world = {0};
    tow_byte_stream *stream = NULL;
    world_open(&world);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (tow_byte_stream_connect(&stream, world.loop, places[i], NULL) != TOW_ERROR_ADDRESS)
            fail_msg("'%s' was taken for a place", places[i]);
    assert_null(stream);
    world_close(&world);
}

static void a_listener_may_end_where_it_accepts(tow_byte_listener *listener, tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    side->stream = stream;
    side->pair->listener = NULL;
    tow_byte_listener_free(listener);
}

static void a_listener_may_be_freed_in_on_accept(void **state) {
    stream_pair pair = {.kind = OVER_TCP};
    char place[40];
    pair.near.pair = pair.far.pair = &pair;
    world_open(&pair.world);
    tow_byte_stream_options far = options_of(&pair, &pair.far);
    tow_byte_stream_options near = options_of(&pair, &pair.near);
    assert_int_equal(tow_byte_listener_new(&pair.listener, pair.world.loop, "localhost:0",
                         a_listener_may_end_where_it_accepts, &far),
        0);
    snprintf(place, sizeof(place), "localhost:%d", tow_byte_listener_port(pair.listener));
    assert_int_equal(tow_byte_stream_connect(&pair.near.stream, pair.world.loop, place, &near), 0);
    world_until(&pair.world, pair.far.stream != NULL && pair.near.writables == 1);
    assert_null(pair.listener);
    write_all(&pair.near, text, 100);
    world_until(&pair.world, pair.far.heard.length == 100);
    close_pair(&pair);
}

static void an_end_asked_for_while_connecting_comes_after_it(void **state) {
    stream_pair pair = {.kind = OVER_TCP};
    char place[40];
    pair.near.pair = pair.far.pair = &pair;
    world_open(&pair.world);
    tow_byte_stream_options far = options_of(&pair, &pair.far);
    tow_byte_stream_options near = options_of(&pair, &pair.near);
    assert_int_equal(
        tow_byte_listener_new(&pair.listener, pair.world.loop, "127.0.0.1:0", side_accepted, &far), 0);
    snprintf(place, sizeof(place), "%d", tow_byte_listener_port(pair.listener));
    assert_int_equal(tow_byte_stream_connect(&pair.near.stream, pair.world.loop, place, &near), 0);
    tow_byte_stream_shutdown(pair.near.stream);
    tow_byte_stream_pause(pair.near.stream);
    world_until(&pair.world, pair.far.stream != NULL && pair.far.ends == 1);
    write_all(&pair.far, text, 50);
    world_run(&pair.world, TOW_SECOND);
    assert_int_equal(pair.near.heard.length, 0);
    tow_byte_stream_resume(pair.near.stream);
    world_until(&pair.world, pair.near.heard.length == 50);
    close_pair(&pair);
}

/* Outside kinds. */

typedef struct outside {
    tow_byte_stream *stream;
    char calls[100];
} outside;

static void note(void *carrier, const char *call) {
    strcat(((outside *)carrier)->calls, call);
}

static int64_t outside_write(void *carrier, const tow_bytes *pieces, size_t count) {
    note(carrier, "write ");
    return (int64_t)pieces[count - 1].length;
}

static void outside_pause(void *carrier) {
    note(carrier, "pause ");
}

static void outside_resume(void *carrier) {
    note(carrier, "resume ");
}

static void outside_shutdown(void *carrier) {
    note(carrier, "shutdown ");
}

static void outside_close(void *carrier) {
    note(carrier, "close ");
}

static void outside_reset(void *carrier) {
    note(carrier, "reset ");
}

static tow_byte_stream_functions outside_functions = {.write = outside_write,
    .pause = outside_pause,
    .resume = outside_resume,
    .shutdown = outside_shutdown,
    .close = outside_close,
    .reset = outside_reset};

static void streams_can_be_carried_from_outside(void **state) {
    stream_pair pair = {0};
    outside carrier = {0};
    tow_byte_stream_options options = options_of(&pair, &pair.near);
    tow_byte_stream_functions incomplete = outside_functions;
    incomplete.reset = NULL;
    world_open(&pair.world);
    assert_int_equal(tow_byte_stream_new(&carrier.stream, pair.world.loop, &incomplete, &carrier, NULL),
        TOW_ERROR_ARGUMENT);
    assert_int_equal(
        tow_byte_stream_new(&carrier.stream, pair.world.loop, &outside_functions, &carrier, &options), 0);
    tow_byte_stream *stream = carrier.stream;
    assert_int_equal(tow_byte_stream_write(stream, &(tow_bytes){"abc", 3}, 1), 3);
    tow_byte_stream_pause(stream);
    tow_byte_stream_pause(stream);
    tow_byte_stream_resume(stream);
    tow_byte_stream_resume(stream);
    tow_byte_stream_shutdown(stream);
    tow_byte_stream_shutdown(stream);
    assert_int_equal(tow_byte_stream_peer(stream, carrier.calls, 1), TOW_ERROR_UNSUPPORTED);
    char said[] = "said";
    tow_byte_stream_tell_bytes(stream, said, 4);
    assert_int_equal(pair.near.heard.length, 4);
    tow_byte_stream_tell_end(stream);
    tow_byte_stream_tell_error(stream, TOW_ERROR_RESET, "gone");
    tow_byte_stream_tell_error(stream, TOW_ERROR_ENDED, "not told");
    assert_int_equal(pair.near.errors, 1);
    assert_int_equal(pair.near.error, TOW_ERROR_RESET);
    tow_byte_stream_reset(stream);
    tow_byte_stream_close(stream);
    tow_byte_stream_tell_bytes(stream, said, 4);
    tow_byte_stream_tell_closed(stream);
    assert_int_equal(pair.near.closed, 1);
    assert_string_equal(carrier.calls, "write pause resume shutdown reset ");
    world_close(&pair.world);
    tow_buffer_clear(&pair.near.heard);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_cross_whole_and_in_order_both_ways_at_once),
        cmocka_unit_test(one_side_may_end_long_before_the_other),
        cmocka_unit_test(a_reader_that_pauses_stops_the_writer),
        cmocka_unit_test(a_reset_is_an_error_at_the_other_end),
        cmocka_unit_test(what_was_written_before_a_close_arrives),
        cmocka_unit_test(a_stream_may_be_closed_inside_every_callback),
        cmocka_unit_test(the_peer_has_an_address),
        cmocka_unit_test(a_connect_that_is_refused_names_the_place),
        cmocka_unit_test(a_connect_may_be_closed_before_it_ends),
        cmocka_unit_test(a_loop_that_is_freed_tells_the_end_of_what_did_not_connect),
        cmocka_unit_test(what_is_no_place_is_refused_at_once),
        cmocka_unit_test(a_listener_may_be_freed_in_on_accept),
        cmocka_unit_test(an_end_asked_for_while_connecting_comes_after_it),
        cmocka_unit_test(streams_can_be_carried_from_outside),
    };
    return cmocka_run_group_tests(tests, samples_fill, NULL);
}
