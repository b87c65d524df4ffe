/* Shared messages: the frames that connections have in common, by whatever way they are sent. */
#include "world.h"

#include "../../../src/websocket/extra.h"
#include "../../../src/websocket/shared.h"

#include <pthread.h>

enum { SEEDS = 16, MIB = 1024 * 1024, THREADS = 4 };

static uint8_t bytes[MIB];

static const tow_compression_agreement agreements[] = {
    {0},
    {.enabled = true,
        .server_no_context_takeover = true,
        .client_no_context_takeover = true,
        .server_max_window_bits = 15,
        .client_max_window_bits = 15},
    {.enabled = true,
        .server_no_context_takeover = true,
        .server_max_window_bits = 9,
        .client_max_window_bits = 15},
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 15},
};
enum { AGREEMENTS = sizeof(agreements) / sizeof(agreements[0]) };

/* Half of it can be compressed. */
static void fill(size_t length, uint8_t seed) {
    memset(bytes, 'a' + seed % 26, length);
    pattern_fill(bytes, length / 2, seed);
}

static tow_shared *shared_new(tow_message_type type, const void *data, size_t length) {
    tow_shared *shared;
    assert_int_equal(tow_shared_new(&shared, type, data, length), 0);
    return shared;
}

static void send_and_expect(test_world *world, endpoint *from, endpoint *to, size_t length) {
    size_t number = to->messages;
    fill(length, (uint8_t)number);
    tow_shared *shared = shared_new(TOW_BINARY, bytes, length);
    assert_true(tow_websocket_send_shared(&from->socket, shared) >= 0);
    tow_shared_release(shared);
    world_until(world, to->messages == number + 1);
    assert_heard(to, number, TOW_BINARY, bytes, length);
}

static void shared_messages_of_every_size_arrive_unchanged(void **state) {
    static const size_t sizes[] = {
        0, 1, 125, 126, 511, 512, 1000, 1019, 1020, 1021, 16383, 16384, 65535, 65536, 70000, 300000};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 3},
            .real = seed % 8 == 7,
            .agreement = agreements[seed % AGREEMENTS]};
        world_open(&world);
        world_connect_client(&world);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            send_and_expect(&world, &world.server, &world.client, sizes[i]);
            send_and_expect(&world, &world.client, &world.server, sizes[i]);
        }
        world_close(&world);
    }
}

/* Whatever else waits, a shared message takes its place in the order. */
static void shared_and_other_messages_keep_their_order(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .stream_capacity = 5000},
            .limits.max_queue = TOW_OFF,
            .agreement = agreements[seed % AGREEMENTS]};
        world_open(&world);
        world_connect_client(&world);
        tow_shared *shared[3];
        static const size_t lengths[] = {300, 20000, 70000};
        fill(70000, (uint8_t)seed);
        for (size_t i = 0; i < 3; i++)
            shared[i] = shared_new(TOW_BINARY, bytes, lengths[i]);
        for (size_t i = 0; i < 60; i++) {
            tow_websocket_send_shared(&world.server.socket, shared[i % 3]);
            tow_websocket_send(&world.server.socket, TOW_BINARY, &i, sizeof(i));
            if (i % 5 == 0)
                world_step(&world);
        }
        for (size_t i = 0; i < 3; i++)
            tow_shared_release(shared[i]);
        world_until(&world, world.client.messages == 120);
        for (size_t i = 0; i < 60; i++) {
            assert_heard(&world.client, 2 * i, TOW_BINARY, bytes, lengths[i % 3]);
            assert_heard(&world.client, 2 * i + 1, TOW_BINARY, &i, sizeof(i));
        }
        world_close(&world);
    }
}

