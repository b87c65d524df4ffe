/* Messages in pieces: sent as frames of one message, received without being assembled. */
#include "world.h"

#include "protocol/deflate.h"

#include <stdlib.h>
#include <towline/shared.h>

enum { SEEDS = 24, MIB = 1024 * 1024 };

static uint8_t bytes[3 * MIB];

static const tow_compression_agreement agreements[] = {
    {0},
    {.enabled = true,
        .server_no_context_takeover = true,
        .client_no_context_takeover = true,
        .server_max_window_bits = 15,
        .client_max_window_bits = 15},
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 10},
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 15},
};
enum { AGREEMENTS = sizeof(agreements) / sizeof(agreements[0]) };

static int64_t send_piece(
    endpoint *end, tow_message_type type, const void *data, size_t length, bool first, bool last) {
    return tow_websocket_send_piece(&end->socket,
        &(tow_message_piece){.type = type, .data = data, .length = length, .first = first, .last = last});
}

/* Sending. */

static void each_piece_is_a_frame_and_control_frames_go_between(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    endpoint *end = &world.server;
    assert_int_equal(send_piece(end, TOW_TEXT, "ab", 2, true, false), 2);
    assert_int_equal(tow_websocket_ping(&end->socket, "p", 1), 0);
    assert_int_equal(send_piece(end, TOW_TEXT, NULL, 0, false, false), 2);
    assert_int_equal(send_piece(end, TOW_TEXT, "c", 1, false, true), 3);
    assert_int_equal(send_piece(end, TOW_BINARY, "d", 1, true, true), 4);
    static const char frames[] = "\x01\x02"
                                 "ab\x89\x01p\x00\x00\x80\x01"
                                 "c\x82\x01"
                                 "d";
    world_until(&world, world.peer.received.length == sizeof(frames) - 1);
    assert_memory_equal(world.peer.received.data, frames, sizeof(frames) - 1);
    assert_null(end->socket.extra);
    assert_int_equal(tow_websocket_context_counters(world.context)->messages_out, 2);
    assert_int_equal(tow_websocket_context_counters(world.context)->bytes_out, 4);
    world_close(&world);
}

static void nothing_goes_between_the_pieces_of_a_message(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    endpoint *end = &world.server;
    tow_shared *shared;
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "x", 1), 0);
    assert_int_equal(send_piece(end, TOW_TEXT, "a", 1, false, false), TOW_ERROR_STATE);
    assert_int_equal(send_piece(end, TOW_TEXT, "a", 1, false, true), TOW_ERROR_STATE);
    assert_int_equal(send_piece(end, (tow_message_type)3, "a", 1, true, true), TOW_ERROR_ARGUMENT);
    assert_int_equal(send_piece(end, TOW_TEXT, "a", 1, true, false), 1);
    assert_int_equal(tow_websocket_send(&end->socket, TOW_TEXT, "x", 1), TOW_ERROR_STATE);
    assert_int_equal(tow_websocket_send_shared(&end->socket, shared), TOW_ERROR_STATE);
    assert_int_equal(send_piece(end, TOW_TEXT, "x", 1, true, false), TOW_ERROR_STATE);
    assert_int_equal(send_piece(end, TOW_BINARY, "x", 1, false, true), TOW_ERROR_ARGUMENT);
    assert_int_equal(send_piece(end, TOW_TEXT, "b", 1, false, true), 2);
    assert_int_equal(tow_websocket_send(&end->socket, TOW_TEXT, "c", 1), 3);
    world_until(&world, world.peer.received.length == 9);
    assert_memory_equal(world.peer.received.data,
        "\x01\x01"
        "a\x80\x01"
        "b\x81\x01"
        "c",
        9);
    assert_int_equal(send_piece(end, TOW_TEXT, "a", 1, true, false), 1);
    tow_websocket_close(&end->socket, 1000, NULL);
    assert_int_equal(send_piece(end, TOW_TEXT, "bc", 2, false, true), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_send(&end->socket, TOW_TEXT, "d", 1), TOW_ERROR_CLOSED);
    tow_shared_release(shared);
    tow_websocket connecting = {0};
    assert_int_equal(
        tow_websocket_send_piece(&connecting, &(tow_message_piece){.type = TOW_TEXT, .first = true}),
        TOW_ERROR_CONNECTING);
    world_close(&world);
}

