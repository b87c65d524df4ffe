/* Byte streams: the same contract over TCP and over WebSocket, binary and text; and what only WebSocket has.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <towline/stream.h>

enum { SEEDS = 40, BYTES = 200 * 1000 };

typedef enum stream_kind { OVER_TCP, OVER_WEBSOCKET, OVER_TEXT, KINDS, OVER_LINES = KINDS } stream_kind;

static uint8_t noise[BYTES];
static uint8_t text[BYTES];

typedef struct stream_side {
    tow_byte_stream *stream;
    struct stream_pair *pair;
    tow_buffer heard;
    const uint8_t *out;
    size_t length, done; /* of what is written */
    size_t step;         /* at most so many bytes a write, 0: all */
    bool shuts;          /* after the last */
    bool closes_at_end;
    bool pauses; /* after every delivery */
    size_t writables, ends, errors, closed, deliveries;
    size_t heard_at_end;
    int error;
    char error_text[200];
    int64_t refused; /* the last error of a write */
} stream_side;

typedef struct stream_pair {
    test_world world; /* first */
    stream_kind kind;
    int half_close_seconds;
    tow_byte_listener *listener;
    stream_side near, far; /* the client's, the server's */
} stream_pair;

/* Callbacks. */

static void side_write(stream_side *side) {
    while (side->out != NULL && side->done < side->length) {
        size_t left = side->length - side->done;
        size_t length = side->step != 0 && side->step < left ? side->step : left;
        tow_bytes pieces[2] = {{.data = side->out + side->done, .length = length / 2},
            {.data = side->out + side->done + length / 2, .length = length - length / 2}};
        int64_t taken = tow_byte_stream_write(side->stream, pieces, 2);
        if (taken < 0) {
            side->refused = taken;
            return;
        }
        assert_true((size_t)taken <= length);
        side->done += (size_t)taken;
        if ((size_t)taken < length)
            return;
    }
    if (side->shuts && side->out != NULL)
        tow_byte_stream_shutdown(side->stream);
}

static void on_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    stream_side *side = tow_byte_stream_user(stream);
    assert_true(length > 0);
    assert_int_equal(side->ends, 0);
    assert_int_equal(side->errors, 0);
    side->deliveries++;
    tow_buffer_append(&side->heard, bytes, length);
    memset(bytes, 0xee, length);
    if (side->pauses)
        tow_byte_stream_pause(stream);
}

static void on_writable(tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    side->writables++;
    side_write(side);
}

static void on_end(tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    assert_int_equal(side->errors, 0);
    side->ends++;
    side->heard_at_end = side->heard.length;
    if (side->closes_at_end)
        tow_byte_stream_close(stream);
}

static void on_error(tow_byte_stream *stream, int error, const char *why) {
    stream_side *side = tow_byte_stream_user(stream);
    side->errors++;
    side->error = error;
    snprintf(side->error_text, sizeof(side->error_text), "%s", why);
    assert_true(strlen(why) > 0);
}

static void on_closed(tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    side->closed++;
    side->stream = NULL;
}

static tow_byte_stream_options options_of(const stream_pair *pair, const stream_side *side) {
    return (tow_byte_stream_options){.user = (void *)(uintptr_t)side,
        .on_bytes = on_bytes,
        .on_writable = on_writable,
        .on_end = on_end,
        .on_error = on_error,
        .on_closed = on_closed,
        .text = pair->kind == OVER_TEXT,
        .lines = pair->kind == OVER_LINES,
        .half_close_seconds = pair->half_close_seconds};
}

/* Both ends of a connection as streams. */

static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
    stream_side *side = tow_byte_stream_user(stream);
    assert_ptr_equal(side->pair->listener, listener);
    side->stream = stream;
}

static void open_tcp(stream_pair *pair) {
    char place[40];
    tow_byte_stream_options far = options_of(pair, &pair->far);
    tow_byte_stream_options near = options_of(pair, &pair->near);
    world_open(&pair->world);
    tow_loop *loop = pair->world.loop;
    assert_int_equal(tow_byte_listener_new(&pair->listener, loop, "127.0.0.1:0", accepted, &far), 0);
    snprintf(place, sizeof(place), "127.0.0.1:%d", tow_byte_listener_port(pair->listener));
    assert_int_equal(tow_byte_stream_connect(&pair->near.stream, loop, place, &near), 0);
    world_until(&pair->world, pair->far.stream != NULL && pair->near.writables == 1);
}