static void a_slow_peer_costs_a_reference_and_no_copy(void **state) {
    static const size_t lengths[] = {1024, 16384, 500000};
    for (size_t i = 0; i < 3; i++) {
        test_world world = {
            .simulation = {.whole = true, .stream_capacity = 1000}, .limits.max_queue = TOW_OFF};
        world_open(&world);
        world_connect_peer(&world);
        fill(lengths[i], 1);
        tow_shared *shared = shared_new(TOW_BINARY, bytes, lengths[i]);
        tow_shared_frame frame = tow_shared_plain(shared);
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 2000);
        tow_stream_flush(&world.server.socket.stream);
        for (int j = 0; j < 5; j++)
            assert_true(tow_websocket_send_shared(&world.server.socket, shared) > 0);
        const tow_queue_chunk *chunk = world.server.socket.extra->queue.first->next;
        for (int j = 0; j < 5; j++, chunk = chunk->next)
            assert_ptr_equal(chunk->bytes, frame.bytes);
        assert_null(chunk);
        tow_shared_release(shared); /* the queue has references of its own */
        world_until(&world, peer_payload_bytes(&world.peer) == 2000 + 5 * lengths[i]);
        assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 0);
        size_t offset = 0;
        peer_received_frame received;
        assert_true(peer_next_frame(&world.peer, &offset, &received));
        for (int j = 0; j < 5; j++) {
            assert_true(peer_next_frame(&world.peer, &offset, &received));
            assert_int_equal(received.header.payload_length, lengths[i]);
            assert_memory_equal(received.payload, bytes, lengths[i]);
        }
        world_close(&world);
    }
}

/* Of a large message the network takes a part at once; the rest waits where it is. */
static void the_rest_of_a_large_message_is_not_copied(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    fill(100000, 2);
    tow_shared *shared = shared_new(TOW_BINARY, bytes, 100000);
    assert_int_equal(tow_websocket_send_shared(&world.server.socket, shared), 100000 + 10 - 1000);
    const tow_queue_chunk *chunk = world.server.socket.extra->queue.first;
    assert_ptr_equal(chunk->bytes, tow_shared_plain(shared).bytes);
    assert_int_equal(chunk->offset, 1000);
    tow_shared_release(shared);
    world_until(&world, peer_payload_bytes(&world.peer) == 100000);
    world_close(&world);
}

static void what_waits_when_the_connection_ends_is_let_go(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    tow_shared *shared = shared_new(TOW_BINARY, bytes, 100000);
    tow_websocket_send_shared(&world.server.socket, shared);
    tow_websocket_send_shared(&world.server.socket, shared);
    tow_shared_release(shared);
    int64_t waiting = tow_websocket_buffered_amount(&world.server.socket);
    tow_websocket_abort(&world.server.socket, TOW_CAUSE_NETWORK, TOW_ERROR_TIMED_OUT);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), waiting);
    world_close(&world);
}

static void a_message_is_compressed_once_for_each_window(void **state) {
    fill(5000, 3);
    tow_shared *shared = shared_new(TOW_BINARY, bytes, 5000);
    const uint8_t *first[AGREEMENTS] = {0};
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 1; i <= 2; i++) {
            test_world world = {.simulation.whole = true, .agreement = agreements[i]};
            world_open(&world);
            world_connect_client(&world);
            tow_shared_frame frame = tow_shared_compressed(shared, &world.server.socket);
            assert_true(frame.length < 5000);
            assert_ptr_not_equal(frame.bytes, first[3 - i]);
            if (round == 0)
                first[i] = frame.bytes;
            else
                assert_ptr_equal(frame.bytes, first[i]);
            tow_websocket_send_shared(&world.server.socket, shared);
            world_until(&world, world.client.messages == 1);
            assert_heard(&world.client, 0, TOW_BINARY, bytes, 5000);
            world_close(&world);
        }
    }
    tow_shared_release(shared);
}

static void what_does_not_shrink_is_sent_as_it_is(void **state) {
    test_world world = {.simulation.whole = true, .agreement = agreements[1]};
    world_open(&world);
    world_connect_peer(&world);
    pattern_fill(bytes, 2000, 4);
    tow_shared *shared = shared_new(TOW_BINARY, bytes, 2000);
    tow_websocket_send_shared(&world.server.socket, shared);
    tow_websocket_send_shared(&world.server.socket, shared);
    size_t offset = 0;
    peer_received_frame frame;
    for (int i = 0; i < 2; i++) {
        world_until(&world, peer_next_frame(&world.peer, &offset, &frame));
        assert_int_equal(frame.header.reserved_bits, 0);
        assert_memory_equal(frame.payload, bytes, 2000);
    }
    tow_shared_release(shared);
    world_close(&world);
}