/* At every cut; what is refused leaves the message where it was. */
static void text_is_checked_across_pieces(void **state) {
    static const char text[] = "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    enum { LENGTH = sizeof(text) - 1 };
    for (size_t cut = 0; cut <= LENGTH; cut++) {
        test_world world = {.simulation.whole = true};
        world_open(&world);
        world_connect_client(&world);
        endpoint *end = &world.server;
        assert_true(send_piece(end, TOW_TEXT, text, cut, true, false) >= 0);
        bool inside = cut < LENGTH && ((uint8_t)text[cut] & 0xc0) == 0x80;
        if (inside) {
            assert_int_equal(send_piece(end, TOW_TEXT, "", 0, false, true), TOW_ERROR_UTF8);
            assert_int_equal(send_piece(end, TOW_TEXT, "a", 1, false, false), TOW_ERROR_UTF8);
        } else {
            assert_int_equal(send_piece(end, TOW_TEXT, "\x80", 1, false, false), TOW_ERROR_UTF8);
        }
        assert_true(send_piece(end, TOW_TEXT, text + cut, LENGTH - cut, false, true) >= 0);
        world_until(&world, world.client.messages == 1);
        assert_heard(&world.client, 0, TOW_TEXT, text, LENGTH);
        assert_int_equal(send_piece(end, TOW_TEXT, "\xc3", 1, true, true), TOW_ERROR_UTF8);
        assert_int_equal(tow_websocket_send(&end->socket, TOW_TEXT, "a", 1), 1);
        world_close(&world);
    }
}

static void send_in_pieces(test_world *world, endpoint *from, size_t length, size_t step) {
    size_t sent = 0;
    do {
        size_t part = length - sent < step ? length - sent : step;
        int64_t answer = send_piece(from, TOW_BINARY, bytes + sent, part, sent == 0, sent + part == length);
        assert_true(answer >= 0);
        sent += part;
        while (tow_websocket_buffered_amount(&from->socket) > 300 * 1024)
            world_step(world);
    } while (sent < length);
}

static void pieces_of_every_size_make_one_message(void **state) {
    static const size_t steps[] = {1, 125, 126, 65535, 65536, 200000, 3 * MIB};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 3},
            .real = seed % 8 == 7,
            .client.streams = seed % 2,
            .agreement = agreements[seed % AGREEMENTS]};
        world_open(&world);
        world_connect_client(&world);
        pattern_fill(bytes, sizeof(bytes), (uint8_t)seed);
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            size_t length = steps[i] < 1000 ? 300 : 500 * 1000;
            send_in_pieces(&world, &world.server, length, steps[i]);
            world_until(&world, world.client.messages == i + 1);
            assert_heard(&world.client, i, TOW_BINARY, bytes, length);
            send_in_pieces(&world, &world.client, length, steps[i]);
            world_until(&world, world.server.messages == i + 1);
            assert_heard(&world.server, i, TOW_BINARY, bytes, length);
        }
        world_close(&world);
    }
}

static void pieces_know_the_marks_and_the_limit(void **state) {
    test_world world = {
        .simulation = {.whole = true, .stream_capacity = 10000}, .limits.max_queue = 400 * 1024};
    world_open(&world);
    world_connect_peer(&world);
    assert_true(send_piece(&world.server, TOW_BINARY, bytes, 300 * 1024, true, false) > 256 * 1024);
    assert_true(send_piece(&world.server, TOW_BINARY, bytes, 200 * 1024, false, false) > 256 * 1024);
    assert_int_equal(send_piece(&world.server, TOW_BINARY, bytes, 1, false, false), TOW_ERROR_QUEUE_FULL);
    world_until(&world, world.peer.ended);
    assert_int_equal(peer_payload_bytes(&world.peer), 500 * 1024);
    assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_POLICY);
    world_close(&world);
}

/* Receiving. */

