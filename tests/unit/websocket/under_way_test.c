/* Every public call from every callback, and from outside of them, while a message is under way that came in
 * fragments, compressed, or needs many turns: nothing of what was received is lost, repeated or mixed up. */
#include "world.h"

#include "protocol/deflate.h"

#include <stddef.h>
#include <stdlib.h>
#include <towline/shared.h>
#include <towline/stream.h>

typedef enum form {
    FRAGMENTS,
    COMPRESSED_FRAGMENTS,
    COMPRESSED_WITH_TAKEOVER,
    MANY_TURNS,
    FORMS
} form_of_message;

typedef enum place {
    IN_OPEN,
    IN_MESSAGE,
    IN_PING,
    IN_PONG,
    IN_DRAIN,
    OUTSIDE,
    IN_ERROR,
    IN_CLOSE,
    PLACES
} place_of_call;

typedef struct play_scene {
    test_world world; /* first */
    form_of_message form;
    place_of_call place;
    size_t call;
    bool acted;
    bool paused;
    tow_byte_stream *stream;
    tow_buffer bytes; /* of the stream */
    size_t steps;
    tow_timer tick;
} play_scene;

enum { LENGTH = 150 * 1000, LARGE = 9 * 256 * 1024, FIRST = 1000, SECOND = 100 * 1000 };
static char text[LARGE + 1];

static play_scene *scene_of(endpoint *end) {
    return (play_scene *)(void *)end->world;
}

/* The calls. */

static void send_text(play_scene *scene, tow_websocket *socket) {
    tow_websocket_send(socket, TOW_TEXT, "between", 7);
}

static void send_large(play_scene *scene, tow_websocket *socket) {
    tow_websocket_send(socket, TOW_BINARY, text, 300 * 1000);
}

static void send_shared(play_scene *scene, tow_websocket *socket) {
    tow_shared *shared;
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, text, 5000), 0);
    tow_websocket_send_shared(socket, shared);
    tow_shared_release(shared);
}

static void send_first_piece(play_scene *scene, tow_websocket *socket) {
    tow_websocket_send_piece(
        socket, &(tow_message_piece){.type = TOW_TEXT, .data = "piece", .length = 5, .first = true});
}

static void send_ping(play_scene *scene, tow_websocket *socket) {
    tow_websocket_ping(socket, "ping", 4);
}

static void send_pong(play_scene *scene, tow_websocket *socket) {
    tow_websocket_pong(socket, "pong", 4);
}

static void pause_it(play_scene *scene, tow_websocket *socket) {
    tow_websocket_pause(socket);
    scene->paused = true;
}

static void resume_it(play_scene *scene, tow_websocket *socket) {
    tow_websocket_resume(socket);
}

static void pause_and_resume(play_scene *scene, tow_websocket *socket) {
    tow_websocket_pause(socket);
    tow_websocket_resume(socket);
}

static void retain_and_release(play_scene *scene, tow_websocket *socket) {
    if (tow_websocket_retain(socket) == 0)
        tow_websocket_release(socket);
}

static void get_all(play_scene *scene, tow_websocket *socket) {
    assert_non_null(tow_websocket_protocol(socket));
    assert_non_null(tow_websocket_extensions(socket));
    assert_non_null(tow_websocket_url(socket));
    assert_ptr_equal(tow_websocket_loop(socket), scene->world.loop);
    tow_websocket_set_user(socket, scene);
    assert_ptr_equal(tow_websocket_user(socket), scene);
    assert_true(tow_websocket_buffered_amount(socket) >= 0);
    assert_in_range(tow_websocket_ready_state(socket), TOW_OPEN, TOW_CLOSED);
}

static void close_it(play_scene *scene, tow_websocket *socket) {
    tow_websocket_close(socket, 1000, "enough");
}

static void fail_it(play_scene *scene, tow_websocket *socket) {
    tow_websocket_fail(socket, TOW_CAUSE_APPLICATION_RESET, TOW_ERROR_LIMIT);
}

static void abort_it(play_scene *scene, tow_websocket *socket) {
    tow_websocket_abort(socket, TOW_CAUSE_APPLICATION, 0);
}

static void stream_bytes(tow_byte_stream *stream, void *bytes, size_t length) {
    play_scene *scene = tow_byte_stream_user(stream);
    assert_int_equal(tow_buffer_append(&scene->bytes, bytes, length), 0);
}

static void stream_bytes_paused(tow_byte_stream *stream, void *bytes, size_t length) {
    stream_bytes(stream, bytes, length);
    tow_byte_stream_pause(stream);
}