static void it_counts_as_any_message(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}, .limits.max_queue = 50000};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket *socket = &world.server.socket;
    tow_shared *shared = shared_new(TOW_TEXT, "ab", 2);
    assert_int_equal(tow_websocket_send_shared(socket, shared), 2);
    assert_int_equal(tow_websocket_context_counters(world.context)->messages_out, 1);
    assert_int_equal(tow_websocket_context_counters(world.context)->bytes_out, 2);
    tow_shared *large = shared_new(TOW_BINARY, bytes, 300 * 1024);
    assert_true(tow_websocket_send_shared(socket, large) > 256 * 1024);
    assert_int_equal(tow_websocket_send_shared(socket, shared), TOW_ERROR_QUEUE_FULL);
    assert_int_equal(tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_MAX_QUEUE], 1);
    int64_t amount = tow_websocket_buffered_amount(socket);
    assert_int_equal(tow_websocket_send_shared(socket, shared), TOW_ERROR_CLOSED);
    assert_int_equal(tow_websocket_buffered_amount(socket), amount + 2);
    tow_shared_release(shared);
    tow_shared_release(large);
    world_until(&world, world.peer.ended);
    assert_int_equal(peer_close_code(&world.peer), TOW_CLOSE_POLICY);
    world_close(&world);
}

static void drain_comes_for_shared_messages_too(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 10000}};
    world_open(&world);
    world_connect_peer(&world);
    tow_shared *large = shared_new(TOW_BINARY, bytes, 300 * 1024);
    tow_websocket_send_shared(&world.server.socket, large);
    tow_shared_release(large);
    world_until(&world, world.server.drains == 1);
    world_until(&world, peer_payload_bytes(&world.peer) == 300 * 1024);
    world_close(&world);
}

static void what_is_no_message_is_refused(void **state) {
    tow_shared *shared = NULL;
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "\xff", 1), TOW_ERROR_UTF8);
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "\xc3", 1), TOW_ERROR_UTF8);
    assert_int_equal(tow_shared_new(&shared, (tow_message_type)0, "", 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_shared_new(&shared, (tow_message_type)8, "", 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_shared_new(&shared, TOW_BINARY, "", SIZE_MAX), TOW_ERROR_MEMORY);
    assert_null(shared);
    tow_shared_retain(NULL);
    tow_shared_release(NULL);
    shared = shared_new(TOW_BINARY, NULL, 0);
    tow_websocket socket = {0};
    assert_int_equal(tow_websocket_send_shared(&socket, shared), TOW_ERROR_CONNECTING);
    tow_shared_retain(shared);
    tow_shared_release(shared);
    tow_shared_release(shared);
}

/* Each thread has a loop with a connection of its own, and all send the same messages. */

static tow_shared *common[20];

static void *subscribe(void *argument) {
    size_t number = (size_t)(uintptr_t)argument;
    test_world world = {.simulation = {.seed = number, .stream_capacity = 3000},
        .limits.max_queue = TOW_OFF,
        .agreement = agreements[number % AGREEMENTS]};
    world_open(&world);
    world_connect_client(&world);
    for (size_t i = 0; i < 20; i++) {
        tow_websocket_send_shared(&world.server.socket, common[i]);
        tow_shared_release(common[i]);
    }
    world_until(&world, world.client.messages == 20);
    for (size_t i = 0; i < 20; i++)
        assert_heard(&world.client, i, TOW_TEXT, bytes, 700 * (i + 1));
    world_close(&world);
    return NULL;
}

static void loops_on_several_threads_send_the_same_message(void **state) {
    memset(bytes, 'x', 20 * 700);
    for (int round = 0; round < 5; round++) {
        pthread_t threads[2 * THREADS];
        for (size_t i = 0; i < 20; i++) {
            common[i] = shared_new(TOW_TEXT, bytes, 700 * (i + 1));
            for (size_t j = 1; j < 2 * THREADS; j++)
                tow_shared_retain(common[i]);
        }
        for (size_t i = 0; i < 2 * THREADS; i++) /* two of each agreement */
            assert_int_equal(pthread_create(&threads[i], NULL, subscribe, (void *)i), 0);
        for (size_t i = 0; i < 2 * THREADS; i++)
            pthread_join(threads[i], NULL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_messages_of_every_size_arrive_unchanged),
        cmocka_unit_test(shared_and_other_messages_keep_their_order),
        cmocka_unit_test(a_slow_peer_costs_a_reference_and_no_copy),
        cmocka_unit_test(the_rest_of_a_large_message_is_not_copied),
        cmocka_unit_test(what_waits_when_the_connection_ends_is_let_go),
        cmocka_unit_test(a_message_is_compressed_once_for_each_window),
        cmocka_unit_test(what_does_not_shrink_is_sent_as_it_is),
        cmocka_unit_test(it_counts_as_any_message),
        cmocka_unit_test(drain_comes_for_shared_messages_too),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(loops_on_several_threads_send_the_same_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