static void put_message(tow_buffer *out, const uint8_t *data, size_t length, size_t fragment, uint8_t first) {
    for (size_t offset = 0; offset == 0 || offset < length; offset += fragment) {
        size_t part = length - offset < fragment ? length - offset : fragment;
        bool last = offset + part == length;
        frame_append(out, (uint8_t)((offset == 0 ? first : 0) | (last ? 0x80 : 0)), data + offset, part);
        frame_append(out, 0x89, "ping", 4);
        if (fragment == 0)
            break;
    }
}

/* Uncompressed and compressed messages of many lengths and fragments, cut by the seed. */
static void messages_come_in_pieces(void **state) {
    static const size_t lengths[] = {0, 1, 200, 70000, 400000};
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 3},
            .real = seed % 8 == 7,
            .server.streams = true,
            .agreement = agreements[seed % AGREEMENTS]};
        const tow_compression_agreement *agreement = &world.agreement;
        tow_buffer frames = {0};
        tow_buffer deflated = {0};
        tow_deflater *deflater = NULL;
        world_open(&world);
        world_connect_peer(&world);
        memset(bytes, 'a', sizeof(bytes));
        pattern_fill(bytes, 5000, (uint8_t)seed);
        for (size_t i = 0; i < 5; i++)
            put_message(&frames, bytes, lengths[i], seed % 3 == 0 ? 1000 : 150000, TOW_OPCODE_BINARY);
        if (agreement->enabled)
            assert_int_equal(tow_deflater_new(&deflater, agreement->client_max_window_bits,
                                 !agreement->client_no_context_takeover),
                0);
        for (size_t i = 0; deflater != NULL && i < 5; i++) {
            deflated.length = 0;
            assert_int_equal(tow_deflater_message(deflater, bytes, lengths[i], &deflated), 0);
            put_message(&frames, deflated.data, deflated.length, seed % 3 == 0 ? 1000 : 150000,
                0x40 | TOW_OPCODE_BINARY);
        }
        peer_bytes(&world.peer, frames.data, frames.length);
        world_until(&world, world.server.messages == (deflater != NULL ? 10U : 5U));
        for (size_t i = 0; i < world.server.messages; i++)
            assert_heard(&world.server, i, TOW_BINARY, bytes, lengths[i % 5]);
        assert_int_equal(tow_websocket_context_counters(world.context)->messages_in, world.server.messages);
        assert_int_equal(world.server.closes, 0);
        tow_deflater_free(deflater);
        tow_buffer_clear(&deflated);
        tow_buffer_clear(&frames);
        world_close(&world);
    }
}

static void pause_and_resume_later(endpoint *end, const tow_message_piece *piece) {
    tow_websocket_pause(&end->socket);
}

/* Paused in each piece: nothing comes until it is resumed, and then what was next. */
static void pause_stops_inside_a_message(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 3},
            .server = {.streams = true, .then_piece = pause_and_resume_later},
            .agreement = agreements[seed % AGREEMENTS],
            .limits = {.stall_seconds = TOW_OFF,
                .idle_seconds = TOW_OFF,
                .ping_seconds = TOW_OFF,
                .message_seconds = TOW_OFF}};
        world_open(&world);
        world_connect_client(&world);
        memset(bytes, 'b', 400000);
        pattern_fill(bytes + 100000, 3000, (uint8_t)seed);
        tow_websocket_send(&world.client.socket, TOW_BINARY, bytes, 400000);
        tow_websocket_send(&world.client.socket, TOW_BINARY, bytes, 2000);
        size_t pieces = 0;
        while (world.server.messages < 2) {
            world_until(&world, world.server.pieces > pieces);
            pieces++;
            for (int i = 0; i < 20; i++)
                world_step(&world);
            assert_int_equal(world.server.pieces, pieces);
            tow_websocket_resume(&world.server.socket);
            assert_int_equal(world.server.pieces, pieces);
        }
        assert_heard(&world.server, 0, TOW_BINARY, bytes, 400000);
        assert_heard(&world.server, 1, TOW_BINARY, bytes, 2000);
        world_close(&world);
    }
}

