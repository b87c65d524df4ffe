/* One connection's turn is bounded, whatever its peer sends: messages, pieces, bytes that are inflated. */
#include "world.h"

#include "protocol/deflate.h"

#include <stdlib.h>

/* What a turn may have; in several reads it is counted to the nearest hundredth. */
enum { SEEDS = 8, MIB = 1024 * 1024, MESSAGES_A_TURN = 2048 + 512, BYTES_A_TURN = MIB };

static const tow_compression_agreement agreements[] = {
    {.enabled = true,
        .server_no_context_takeover = true,
        .client_no_context_takeover = true,
        .server_max_window_bits = 15,
        .client_max_window_bits = 15},
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 15},
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 9},
};

enum { AGREEMENTS = sizeof(agreements) / sizeof(agreements[0]) };

/* A message as a client compresses it; the first of a connection, with takeover. */
static tow_buffer deflated(const tow_compression_agreement *agreement, const void *data, size_t length) {
    tow_deflater *deflater;
    tow_buffer out = {0};
    assert_int_equal(tow_deflater_new(&deflater, agreement->client_max_window_bits, false), 0);
    assert_int_equal(tow_deflater_message(deflater, data, length, &out), 0);
    tow_deflater_free(deflater);
    return out;
}

static uint64_t turns(const test_world *world) {
    return tow_loop_count(world->loop)->turns;
}

/* What is heard is counted, not kept. */
static size_t bytes_heard;

static void count_message(endpoint *end, const tow_message *message) {
    bytes_heard += message->length;
    end->heard.length = 0;
}

static void count_piece(endpoint *end, const tow_message_piece *piece) {
    bytes_heard += piece->length;
    end->whole.length = 0;
    end->heard.length = 0;
}

/* Steps until so many messages were heard, and asserts that each round brings no more than a turn. */
static void hear_in_turns(test_world *world, size_t messages, size_t most_messages, size_t most_bytes) {
    while (world->server.messages < messages) {
        size_t messages_before = world->server.messages;
        size_t bytes_before = bytes_heard;
        assert_int_equal(world->server.closes, 0);
        world_step(world);
        assert_in_range(world->server.messages - messages_before, 0, most_messages);
        assert_in_range(bytes_heard - bytes_before, 0, most_bytes);
    }
    assert_int_equal(world->server.messages, messages);
}

static test_world counting_world(uint64_t seed, bool streams) {
    bytes_heard = 0;
    return (test_world){.simulation = {.seed = seed, .whole = seed % 2 == 0, .stream_capacity = 4 * MIB},
        .server = {.streams = streams, .then_message = count_message, .then_piece = count_piece}};
}

static void small_messages_come_so_many_a_turn(void **state) {
    enum { COUNT = 20000 };
    tow_buffer frames = {0};
    for (size_t i = 0; i < COUNT; i++)
        frame_append(&frames, 0x82, &i, 3);
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed += unit_step(5)) {
        test_world world = counting_world(seed, seed / 2 % 2 == 1);
        world_open(&world);
        world_connect_peer(&world);
        peer_bytes(&world.peer, frames.data, frames.length);
        hear_in_turns(&world, COUNT, MESSAGES_A_TURN, SIZE_MAX);
        world_close(&world);
    }
    tow_buffer_clear(&frames);
}

static void count_costly_message(endpoint *end, const tow_message *message) {
    count_message(end, message);
    tow_websocket_note_work(&end->socket, 62); /* and two of the message itself */
}

static void messages_that_cost_more_are_fewer_a_turn(void **state) {
    enum { COUNT = 2000, MOST = 4096 / 64 + 16 };
    tow_buffer frames = {0};
    for (size_t i = 0; i < COUNT; i++)
        frame_append(&frames, 0x82, &i, 3);
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed += unit_step(5)) {
        test_world world = counting_world(seed, false);
        world.server.then_message = count_costly_message;
        world_open(&world);
        world_connect_peer(&world);
        peer_bytes(&world.peer, frames.data, frames.length);
        hear_in_turns(&world, COUNT, MOST, SIZE_MAX);
        world_close(&world);
    }
    tow_buffer_clear(&frames);
}

static void pings_are_answered_so_many_a_turn(void **state) {
    enum { COUNT = 10000 };
    test_world world = counting_world(0, false);
    tow_buffer frames = {0};
    for (size_t i = 0; i < COUNT; i++)
        frame_append(&frames, 0x89, NULL, 0);
    world_open(&world);
    world_connect_peer(&world);
    peer_bytes(&world.peer, frames.data, frames.length);
    while (world.server.pings < COUNT) {
        size_t before = world.server.pings;
        world_step(&world);
        assert_in_range(world.server.pings - before, 0, MESSAGES_A_TURN);
    }
    tow_buffer_clear(&frames);
    world_close(&world);
}

