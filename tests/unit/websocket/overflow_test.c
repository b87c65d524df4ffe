/* What happens to messages while more than max-queue waits. */
#include "world.h"

#include "../../../src/websocket/context.h"
#include "../../../src/websocket/extra.h"

#include <towline/shared.h>

enum { SEEDS = 16, LENGTH = 500, LARGE = 20000 };

static uint8_t bytes[LARGE];

/* A message with its number in it. */
static int64_t send_number(endpoint *end, uint32_t number, size_t length) {
    memcpy(bytes, &number, sizeof(number));
    return tow_websocket_send(&end->socket, TOW_BINARY, bytes, length);
}

static int64_t send_shared_number(endpoint *end, uint32_t number, size_t length) {
    tow_shared *shared;
    memcpy(bytes, &number, sizeof(number));
    assert_int_equal(tow_shared_new(&shared, TOW_BINARY, bytes, length), 0);
    int64_t answer = tow_websocket_send_shared(&end->socket, shared);
    tow_shared_release(shared);
    return answer;
}

/* A Pong behind all else. */
static const char end_mark[] = "the end";

static bool has_ended(const tow_buffer *received) {
    size_t length = strlen(end_mark);
    return received->length >= length &&
           memcmp(received->data + received->length - length, end_mark, length) == 0;
}

/* The numbers of the data frames that the peer received; controls are counted. */
typedef struct received {
    uint32_t numbers[40000];
    size_t count, pings, pongs, fragments;
} received;

static void read_all(test_world *world, received *all) {
    size_t offset = 0;
    peer_received_frame frame;
    *all = (received){0};
    while (peer_next_frame(&world->peer, &offset, &frame)) {
        all->pings += frame.header.opcode == TOW_OPCODE_PING;
        all->pongs += frame.header.opcode == TOW_OPCODE_PONG;
        bool is_piece = !frame.header.final || frame.header.opcode == TOW_OPCODE_CONTINUATION;
        all->fragments += is_piece;
        if (is_piece || tow_opcode_is_control(frame.header.opcode))
            continue;
        memcpy(&all->numbers[all->count++], frame.payload, sizeof(uint32_t));
    }
    assert_int_equal(offset, world->peer.received.length);
    all->pongs -= has_ended(&world->peer.received);
}

/* A peer that takes nothing until it is told to. */
static void begin(test_world *world, tow_overflow overflow, uint64_t seed) {
    *world = (test_world){.simulation = {.seed = seed, .stream_capacity = 3000},
        .real = seed % 8 == 7,
        .limits = {.max_queue = 10000,
            .overflow = overflow,
            .stall_seconds = TOW_OFF,
            .ping_seconds = TOW_OFF,
            .idle_seconds = TOW_OFF}};
    world_open(world);
    world_connect_peer(world);
    tow_stream_pause(&world->peer.stream);
}

/* Until more than the limit waits. */
static uint32_t fill(test_world *world) {
    uint32_t number = 0;
    while (world->server.socket.extra == NULL || world->server.socket.extra->queue.bytes <= 10000) {
        assert_true(send_number(&world->server, number++, LENGTH) >= 0);
        if (number % 4 == 0)
            world_step(world);
    }
    return number;
}

static void finish(test_world *world) {
    tow_stream_resume(&world->peer.stream);
    world_until(world, tow_websocket_buffered_amount(&world->server.socket) == 0);
    assert_true(tow_websocket_pong(&world->server.socket, end_mark, strlen(end_mark)) >= 0);
    world_until(world, has_ended(&world->peer.received));
    assert_int_equal(world->server.closes, 0);
}

static void try_again(endpoint *end) {
    if (end->drains == 1)
        assert_true(send_number(end, 1000, LENGTH) >= 0);
}