/* A thousand times as much as was received. */
static void put_bomb(tow_buffer *frames, size_t length) {
    tow_deflater *deflater;
    tow_buffer deflated = {0};
    uint8_t *zeros = calloc(1, length);
    assert_non_null(zeros);
    assert_int_equal(tow_deflater_new(&deflater, 15, true), 0);
    assert_int_equal(tow_deflater_message(deflater, zeros, length, &deflated), 0);
    frame_append(frames, 0xc2, deflated.data, deflated.length);
    tow_deflater_free(deflater);
    tow_buffer_clear(&deflated);
    free(zeros);
}

static size_t bomb_received;

static void count_bomb(endpoint *end, const tow_message_piece *piece) {
    assert_true(piece->length <= 64 * 1024);
    bomb_received += piece->length;
    end->whole.length = 0;
}

static void a_bomb_goes_off_in_small_parts_and_others_get_turns(void **state) {
    enum { LENGTH = 60 * MIB };
    for (size_t i = 1; i < AGREEMENTS; i++) {
        test_world world = {.simulation = {.whole = true, .stream_capacity = MIB},
            .server = {.streams = true, .then_piece = count_bomb},
            .agreement = agreements[i],
            .limits.max_message = TOW_OFF};
        tow_buffer frames = {0};
        bomb_received = 0;
        world.agreement.client_max_window_bits = 15;
        world_open(&world);
        world_connect_peer(&world);
        put_bomb(&frames, LENGTH);
        peer_bytes(&world.peer, frames.data, frames.length);
        while (world.server.messages == 0) {
            size_t before = bomb_received;
            world_step(&world);
            assert_true(bomb_received - before <= 2 * MIB);
        }
        assert_int_equal(bomb_received, LENGTH);
        tow_buffer_clear(&frames);
        world_close(&world);
    }
}

/* While others have their turn, the application may pause for itself. */
static void a_pause_holds_while_others_have_their_turn(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = MIB},
        .server = {.streams = true, .then_piece = count_bomb},
        .agreement = agreements[1],
        .limits = {.max_message = TOW_OFF, .idle_seconds = TOW_OFF, .ping_seconds = TOW_OFF}};
    tow_buffer frames = {0};
    bomb_received = 0;
    world_open(&world);
    world_connect_peer(&world);
    put_bomb(&frames, 10 * MIB);
    peer_bytes(&world.peer, frames.data, frames.length);
    world_until(&world, bomb_received > 0);
    size_t received = bomb_received;
    assert_true(received < 10 * MIB);
    tow_websocket_pause(&world.server.socket);
    for (int i = 0; i < 20; i++)
        world_step(&world);
    assert_int_equal(bomb_received, received);
    tow_websocket_resume(&world.server.socket);
    tow_websocket_resume(&world.server.socket);
    world_until(&world, world.server.messages == 1);
    assert_int_equal(bomb_received, 10 * MIB);
    tow_buffer_clear(&frames);
    world_close(&world);
}

static void a_bomb_above_the_limit_fails_there(void **state) {
    for (size_t more = 0; more < 2; more++) {
        test_world world = {.simulation = {.whole = true, .stream_capacity = MIB},
            .server = {.streams = true, .then_piece = count_bomb},
            .agreement = agreements[1],
            .limits.max_message = MIB};
        tow_buffer frames = {0};
        bomb_received = 0;
        world_open(&world);
        world_connect_peer(&world);
        put_bomb(&frames, MIB + more);
        peer_bytes(&world.peer, frames.data, frames.length);
        if (more == 0) {
            world_until(&world, world.server.messages == 1);
        } else {
            world_until(&world, world.peer.ended);
            assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_TOO_LARGE);
            assert_int_equal(world.server.messages, 0);
        }
        assert_int_equal(bomb_received, MIB);
        tow_buffer_clear(&frames);
        world_close(&world);
    }
}

static void put_text(tow_buffer *frames, const char *text, size_t length, bool compressed, bool last) {
    tow_deflater *deflater;
    tow_buffer deflated = {0};
    if (!compressed) {
        frame_append(frames, last ? 0x81 : 0x01, text, length);
        return;
    }
    assert_int_equal(tow_deflater_new(&deflater, 15, true), 0);
    assert_int_equal(tow_deflater_message(deflater, text, length, &deflated), 0);
    if (!last)
        tow_buffer_append(&deflated, "\x00\x00\xff\xff", 4); /* so that all of it can be inflated */
    frame_append(frames, last ? 0xc1 : 0x41, deflated.data, deflated.length);
    tow_deflater_free(deflater);
    tow_buffer_clear(&deflated);
}

