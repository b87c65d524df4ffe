/* Memory: messages that come in one read need none, and wherever an allocation fails the connection ends
 * well. */
#include "world.h"

#include "../allocation.h"
#include "protocol/deflate.h"

#include <towline/shared.h>

enum { MIB = 1024 * 1024 };

static uint8_t bytes[MIB];

/* The allocation that is to fail, counted over all calls of the library; calls of the test itself and of the
 * loop don't count. */
static size_t to_fail;

static void begin_call(void) {
    allocation_fail_at(to_fail);
}

static void end_call(void) {
    size_t count = allocation_count();
    to_fail = to_fail > count ? to_fail - count : 0;
    allocation_fail_at(0);
}

static void deliver(test_world *world, uint8_t *data, size_t length) {
    tow_stream *stream = &world->server.socket.stream;
    if (world->server.socket.stream_closed)
        return;
    begin_call();
    stream->events->on_bytes(stream, data, length);
    tow_stream_flush(stream);
    end_call();
}

/* Without failures. */

static void echo_without_allocation(uint8_t first_byte, size_t length) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 4 * MIB}, .server.echoes = true};
    world_open(&world);
    world_connect_peer(&world);
    tow_buffer frames = {0};
    for (int i = 0; i < 3; i++)
        frame_append(&frames, first_byte, bytes, length);
    allocation_fail_at(0);
    world.server.socket.stream.events->on_bytes(&world.server.socket.stream, frames.data, frames.length);
    assert_int_equal(allocation_count(), 0);
    assert_null(world.server.socket.extra);
    world_until(&world, peer_payload_bytes(&world.peer) == 3 * length);
    world_close(&world);
    tow_buffer_clear(&frames);
}

static void an_echo_of_messages_in_one_read_allocates_nothing(void **state) {
    static const size_t lengths[] = {0, 1, 64, 125, 126, 1000, 65535, 65536, 300000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        echo_without_allocation(0x82, lengths[i]);
        memset(bytes, 'a', sizeof(bytes));
        echo_without_allocation(0x81, lengths[i]);
    }
}

static void a_pong_allocates_nothing(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world.server.behaviour.on_ping = NULL;
    world_connect_peer(&world);
    tow_buffer frame = {0};
    frame_append(&frame, 0x89, "payload", 7);
    allocation_fail_at(0);
    world.server.socket.stream.events->on_bytes(&world.server.socket.stream, frame.data, frame.length);
    assert_int_equal(allocation_count(), 0);
    world_close(&world);
    tow_buffer_clear(&frame);
}

/* One allocation at the front, and few more however large the message. */
static void a_large_message_takes_few_allocations(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 64 * 1024}};
    world_open(&world);
    world.server.behaviour.on_message = NULL;
    world_connect_peer(&world);
    tow_buffer frame = {0};
    frame_append(&frame, 0x82, bytes, sizeof(bytes));
    for (int i = 0; i < 2; i++) {
        size_t count = 0;
        for (size_t offset = 0; offset < frame.length;) {
            size_t length = 64 * 1024;
            allocation_fail_at(0);
            uint8_t *into =
                world.server.socket.stream.events->receive_into(&world.server.socket.stream, &length);
            if (length > frame.length - offset)
                length = frame.length - offset;
            uint8_t buffer[64 * 1024];
            memcpy(into == NULL ? buffer : into, frame.data + offset, length);
            world.server.socket.stream.events->on_bytes(
                &world.server.socket.stream, into == NULL ? buffer : into, length);
            count += allocation_count();
            offset += length;
        }
        assert_true(count <= (i == 0 ? 6 : 1)); /* the second message finds the memory of the first */
    }
    assert_null(world.server.socket.extra);
    assert_int_equal(tow_websocket_context_counters(world.context)->messages_in, 2);
    world_close(&world);
    tow_buffer_clear(&frame);
}

/* Failures. */

static void pause_at_third(endpoint *end, const tow_message *message) {
    if (end->messages == 3)
        tow_websocket_pause(&end->socket);
}