static void a_refused_message_leaves_the_socket_as_it_was(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world;
        static received all;
        begin(&world, TOW_OVERFLOW_REFUSE, seed);
        world.server.then_drain = try_again;
        tow_websocket *socket = &world.server.socket;
        uint32_t count = fill(&world);
        int64_t amount = tow_websocket_buffered_amount(socket);
        assert_int_equal(send_number(&world.server, count, LENGTH), TOW_ERROR_QUEUE_FULL);
        assert_int_equal(send_shared_number(&world.server, count, LENGTH), TOW_ERROR_QUEUE_FULL);
        assert_int_equal(
            tow_websocket_send_piece(socket, &(tow_message_piece){.type = TOW_TEXT, .first = true}),
            TOW_ERROR_QUEUE_FULL);
        assert_int_equal(tow_websocket_ping(socket, "ping", 4), TOW_ERROR_QUEUE_FULL);
        assert_int_equal(tow_websocket_pong(socket, "first", 5), 0);
        assert_int_equal(tow_websocket_pong(socket, "latest", 6), 0);
        assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
        assert_int_equal(tow_websocket_buffered_amount(socket), amount);
        assert_int_equal(tow_websocket_dropped(socket), 0);
        assert_int_equal(world.context->counters.overflows, 4);
        finish(&world);
        assert_int_equal(world.server.drains, 1);
        read_all(&world, &all);
        assert_int_equal(all.count, count + 1);
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(all.numbers[i], i);
        assert_int_equal(all.numbers[count], 1000);
        assert_int_equal(all.pongs, 1);
        assert_int_equal(all.pings + all.fragments, 0);
        world_close(&world);
    }
}

/* The newest arrive, in order, behind what had left already. */
static void the_oldest_that_wait_are_dropped_for_the_newest(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world;
        static received all;
        begin(&world, TOW_OVERFLOW_DROP_OLDEST, seed);
        tow_websocket *socket = &world.server.socket;
        uint32_t count = fill(&world);
        assert_int_equal(tow_websocket_dropped(socket), 0);
        for (uint32_t i = 0; i < 200; i++, count++) {
            int64_t amount = i % 2 == 0 ? send_number(&world.server, count, LENGTH)
                                        : send_shared_number(&world.server, count, LENGTH);
            assert_in_range(amount, 1, 10000 + LENGTH);
            if (i % 50 == 0)
                assert_int_equal(tow_websocket_ping(socket, "ping", 4), 0);
            world_step(&world);
        }
        uint64_t dropped = tow_websocket_dropped(socket);
        assert_true(dropped >= 150);
        assert_int_equal(world.context->counters.dropped, dropped);
        finish(&world);
        read_all(&world, &all);
        assert_int_equal(all.count + dropped, count);
        assert_int_equal(all.pings, 4);
        for (size_t i = 1; i < all.count; i++)
            assert_true(all.numbers[i] > all.numbers[i - 1]);
        for (size_t i = 1; i <= 15; i++)
            assert_int_equal(all.numbers[all.count - i], count - i);
        assert_int_equal(tow_websocket_dropped(socket), dropped);
        world_close(&world);
    }
}

static void large_shared_messages_are_dropped_as_well(void **state) {
    test_world world;
    static received all;
    begin(&world, TOW_OVERFLOW_DROP_OLDEST, 1);
    for (uint32_t i = 0; i < 100; i++)
        assert_in_range(send_shared_number(&world.server, i, LARGE), 1, 3 * LARGE);
    finish(&world);
    read_all(&world, &all);
    assert_in_range(all.count, 2, 4);
    assert_int_equal(all.numbers[0], 0);
    assert_int_equal(all.numbers[all.count - 1], 99);
    assert_int_equal(tow_websocket_dropped(&world.server.socket), 100 - all.count);
    world_close(&world);
}

static int64_t send_piece(test_world *world, bool first, bool last) {
    return tow_websocket_send_piece(&world->server.socket,
        &(tow_message_piece){
            .type = TOW_BINARY, .data = bytes, .length = LENGTH, .first = first, .last = last});
}

/* They push whole messages out, and are refused when that is not enough. */
static void pieces_are_never_dropped(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world;
        static received all;
        begin(&world, TOW_OVERFLOW_DROP_OLDEST, seed);
        tow_websocket *socket = &world.server.socket;
        uint32_t count = fill(&world);
        size_t pieces = 0;
        while (send_piece(&world, pieces == 0, false) >= 0)
            pieces++;
        assert_true(pieces > 10 && tow_websocket_dropped(socket) > 10);
        assert_int_equal(send_piece(&world, false, true), TOW_ERROR_QUEUE_FULL);
        assert_int_equal(tow_websocket_ping(socket, "ping", 4), TOW_ERROR_QUEUE_FULL);
        assert_int_equal(tow_websocket_ready_state(socket), TOW_OPEN);
        tow_stream_resume(&world.peer.stream);
        world_until(&world, world.server.drains == 1);
        assert_true(send_piece(&world, false, true) >= 0);
        assert_true(send_number(&world.server, count++, LENGTH) >= 0);
        finish(&world);
        read_all(&world, &all);
        assert_int_equal(all.fragments, pieces + 1);
        assert_int_equal(all.count + tow_websocket_dropped(socket), count);
        assert_int_equal(all.numbers[all.count - 1], count - 1);
        world_close(&world);
    }
}