/* A text that is cut inside a character, and one with a bad byte in a fragment that is not the last. */
static void bad_text_fails_before_the_message_has_ended(void **state) {
    for (int compressed = 0; compressed < 2; compressed++) {
        for (int last = 0; last < 2; last++) {
            test_world world = {
                .simulation.whole = true, .server.streams = true, .agreement = agreements[compressed]};
            tow_buffer frames = {0};
            world_open(&world);
            world_connect_peer(&world);
            put_text(&frames, last ? "abc\xe2\x82" : "abc\xff", last ? 5 : 4, compressed, last);
            peer_bytes(&world.peer, frames.data, frames.length);
            world_until(&world, world.peer.ended);
            assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_INVALID_PAYLOAD);
            assert_int_equal(world.server.messages, 0);
            assert_int_equal(
                tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_INVALID_PAYLOAD], 1);
            tow_buffer_clear(&frames);
            world_close(&world);
        }
    }
}

static void bad_compressed_data_fails(void **state) {
    test_world world = {.simulation.whole = true, .server.streams = true, .agreement = agreements[1]};
    world_open(&world);
    world_connect_peer(&world);
    peer_frame(&world.peer, 0xc2, "\xff\xff\xff\xff", 4);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_INVALID_PAYLOAD);
    assert_int_equal(world.server.error, TOW_ERROR_COMPRESSED_DATA);
    world_close(&world);
}

static void close_at_third(endpoint *end, const tow_message_piece *piece) {
    bomb_received += piece->length;
    if (end->pieces == 3)
        tow_websocket_close(&end->socket, 1000, "enough");
    if (end->pieces == 5)
        tow_websocket_abort(&end->socket, TOW_CAUSE_APPLICATION_RESET, 0);
}

static void a_socket_may_be_closed_inside_a_message(void **state) {
    for (size_t i = 0; i < AGREEMENTS; i++) {
        test_world world = {.simulation = {.seed = i},
            .server = {.streams = true, .then_piece = close_at_third},
            .agreement = agreements[i]};
        world_open(&world);
        world_connect_client(&world);
        memset(bytes, 'c', MIB);
        tow_websocket_send(&world.client.socket, TOW_BINARY, bytes, MIB);
        world_until(&world, world.server.gone == 1);
        assert_int_equal(world.server.pieces, 3);
        assert_true(world.server.was_clean);
        world_close(&world);
    }
}

/* Both ways at once: what the peer does not take stops our reading, inside a message too. */
static void a_streamed_echo_keeps_to_the_marks(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        test_world world = {.simulation.seed = seed,
            .server = {.streams = true, .echoes = true},
            .agreement = agreements[seed % AGREEMENTS],
            .limits = {
                .max_message = TOW_OFF, .stall_seconds = TOW_OFF, .high_mark = 50000, .low_mark = 20000}};
        tow_buffer frames = {0};
        world_open(&world);
        world_connect_peer(&world);
        pattern_fill(bytes, sizeof(bytes), (uint8_t)seed);
        memset(bytes, 'e', MIB);
        if (world.agreement.enabled) {
            put_bomb(&frames, 20 * MIB);
        } else {
            for (int i = 0; i < 7; i++)
                frame_append(&frames, i == 0 ? 0x02 : i == 6 ? 0x80 : 0x00, bytes, sizeof(bytes));
        }
        tow_stream_pause(&world.peer.stream);
        peer_bytes(&world.peer, frames.data, frames.length);
        world_run(&world, 300 * TOW_MILLISECOND);
        assert_true(tow_websocket_buffered_amount(&world.server.socket) > 50000);
        assert_true(tow_websocket_buffered_amount(&world.server.socket) < 50000 + 2 * 64 * 1024);
        tow_stream_resume(&world.peer.stream);
        world_until(&world, world.server.messages == 1);
        size_t length = world.agreement.enabled ? 20 * MIB : 7 * sizeof(bytes);
        world_until(&world, peer_payload_bytes(&world.peer) == length);
        assert_true(world.server.drains > 0);
        assert_int_equal(world.server.closes, 0);
        tow_buffer_clear(&frames);
        world_close(&world);
    }
}