static void wrap(endpoint *end, stream_side *side) {
    tow_byte_stream_options options = options_of(side->pair, side);
    assert_int_equal(tow_byte_stream_from_websocket(&side->stream, &end->socket, &options), 0);
    end->wrapped = true;
}

static void open_websocket(stream_pair *pair) {
    world_open(&pair->world);
    world_connect_client(&pair->world);
    wrap(&pair->world.client, &pair->near);
    wrap(&pair->world.server, &pair->far);
}

static void open_pair(stream_pair *pair) {
    pair->near.pair = pair;
    pair->far.pair = pair;
    if (pair->kind == OVER_TCP)
        open_tcp(pair);
    else
        open_websocket(pair);
}

static void close_side(stream_side *side) {
    if (side->stream != NULL)
        tow_byte_stream_reset(side->stream);
}

static void close_pair(stream_pair *pair) {
    close_side(&pair->near);
    close_side(&pair->far);
    world_until(&pair->world, pair->near.stream == NULL && pair->far.stream == NULL);
    tow_byte_listener_free(pair->listener);
    assert_int_equal(pair->near.closed, 1);
    assert_int_equal(pair->far.closed, pair->kind == OVER_TCP || pair->world.server.wrapped ? 1 : 0);
    world_close(&pair->world);
    tow_buffer_clear(&pair->near.heard);
    tow_buffer_clear(&pair->far.heard);
}

static void write_all(stream_side *side, const uint8_t *bytes, size_t length) {
    side->out = bytes;
    side->length = length;
    side->done = 0;
    side_write(side);
}

static void assert_side_heard(const stream_side *side, const uint8_t *bytes, size_t length) {
    assert_int_equal(side->heard.length, length);
    assert_memory_equal(side->heard.data, bytes, length);
}

#define FOR_EACH_KIND_AND_SEED(kind, seed)                                                                   \
    for (int kind = 0; kind < KINDS; kind++)                                                                 \
        for (uint64_t seed = 0; seed < SEEDS; seed += unit_step(3))

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
        tow_byte_listener_new(&pair.listener, pair.world.loop, "127.0.0.1:0", accepted, &far), 0);
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

/* Over WebSocket. */

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

/* A server's socket as a stream, and a peer of which the test decides every byte. */
static void open_with_peer(stream_pair *pair) {
    pair->far.pair = pair->near.pair = pair;
    world_open(&pair->world);
    world_connect_peer(&pair->world);
    wrap(&pair->world.server, &pair->far);
}

static void close_with_peer(stream_pair *pair) {
    close_side(&pair->far);
    world_until(&pair->world, pair->far.stream == NULL);
    assert_int_equal(pair->far.closed, 1);
    world_close(&pair->world);
    tow_buffer_clear(&pair->far.heard);
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

/* UTF-8 of characters of one to four bytes, whole at every length that the tests use. */
static void text_fill(void) {
    static const char *const characters[] = {"a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    uint32_t state = 1;
    size_t at = 0;
    while (at < BYTES) {
        state = state * 1664525 + 1013904223;
        const char *character = characters[(state >> 24) % 4];
        size_t length = strlen(character);
        bool fits = at % 10 + length <= 10; /* a border at every tenth byte */
        memcpy(text + at, fits ? character : "a", fits ? length : 1);
        at += fits ? length : 1;
    }
}

int main(void) {
    pattern_fill(noise, sizeof(noise), 1);
    text_fill();
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
        cmocka_unit_test(a_peer_that_does_not_end_is_left_after_a_silence),
        cmocka_unit_test(a_side_of_ours_that_does_not_end_ends_after_a_silence),
        cmocka_unit_test(a_slow_reader_is_not_silent),
        cmocka_unit_test(no_silence_is_too_long_where_it_is_off),
        cmocka_unit_test(no_silence_counts_while_we_have_paused),
        cmocka_unit_test(a_paused_side_ends_when_its_peer_has_gone),
        cmocka_unit_test(a_peer_that_vanishes_at_any_byte_is_told),
        cmocka_unit_test(streams_can_be_carried_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