/* Whatever is dropped, the network took nothing. */
static void a_peer_that_takes_nothing_is_given_up_all_the_same(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000},
        .limits = {.max_queue = 100, .stall_seconds = 5, .overflow = TOW_OVERFLOW_DROP_OLDEST}};
    world_open(&world);
    world_connect_peer(&world);
    tow_stream_pause(&world.peer.stream);
    for (uint32_t i = 0; world.server.closes == 0; i++) {
        assert_true(i < 100);
        send_number(&world.server, i, 996); /* a frame is as large as what the network takes */
        world_run(&world, TOW_SECOND / 10);
    }
    assert_int_equal(world.server.error, TOW_ERROR_TIMED_OUT);
    assert_true(tow_websocket_dropped(&world.server.socket) > 10);
    world_close(&world);
}

static void what_would_leave_a_hole_in_a_context_is_refused(void **state) {
    tow_limits limits = {.overflow = TOW_OVERFLOW_DROP_OLDEST, .compression = TOW_COMPRESSION_TAKEOVER};
    tow_limits_resolve(&limits, TOW_ROLE_SERVER, NULL);
    assert_int_equal(tow_limits_check(&limits, NULL), TOW_ERROR_ARGUMENT);
    limits.compression = TOW_COMPRESSION_SHARED;
    assert_int_equal(tow_limits_check(&limits, NULL), 0);
    limits = (tow_limits){.compression = TOW_COMPRESSION_TAKEOVER};
    tow_limits_resolve(&limits, TOW_ROLE_SERVER, &(tow_limits){.overflow = TOW_OVERFLOW_DROP_OLDEST});
    assert_int_equal(tow_limits_check(&limits, NULL), TOW_ERROR_ARGUMENT);
    limits.overflow = TOW_OVERFLOW_REFUSE;
    assert_int_equal(tow_limits_check(&limits, NULL), 0);
    limits.overflow = (tow_overflow)4;
    assert_int_equal(tow_limits_check(&limits, NULL), TOW_ERROR_ARGUMENT);
    limits = (tow_limits){.overflow = TOW_OVERFLOW_CLOSE};
    tow_limits_resolve(&limits, TOW_ROLE_SERVER, &(tow_limits){.overflow = TOW_OVERFLOW_REFUSE});
    assert_int_equal(limits.overflow, TOW_OVERFLOW_CLOSE);
}

/* Compressed ones, each by itself, are as good as others. */
static void compressed_messages_may_be_dropped(void **state) {
    test_world world = {.simulation = {.seed = 3, .stream_capacity = 1000},
        .limits = {.max_queue = 2000, .overflow = TOW_OVERFLOW_DROP_OLDEST},
        .agreement = {.enabled = true,
            .server_no_context_takeover = true,
            .client_no_context_takeover = true,
            .server_max_window_bits = 15,
            .client_max_window_bits = 15}};
    world_open(&world);
    world_connect_client(&world);
    tow_websocket_pause(&world.client.socket);
    uint8_t text[4000];
    uint32_t count = 0;
    while (tow_websocket_dropped(&world.server.socket) < 50) {
        pattern_fill(text, sizeof(text), (uint8_t)count);
        memcpy(text, &count, sizeof(count));
        assert_true(tow_websocket_send(&world.server.socket, TOW_BINARY, text, sizeof(text)) > 0);
        count++;
        world_step(&world);
    }
    tow_websocket_resume(&world.client.socket);
    world_until(&world, world.client.messages + 50 == count);
    assert_heard(&world.client, world.client.messages - 1, TOW_BINARY, text, sizeof(text));
    assert_int_equal(world.client.closes, 0);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_message_leaves_the_socket_as_it_was),
        cmocka_unit_test(the_oldest_that_wait_are_dropped_for_the_newest),
        cmocka_unit_test(large_shared_messages_are_dropped_as_well),
        cmocka_unit_test(pieces_are_never_dropped),
        cmocka_unit_test(a_peer_that_takes_nothing_is_given_up_all_the_same),
        cmocka_unit_test(what_would_leave_a_hole_in_a_context_is_refused),
        cmocka_unit_test(compressed_messages_may_be_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