/* The marks. */

static void the_marks_are_options(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 100},
        .limits = {.high_mark = 1000, .low_mark = 300, .compression_min = TOW_OFF}};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 1090);
    world_until(&world, tow_websocket_buffered_amount(&world.server.socket) == 0);
    assert_int_equal(world.server.drains, 0);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 1200);
    world_until(&world, world.server.drains == 1);
    assert_true(tow_websocket_buffered_amount(&world.server.socket) < 300);
    assert_true(tow_websocket_buffered_amount(&world.server.socket) >= 190);
    world_close(&world);
}

static void no_high_mark_means_no_drain(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 10000},
        .limits = {.high_mark = TOW_OFF, .max_queue = TOW_OFF}};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 2 * MIB);
    world_until(&world, tow_websocket_buffered_amount(&world.server.socket) == 0);
    assert_int_equal(world.server.drains, 0);
    world_close(&world);
}

static void marks_are_resolved_as_a_pair_and_checked(void **state) {
    static const struct {
        tow_limits limits, otherwise;
        int64_t high, low;
        int error;
    } cases[] = {
        {{0}, {0}, 256 * 1024, 64 * 1024, 0},
        {{.high_mark = 1000}, {0}, 1000, 250, 0},
        {{.high_mark = 1000}, {.high_mark = 9000, .low_mark = 8000}, 1000, 250, 0},
        {{0}, {.high_mark = 9000, .low_mark = 8000}, 9000, 8000, 0},
        {{.low_mark = 10}, {.high_mark = 9000, .low_mark = 8000}, 9000, 10, 0},
        {{.high_mark = 1}, {0}, 1, 1, 0},
        {{.high_mark = TOW_OFF}, {0}, TOW_OFF, 1, 0},
        {{.high_mark = 10, .low_mark = 9}, {0}, 10, 9, 0},
        {{.high_mark = 10, .low_mark = 10}, {0}, 10, 10, TOW_ERROR_ARGUMENT},
        {{.high_mark = 10, .low_mark = 11}, {0}, 10, 11, TOW_ERROR_ARGUMENT},
        {{.low_mark = 256 * 1024}, {0}, 256 * 1024, 256 * 1024, TOW_ERROR_ARGUMENT},
        {{.low_mark = TOW_OFF}, {0}, 256 * 1024, TOW_OFF, TOW_ERROR_ARGUMENT},
        {{.high_mark = -2}, {0}, -2, 1, TOW_ERROR_ARGUMENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tow_limits limits = cases[i].limits;
        tow_limits_resolve(&limits, TOW_ROLE_SERVER, &cases[i].otherwise);
        assert_int_equal(limits.high_mark, cases[i].high);
        assert_int_equal(limits.low_mark, cases[i].low);
        assert_int_equal(tow_limits_check(&limits, NULL), cases[i].error);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_is_a_frame_and_control_frames_go_between),
        cmocka_unit_test(nothing_goes_between_the_pieces_of_a_message),
        cmocka_unit_test(text_is_checked_across_pieces),
        cmocka_unit_test(pieces_of_every_size_make_one_message),
        cmocka_unit_test(pieces_know_the_marks_and_the_limit),
        cmocka_unit_test(messages_come_in_pieces),
        cmocka_unit_test(pause_stops_inside_a_message),
        cmocka_unit_test(a_bomb_goes_off_in_small_parts_and_others_get_turns),
        cmocka_unit_test(a_pause_holds_while_others_have_their_turn),
        cmocka_unit_test(a_bomb_above_the_limit_fails_there),
        cmocka_unit_test(bad_text_fails_before_the_message_has_ended),
        cmocka_unit_test(bad_compressed_data_fails),
        cmocka_unit_test(a_socket_may_be_closed_inside_a_message),
        cmocka_unit_test(a_streamed_echo_keeps_to_the_marks),
        cmocka_unit_test(the_marks_are_options),
        cmocka_unit_test(no_high_mark_means_no_drain),
        cmocka_unit_test(marks_are_resolved_as_a_pair_and_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