/* Many that inflate to less than a turn's share, and some to many times as much. */
static void messages_inflate_so_much_a_turn(void **state) {
    static const size_t lengths[] = {10 * 1000, 700 * 1000, MIB, 5 * MIB};
    uint8_t *zeros = calloc(1, 5 * MIB);
    assert_non_null(zeros);
    for (uint64_t seed = 0; seed < SEEDS * AGREEMENTS * 4; seed += unit_step(5)) {
        test_world world = counting_world(seed % SEEDS, seed % 2 == 1);
        size_t length = lengths[seed / SEEDS / AGREEMENTS];
        size_t count = 20 * MIB / length;
        world.agreement = agreements[seed / SEEDS % AGREEMENTS];
        tow_buffer message = deflated(&world.agreement, zeros, length);
        world_open(&world);
        world_connect_peer(&world);
        for (size_t i = 0; i < count; i++)
            peer_frame(&world.peer, 0xc2, message.data, message.length);
        size_t most = length < MIB || world.server.streams ? 2 * BYTES_A_TURN : length;
        hear_in_turns(&world, count, MESSAGES_A_TURN, most);
        assert_int_equal(bytes_heard, count * length);
        assert_in_range(turns(&world), count * length / BYTES_A_TURN / 2, SIZE_MAX);
        tow_buffer_clear(&message);
        world_close(&world);
    }
    free(zeros);
}

static uint8_t *large_text(size_t length) {
    uint8_t *text = malloc(length);
    assert_non_null(text);
    for (size_t i = 0; i < length; i++)
        text[i] = (uint8_t) "to be, or not to be: that is the question. "[(i * i / 97 + i) % 43];
    return text;
}

static void put_fragments(test_world *world, const tow_buffer *message, size_t cut) {
    size_t length = cut < message->length ? cut : message->length;
    peer_frame(&world->peer, 0x41, message->data, length);
    peer_frame(&world->peer, 0x80, message->data + length, message->length - length);
}

/* In one frame and in fragments; what comes behind waits. */
static void a_message_of_many_turns_is_whole_and_in_order(void **state) {
    enum { LENGTH = 4 * MIB + 12345 };
    uint8_t *text = large_text(LENGTH);
    for (uint64_t seed = 0; seed < SEEDS * AGREEMENTS; seed += unit_step(5)) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 2, .stream_capacity = MIB},
            .agreement = agreements[seed % AGREEMENTS],
            .server.streams = seed / 2 % 2};
        tow_buffer message = deflated(&world.agreement, text, LENGTH);
        world_open(&world);
        world_connect_peer(&world);
        if (seed % 4 < 2)
            peer_frame(&world.peer, 0xc1, message.data, message.length);
        else
            put_fragments(&world, &message, seed % 8 == 2 ? 0 : 10000);
        peer_frame(&world.peer, 0x81, "behind", 6);
        peer_frame(&world.peer, 0x89, "ping", 4);
        peer_close(&world.peer, 1000, NULL);
        peer_end(&world.peer);
        world_until(&world, world.server.gone == 1);
        assert_heard(&world.server, 0, TOW_TEXT, text, LENGTH);
        assert_heard(&world.server, 1, TOW_TEXT, "behind", 6);
        assert_int_equal(world.server.pings, 1);
        assert_true(world.server.was_clean);
        if (!world.server.streams) /* else each read may be a turn */
            assert_in_range(turns(&world), 4, SIZE_MAX);
        tow_buffer_clear(&message);
        world_close(&world);
    }
    free(text);
}

static void send_a_large_one(test_world *world, size_t length, const char *end) {
    uint8_t *text = large_text(length);
    memcpy(text + length - strlen(end), end, strlen(end));
    tow_buffer message = deflated(&world->agreement, text, length);
    peer_frame(&world->peer, 0xc1, message.data, message.length);
    tow_buffer_clear(&message);
    free(text);
}

static void the_limit_of_a_message_of_many_turns_is_exact(void **state) {
    enum { LIMIT = 3 * MIB };
    for (uint64_t seed = 0; seed < 3 * AGREEMENTS; seed++) {
        size_t length = LIMIT - 1 + seed / AGREEMENTS;
        test_world world = {.simulation = {.whole = true, .stream_capacity = MIB},
            .agreement = agreements[seed % AGREEMENTS],
            .limits.max_message = LIMIT};
        world_open(&world);
        world_connect_peer(&world);
        send_a_large_one(&world, length, "");
        world_until(&world, world.server.messages == 1 || world.peer.ended);
        assert_int_equal(world.server.messages, length <= LIMIT);
        if (length > LIMIT)
            assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_TOO_LARGE);
        world_close(&world);
    }
}