static void stream_ended(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void stream_failed(tow_byte_stream *stream, int error, const char *why) {
    tow_byte_stream_close(stream);
}

static void stream_closed(tow_byte_stream *stream) {
    play_scene *scene = tow_byte_stream_user(stream);
    scene->stream = NULL;
}

static void wrap(play_scene *scene, tow_websocket *socket,
    void (*on_bytes)(tow_byte_stream *stream, void *bytes, size_t length)) {
    int error = tow_byte_stream_from_websocket(&scene->stream, socket,
        &(tow_byte_stream_options){.user = scene,
            .on_bytes = on_bytes,
            .on_end = stream_ended,
            .on_error = stream_failed,
            .on_closed = stream_closed});
    scene->world.server.wrapped = error == 0;
    assert_true(error == 0 || tow_websocket_ready_state(socket) != TOW_OPEN);
}

static void become_a_stream(play_scene *scene, tow_websocket *socket) {
    wrap(scene, socket, stream_bytes);
}

static void become_a_stream_that_pauses(play_scene *scene, tow_websocket *socket) {
    wrap(scene, socket, stream_bytes_paused);
}

static const struct {
    const char *name;
    void (*run)(play_scene *scene, tow_websocket *socket);
    bool ends;
} calls[] = {{"send", send_text, false}, {"send a large one", send_large, false},
    {"send_shared", send_shared, false}, {"send_piece", send_first_piece, false}, {"ping", send_ping, false},
    {"pong", send_pong, false}, {"pause", pause_it, false}, {"resume", resume_it, false},
    {"pause, resume", pause_and_resume, false}, {"retain, release", retain_and_release, false},
    {"getters", get_all, false}, {"from_websocket", become_a_stream, false},
    {"from_websocket, pausing", become_a_stream_that_pauses, false}, {"close", close_it, true},
    {"fail", fail_it, true}, {"abort", abort_it, true}};

enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

/* The callbacks. */

static void act(endpoint *end) {
    play_scene *scene = scene_of(end);
    if (scene->acted)
        return;
    scene->acted = true;
    calls[scene->call].run(scene, &end->socket);
}

static void act_on_message(endpoint *end, const tow_message *message) {
    act(end);
}

static void act_on_piece(endpoint *end, const tow_message_piece *piece) {
    act(end);
}

/* More than the high mark waits then, until on_drain. */
static void fill_the_queue(endpoint *end) {
    if (end->pings == 1)
        tow_websocket_send(&end->socket, TOW_BINARY, text, 50 * 1000);
}

static void set_callback(play_scene *scene) {
    endpoint *end = &scene->world.server;
    switch (scene->place) {
    case IN_OPEN:
        end->then_open = act;
        break;
    case IN_MESSAGE:
        end->then_message = act_on_message;
        end->then_piece = act_on_piece;
        break;
    case IN_PING:
        end->then_ping = act;
        break;
    case IN_PONG:
        end->then_pong = act;
        break;
    case IN_DRAIN:
        end->then_ping = fill_the_queue;
        end->then_drain = act;
        break;
    case IN_ERROR:
        end->then_error = act;
        break;
    case IN_CLOSE:
        end->then_close = act;
        break;
    case OUTSIDE:
    case PLACES:
        break;
    }
}

/* What the peer says. */

static size_t length_of(form_of_message form) {
    return form == MANY_TURNS ? LARGE : LENGTH;
}

static void say_in_fragments(test_peer *peer, uint8_t first, const uint8_t *data, size_t length) {
    assert_true(length > FIRST + SECOND);
    peer_frame(peer, first, data, FIRST);
    peer_frame(peer, 0x89, "hear", 4);
    peer_frame(peer, 0x00, data + FIRST, SECOND);
    peer_frame(peer, 0x8a, "hear", 4);
    peer_frame(peer, 0x89, "again", 5);
    peer_frame(peer, 0x80, data + FIRST + SECOND, length - FIRST - SECOND);
}

static void say_message(play_scene *scene) {
    test_peer *peer = &scene->world.peer;
    tow_buffer deflated = {0};
    tow_deflater *deflater;
    if (scene->form == FRAGMENTS) {
        say_in_fragments(peer, 0x01, (const uint8_t *)text, LENGTH);
        return;
    }
    assert_int_equal(tow_deflater_new(&deflater, 15, false), 0);
    assert_int_equal(tow_deflater_message(deflater, text, length_of(scene->form), &deflated), 0);
    if (scene->form == MANY_TURNS) {
        peer_frame(peer, 0xc1, deflated.data, deflated.length);
        peer_frame(peer, 0x89, "hear", 4);
        peer_frame(peer, 0x8a, "hear", 4);
    } else {
        say_in_fragments(peer, 0x41, deflated.data, deflated.length);
    }
    tow_deflater_free(deflater);
    tow_buffer_clear(&deflated);
}

static void say_all(play_scene *scene) {
    peer_frame(&scene->world.peer, 0x81, "before", 6);
    say_message(scene);
    if (scene->place == IN_ERROR || scene->place == IN_CLOSE)
        peer_frame(&scene->world.peer, 0x83, "", 0);
    peer_frame(&scene->world.peer, 0x81, "after", 5);
    peer_close(&scene->world.peer, 1000, NULL);
    peer_end(&scene->world.peer);
}

/* What was heard. */

static tow_buffer all_that_was_heard(const play_scene *scene) {
    tow_buffer all = {0};
    const endpoint *end = &scene->world.server;
    for (size_t at = 0; at < end->heard.length;) {
        uint32_t length;
        memcpy(&length, end->heard.data + at + 1, 4);
        tow_buffer_append(&all, end->heard.data + at + 5, length);
        at += 5 + length;
    }
    tow_buffer_append(&all, end->whole.data, end->whole.length);
    tow_buffer_append(&all, scene->bytes.data, scene->bytes.length);
    return all;
}

static void assert_all_heard(const play_scene *scene) {
    tow_buffer expected = {0};
    tow_buffer heard = all_that_was_heard(scene);
    tow_buffer_append(&expected, "before", 6);
    tow_buffer_append(&expected, text, length_of(scene->form));
    tow_buffer_append(&expected, "after", 5);
    bool may_be_less = calls[scene->call].ends || scene->place == IN_ERROR || scene->place == IN_CLOSE;
    if (heard.length > expected.length || (!may_be_less && heard.length < expected.length) ||
        (heard.length > 0 && memcmp(heard.data, expected.data, heard.length) != 0))
        fail_msg("seed %llu, form %d, place %d, %s, %s: heard %zu of %zu bytes",
            (unsigned long long)scene->world.simulation.seed, scene->form, scene->place,
            calls[scene->call].name, scene->world.server.streams ? "pieces" : "whole", heard.length,
            expected.length);
    tow_buffer_clear(&expected);
    tow_buffer_clear(&heard);
}

/* From outside of any callback, now and then. */
static void from_outside(play_scene *scene) {
    endpoint *end = &scene->world.server;
    bool turns = scene->form == MANY_TURNS && tow_loop_count(scene->world.loop)->turns > 0;
    bool is_time = turns || end->pings > 0 || end->pieces > 2;
    if (scene->place == OUTSIDE && is_time)
        act(end);
    if (++scene->steps % 16 != 0)
        return;
    if (scene->stream != NULL)
        tow_byte_stream_resume(scene->stream);
    else if (scene->paused && !end->wrapped && end->opens > 0)
        tow_websocket_resume(&end->socket);
}

/* So that steps in which nothing happens take a moment, not all the time that a paused socket has. */
static void tick(tow_timer *timer) {
    play_scene *scene = (play_scene *)((char *)timer - offsetof(play_scene, tick));
    tow_timer_set(scene->world.loop, timer, tow_loop_now(scene->world.loop) + TOW_MILLISECOND, tick);
}

static void play(play_scene *scene) {
    scene->world.limits = (tow_limits){.high_mark = 2000, .max_queue = TOW_OFF};
    set_callback(scene);
    world_open(&scene->world);
    world_connect_peer(&scene->world);
    say_all(scene);
    tick(&scene->tick);
    while (scene->world.server.gone == 0) {
        world_step(&scene->world);
        if (scene->world.server.gone == 0)
            from_outside(scene);
    }
    if (!scene->acted)
        fail_msg("form %d, place %d: it never came to that", scene->form, scene->place);
    assert_all_heard(scene);
    world_until(&scene->world, scene->stream == NULL);
    tow_timer_cancel(scene->world.loop, &scene->tick);
    tow_buffer_clear(&scene->bytes);
    world_close(&scene->world);
}

static void play_all(form_of_message form, uint64_t seeds) {
    bool compressed = form != FRAGMENTS;
    bool takeover = form == COMPRESSED_WITH_TAKEOVER;
    for (size_t i = 0; i < PLACES * CALLS * 2 * seeds; i++) {
        if ((i + i / 2 / seeds) % unit_step(2) != 0)
            continue; /* each call is still made at each place */
        uint64_t seed = i % seeds;
        play_scene scene = {
            .world = {.simulation = {.seed = seed, .whole = seed % 2 == 0, .stream_capacity = 4000},
                .server.streams = i / seeds % 2,
                .agreement = {.enabled = compressed,
                    .server_no_context_takeover = !takeover,
                    .client_no_context_takeover = !takeover,
                    .server_max_window_bits = 15,
                    .client_max_window_bits = 15}},
            .form = form,
            .place = (place_of_call)(i / seeds / 2 % PLACES),
            .call = i / seeds / 2 / PLACES};
        play(&scene);
    }
}

static void fill_text(void) {
    uint32_t x = 1;
    for (size_t i = 0; i < LARGE; i++) {
        x = x * 1103515245 + 12345;
        text[i] = (char)(i < LENGTH ? ' ' + (x >> 16) % 94 : 'a' + i % 7);
    }
}

static void in_fragments(void **state) {
    fill_text();
    play_all(FRAGMENTS, 2);
}

static void in_compressed_fragments(void **state) {
    fill_text();
    play_all(COMPRESSED_FRAGMENTS, 2);
}

static void in_compressed_fragments_with_takeover(void **state) {
    fill_text();
    play_all(COMPRESSED_WITH_TAKEOVER, 1);
}

static void over_many_turns(void **state) {
    fill_text();
    play_all(MANY_TURNS, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_fragments),
        cmocka_unit_test(in_compressed_fragments),
        cmocka_unit_test(in_compressed_fragments_with_takeover),
        cmocka_unit_test(over_many_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