static void conversation(tow_buffer *out, bool compressed) {
    frame_append(out, 0x82, bytes, 3000);
    frame_append(out, 0x01, "fragment", 8);
    frame_append(out, 0x89, "ping", 4);
    frame_append(out, 0x80, "ed", 2);
    if (compressed) {
        tow_deflater *deflater;
        tow_buffer deflated = {0};
        assert_int_equal(tow_deflater_new(&deflater, 15, true), 0);
        for (int i = 0; i < 3; i++) {
            deflated.length = 0;
            assert_int_equal(tow_deflater_message(deflater, bytes, 20000, &deflated), 0);
            frame_append(out, 0xc2, deflated.data, deflated.length);
        }
        tow_deflater_free(deflater);
        tow_buffer_clear(&deflated);
    }
    frame_append(out, 0x82, bytes, 100 * 1000);
    frame_append(out, 0x82, bytes, 10);
    frame_append(out, 0x88,
        "\x03\xe8"
        "enough",
        8);
}

static void feed(test_world *world, const tow_buffer *frames) {
    static const size_t steps[] = {1, 700, 3, 4096, 70000};
    uint8_t *copy = malloc(frames->length);
    memcpy(copy, frames->data, frames->length);
    for (size_t offset = 0, i = 0; offset < frames->length; i++) {
        size_t step = steps[i % 5] < frames->length - offset ? steps[i % 5] : frames->length - offset;
        deliver(world, copy + offset, step);
        offset += step;
    }
    free(copy);
}

static void pause_at_third_end(endpoint *end, const tow_message_piece *piece) {
    if (piece->last && end->messages == 3)
        tow_websocket_pause(&end->socket);
}

static bool run(
    size_t failing, const tow_buffer *frames, const tow_compression_agreement *agreement, bool streams) {
    long before = allocation_outstanding();
    test_world world = {.simulation = {.whole = true, .stream_capacity = 2000},
        .server = {.echoes = true,
            .streams = streams,
            .then_message = pause_at_third,
            .then_piece = pause_at_third_end},
        .protocol = "chat",
        .agreement = *agreement};
    world_open(&world);
    world.server.behaviour.on_ping = NULL;
    world_connect_peer(&world);
    to_fail = failing;
    feed(&world, frames);
    begin_call();
    tow_websocket_resume(&world.server.socket);
    tow_websocket_ping(&world.server.socket, "ping", 4);
    tow_websocket_extensions(&world.server.socket);
    end_call();
    bool failed = failing != 0 && to_fail == 0;
    world_run(&world, 100 * TOW_MILLISECOND);
    peer_end(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(world.server.closes, 1);
    if (!failed) {
        assert_true(world.server.was_clean);
        assert_int_equal(world.server.messages, agreement->enabled ? 7 : 4);
        assert_string_equal(world.server.reason, "enough");
    } else if (!world.server.was_clean) {
        assert_int_equal(world.server.error, TOW_ERROR_MEMORY);
    }
    world_close(&world);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void run_with_each_failure(const tow_compression_agreement *agreement, bool streams) {
    tow_buffer frames = {0};
    conversation(&frames, agreement->enabled);
    assert_false(run(0, &frames, agreement, streams));
    size_t failing = 1;
    while (run(failing, &frames, agreement, streams))
        failing++;
    assert_true(failing > 5);
    tow_buffer_clear(&frames);
}

static void each_allocation_of_a_conversation_may_fail(void **state) {
    run_with_each_failure(&(tow_compression_agreement){0}, false);
    run_with_each_failure(&(tow_compression_agreement){0}, true);
}

static void each_allocation_of_a_compressed_conversation_may_fail(void **state) {
    static const tow_compression_agreement agreements[] = {
        {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 15},
        {.enabled = true,
            .server_no_context_takeover = true,
            .server_max_window_bits = 10,
            .client_max_window_bits = 15},
    };
    for (int i = 0; i < 4; i++)
        run_with_each_failure(&agreements[i / 2], i % 2 == 1);
}

static void a_message_that_finds_no_memory_is_not_sent_and_the_next_is(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 100}};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 1000);
    tow_stream_flush(&world.server.socket.stream);
    allocation_fail_at(1);
    int64_t answer = tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 5000);
    allocation_fail_at(0);
    assert_int_equal(answer, TOW_ERROR_MEMORY);
    assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 904);
    tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 70);
    world_until(&world, peer_payload_bytes(&world.peer) == 1070);
    assert_int_equal(world.server.closes, 0);
    world_close(&world);
}