static void the_text_of_many_turns_is_checked_to_its_end(void **state) {
    for (size_t i = 0; i < AGREEMENTS; i++) {
        test_world world = {
            .simulation = {.whole = true, .stream_capacity = MIB}, .agreement = agreements[i]};
        world_open(&world);
        world_connect_peer(&world);
        send_a_large_one(&world, 3 * MIB, "\xc3");
        world_until(&world, world.peer.ended);
        assert_int_equal(world.server.messages, 0);
        assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_INVALID_PAYLOAD);
        world_close(&world);
    }
}

static void wait_for_a_turn(test_world *world) {
    uint64_t before = turns(world);
    world_until(world, turns(world) > before);
    assert_int_equal(world->server.messages, 0);
}

/* Between two turns of a message the application, or the peer, does something else. */
static void between_turns_anything_may_happen(void **state) {
    enum { LENGTH = 3 * MIB, WAYS = 4 };
    for (uint64_t seed = 0; seed < WAYS * AGREEMENTS; seed++) {
        test_world world = {.simulation = {.whole = true, .stream_capacity = MIB},
            .agreement = agreements[seed % AGREEMENTS]};
        world_open(&world);
        world_connect_peer(&world);
        send_a_large_one(&world, LENGTH, "");
        wait_for_a_turn(&world);
        switch (seed / AGREEMENTS) {
        case 0:
            tow_websocket_pause(&world.server.socket);
            world_run(&world, TOW_SECOND);
            assert_int_equal(world.server.messages, 0);
            tow_websocket_resume(&world.server.socket);
            assert_int_equal(world.server.messages, 0);
            world_until(&world, world.server.messages == 1);
            break;
        case 1:
            tow_websocket_close(&world.server.socket, 1000, NULL);
            world_until(&world, peer_close_code(&world.peer) == 1000);
            break;
        case 2:
            peer_reset(&world.peer);
            world_until(&world, world.server.gone == 1);
            break;
        case 3:
            tow_websocket_send(&world.server.socket, TOW_TEXT, "between", 7);
            peer_frame(&world.peer, 0x81, "behind", 6);
            world_until(&world, world.server.messages == 2);
            break;
        }
        assert_int_equal(world.server.messages, seed / AGREEMENTS % 3 == 0 ? 1 + seed / AGREEMENTS / 3 : 0);
        world_close(&world);
    }
}

/* One large message, and then many that wait behind it, in a network that would take all at once. */
static void what_is_sent_leaves_in_shares_of_a_round(void **state) {
    enum { LARGE = 16 * MIB, LENGTH = 60 * 1000, COUNT = 200 };
    uint8_t *bytes = large_text(LARGE);
    test_world world = {
        .simulation = {.whole = true, .stream_capacity = 64 * MIB}, .limits.max_queue = TOW_OFF};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    tow_websocket *socket = &world.server.socket;
    int64_t left = tow_websocket_send(socket, TOW_BINARY, bytes, LARGE);
    assert_in_range(left, LARGE - TOW_WRITE_MAX, LARGE - 1);
    for (int i = 0; i < COUNT; i++)
        left = tow_websocket_send(socket, TOW_BINARY, bytes, LENGTH);
    assert_in_range(left, COUNT * LENGTH, LARGE + COUNT * LENGTH);
    while (left > 0) {
        int64_t before = left;
        world_step(&world);
        left = tow_websocket_buffered_amount(socket);
        assert_in_range(before - left, 1, 2 * TOW_WRITE_MAX);
    }
    tow_stream_resume(&world.peer.stream);
    world_until(&world, peer_payload_bytes(&world.peer) == LARGE + COUNT * LENGTH);
    assert_int_equal(world.server.closes, 0);
    world_close(&world);
    free(bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_messages_come_so_many_a_turn),
        cmocka_unit_test(messages_that_cost_more_are_fewer_a_turn),
        cmocka_unit_test(pings_are_answered_so_many_a_turn),
        cmocka_unit_test(messages_inflate_so_much_a_turn),
        cmocka_unit_test(a_message_of_many_turns_is_whole_and_in_order),
        cmocka_unit_test(the_limit_of_a_message_of_many_turns_is_exact),
        cmocka_unit_test(the_text_of_many_turns_is_checked_to_its_end),
        cmocka_unit_test(between_turns_anything_may_happen),
        cmocka_unit_test(what_is_sent_leaves_in_shares_of_a_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
