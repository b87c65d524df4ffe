/* Shared messages that were joined: as these one behind the other, whatever carries them. */
#include "world.h"

#include "../../../src/websocket/extra.h"
#include "../../../src/websocket/shared.h"
#include "carrier_fake.h"

enum { SEEDS = 16, PARTS = 5 };

static const size_t lengths[PARTS] = {3, 0, 700, 20000, 130};
static uint8_t bytes[20000];

static const tow_compression_agreement agreements[] = {
    {0},
    {.enabled = true,
        .server_no_context_takeover = true,
        .client_no_context_takeover = true,
        .server_max_window_bits = 15,
        .client_max_window_bits = 15},
    {.enabled = true, .server_max_window_bits = 15, .client_max_window_bits = 15},
};
enum { AGREEMENTS = sizeof(agreements) / sizeof(agreements[0]) };

/* The parts are let go at once: the joined one has them. */
static tow_shared *joined_new(void) {
    tow_shared *parts[PARTS];
    tow_shared *joined;
    memset(bytes, 'x', sizeof(bytes));
    for (size_t i = 0; i < PARTS; i++)
        assert_int_equal(tow_shared_new(&parts[i], TOW_BINARY, bytes, lengths[i]), 0);
    assert_int_equal(tow_shared_join(&joined, parts, PARTS), 0);
    for (size_t i = 0; i < PARTS; i++)
        tow_shared_release(parts[i]);
    return joined;
}

static void joined_messages_arrive_as_they_were(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_world world = {.simulation = {.seed = seed, .whole = seed % 4 == 3, .stream_capacity = 9000},
            .limits.max_queue = TOW_OFF,
            .agreement = agreements[seed % AGREEMENTS]};
        world_open(&world);
        world_connect_client(&world);
        tow_shared *joined = joined_new();
        assert_true(tow_websocket_send_shared(&world.server.socket, joined) >= 0);
        assert_true(tow_websocket_send_shared(&world.client.socket, joined) >= 0);
        assert_true(tow_websocket_send_shared(&world.server.socket, joined) >= 0);
        tow_shared_release(joined);
        world_until(&world, world.client.messages == 2 * PARTS && world.server.messages == PARTS);
        for (size_t i = 0; i < 2 * PARTS; i++)
            assert_heard(&world.client, i, TOW_BINARY, bytes, lengths[i % PARTS]);
        for (size_t i = 0; i < PARTS; i++)
            assert_heard(&world.server, i, TOW_BINARY, bytes, lengths[i]);
        assert_int_equal(tow_websocket_buffered_amount(&world.server.socket), 0);
        world_close(&world);
    }
}

static void a_joined_message_counts_as_its_parts(void **state) {
    (void)state;
    test_world world = {.simulation = {.whole = true}};
    world_open(&world);
    world_connect_client(&world);
    tow_shared *joined = joined_new();
    const tow_websocket_counters *counters = tow_websocket_context_counters(world.server.socket.context);
    uint64_t before = counters->messages_out;
    assert_true(tow_websocket_send_shared(&world.server.socket, joined) >= 0);
    assert_int_equal(counters->messages_out - before, PARTS);
    assert_int_equal(tow_shared_length(joined), 3 + 700 + 20000 + 130);
    tow_shared_release(joined);
    world_until(&world, world.client.messages == PARTS);
    world_close(&world);
}

static void those_that_were_joined_are_joined_again(void **state) {
    (void)state;
    tow_shared *twice;
    tow_shared *joined = joined_new();
    assert_int_equal(tow_shared_join(&twice, (tow_shared *[]){joined, joined}, 2), 0);
    tow_shared_release(joined);
    assert_int_equal(tow_shared_count(twice), 2 * PARTS);
    size_t length;
    tow_shared_data(tow_shared_part(twice, PARTS + 2), &length);
    assert_int_equal(length, 700);
    tow_shared_release(twice);
}

static void another_carrier_gets_one_after_the_other(void **state) {
    (void)state;
    fake_wire wire = {0};
    tow_shared *parts[2];
    tow_shared *joined;
    fake_open(&wire);
    assert_int_equal(tow_shared_new(&parts[0], TOW_TEXT, "one", 3), 0);
    assert_int_equal(tow_shared_new(&parts[1], TOW_TEXT, "two", 3), 0);
    assert_int_equal(tow_shared_join(&joined, parts, 2), 0);
    assert_true(tow_websocket_send_shared(&wire.server.socket, joined) >= 0);
    for (int i = 0; i < 2; i++)
        tow_shared_release(parts[i]);
    tow_shared_release(joined);
    fake_settle(&wire);
    assert_fake_heard(&wire.client, "one\ntwo\n");
    fake_close(&wire);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joined_messages_arrive_as_they_were),
        cmocka_unit_test(a_joined_message_counts_as_its_parts),
        cmocka_unit_test(those_that_were_joined_are_joined_again),
        cmocka_unit_test(another_carrier_gets_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