/* Half a frame is on its way, and no memory for the other half: nothing may follow it. */
static void a_frame_whose_rest_is_lost_is_the_last(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    allocation_fail_at(1);
    int64_t answer = tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 100 * 1000);
    allocation_fail_at(0);
    assert_int_equal(answer, TOW_ERROR_MEMORY);
    tow_websocket_send(&world.server.socket, TOW_TEXT, "after", 5);
    world_until(&world, world.server.gone == 1 && world.peer.closed);
    assert_int_equal(world.server.error, TOW_ERROR_MEMORY);
    assert_true(world.peer.received.length <= 1000);
    world_close(&world);
}

static void a_corked_rest_that_is_lost_ends_the_connection(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}};
    world_open(&world);
    world_connect_peer(&world);
    for (int i = 0; i < 5; i++)
        tow_websocket_send(&world.server.socket, TOW_BINARY, bytes, 500);
    for (size_t failing = 1; failing <= 1; failing++) {
        allocation_fail_at(failing);
        tow_stream_flush(&world.server.socket.stream);
        allocation_fail_at(0);
    }
    tow_websocket_send(&world.server.socket, TOW_TEXT, "after", 5);
    world_until(&world, world.server.gone == 1 && world.peer.closed);
    assert_int_equal(world.server.error, TOW_ERROR_MEMORY);
    assert_true(world.peer.received.length <= 1000);
    world_close(&world);
}

static int start(test_world *world, tow_websocket *socket, const char *protocol) {
    return tow_websocket_start(socket, world->context, &world->server.behaviour, tow_slice_from(protocol),
        &(tow_compression_agreement){0}, NULL, 0);
}

static void let_go(test_world *world, tow_websocket *socket) {
    tow_timer_cancel(world->loop, &socket->timer);
    tow_websocket_clear(socket);
    assert_string_equal(tow_websocket_protocol(socket), "");
}

/* It has a number of the name, which the context keeps once. */
static void a_further_socket_with_a_subprotocol_allocates_nothing(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world.server.behaviour.on_open = NULL;
    long before = allocation_outstanding();
    tow_websocket sockets[100] = {0};
    for (size_t i = 0; i < 100; i++) {
        allocation_fail_at(0);
        assert_int_equal(start(&world, &sockets[i], i % 2 == 0 ? "chat" : "superchat"), 0);
        assert_true(i < 2 || allocation_count() == 0);
        assert_null(sockets[i].extra);
    }
    for (size_t i = 0; i < 100; i++)
        assert_string_equal(tow_websocket_protocol(&sockets[i]), i % 2 == 0 ? "chat" : "superchat");
    for (size_t i = 0; i < 100; i++)
        let_go(&world, &sockets[i]);
    assert_int_equal(allocation_outstanding(), before + 1); /* the table of names */
    world_close(&world);
}

/* A handler may select what each client offers: more names than there is room for are each socket's own. */
static void sockets_may_have_any_number_of_subprotocols(void **state) {
    enum { COUNT = 300 };
    static tow_websocket sockets[COUNT];
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world.server.behaviour.on_open = NULL;
    char name[24];
    for (int round = 0; round < 2; round++) {
        memset(sockets, 0, sizeof(sockets));
        for (int i = 0; i < COUNT; i++) {
            snprintf(name, sizeof(name), "name-%d", i);
            assert_int_equal(start(&world, &sockets[i], name), 0);
        }
        for (int i = 0; i < COUNT; i++) {
            snprintf(name, sizeof(name), "name-%d", i);
            assert_string_equal(tow_websocket_protocol(&sockets[i]), name);
        }
        for (int i = 0; i < COUNT; i++)
            let_go(&world, &sockets[i]);
    }
    world_close(&world);
}

static void a_socket_without_memory_for_its_subprotocol_does_not_start(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    for (size_t failing = 1; failing <= 2; failing++) {
        tow_websocket socket = {0};
        allocation_fail_at(failing);
        int error = tow_websocket_start(&socket, world.context, &world.server.behaviour,
            (tow_slice){"chat", 4}, &(tow_compression_agreement){0}, NULL, 0);
        allocation_fail_at(0);
        assert_int_equal(error, TOW_ERROR_MEMORY);
        assert_null(socket.extra);
        assert_int_equal(tow_websocket_ready_state(&socket), TOW_CONNECTING);
    }
    assert_int_equal(world.server.opens, 0);
    world_close(&world);
}

/* Shared messages: whichever allocation fails, the message is sent or refused, and nothing is kept. */
static bool share(size_t failing, const tow_compression_agreement *agreement) {
    long before = allocation_outstanding();
    test_world world = {.simulation = {.whole = true, .stream_capacity = 1000}, .agreement = *agreement};
    world_open(&world);
    world_connect_peer(&world);
    tow_shared *shared[2] = {NULL, NULL};
    int64_t refused = 0;
    to_fail = failing;
    begin_call();
    for (size_t i = 0; i < 2; i++) {
        if (tow_shared_new(&shared[i], TOW_BINARY, bytes, i == 0 ? 700 : 30000) == 0) {
            for (int j = 0; j < 2 && refused == 0; j++) {
                int64_t answer = tow_websocket_send_shared(&world.server.socket, shared[i]);
                refused = answer < 0 ? answer : 0;
            }
        } else {
            refused = TOW_ERROR_MEMORY;
        }
        tow_shared_release(shared[i]);
    }
    tow_stream_flush(&world.server.socket.stream);
    end_call();
    bool failed = failing != 0 && to_fail == 0;
    if (refused != 0)
        assert_int_equal(refused, TOW_ERROR_MEMORY);
    world_run(&world, 100 * TOW_MILLISECOND);
    assert_true(failed || refused == 0);
    world_close(&world);
    assert_int_equal(allocation_outstanding(), before);
    return failed;
}

static void each_allocation_for_shared_messages_may_fail(void **state) {
    static const tow_compression_agreement compressed = {.enabled = true,
        .server_no_context_takeover = true,
        .server_max_window_bits = 12,
        .client_max_window_bits = 15};
    const tow_compression_agreement none = {0};
    memset(bytes, 'a', sizeof(bytes));
    for (int i = 0; i < 2; i++) {
        size_t failing = 1;
        while (share(failing, i == 0 ? &none : &compressed))
            failing++;
        assert_true(failing > 5);
        pattern_fill(bytes, 10000, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_of_messages_in_one_read_allocates_nothing),
        cmocka_unit_test(a_pong_allocates_nothing),
        cmocka_unit_test(a_large_message_takes_few_allocations),
        cmocka_unit_test(each_allocation_of_a_conversation_may_fail),
        cmocka_unit_test(each_allocation_of_a_compressed_conversation_may_fail),
        cmocka_unit_test(each_allocation_for_shared_messages_may_fail),
        cmocka_unit_test(a_message_that_finds_no_memory_is_not_sent_and_the_next_is),
        cmocka_unit_test(a_frame_whose_rest_is_lost_is_the_last),
        cmocka_unit_test(a_corked_rest_that_is_lost_ends_the_connection),
        cmocka_unit_test(a_further_socket_with_a_subprotocol_allocates_nothing),
        cmocka_unit_test(sockets_may_have_any_number_of_subprotocols),
        cmocka_unit_test(a_socket_without_memory_for_its_subprotocol_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
