/* What messages hold before they have ended is bounded for all connections on a loop, and for each address.
 */
#include "world.h"

enum { LIMIT = 1000 * 1000, PIECE = 100 * 1000 };

static uint8_t bytes[PIECE];

static uint64_t unfinished(const test_world *world) {
    return tow_websocket_context_counters(world->context)->unfinished;
}

static void send_fragments(test_world *world, size_t count) {
    for (size_t i = 0; i < count; i++)
        peer_frame(&world->peer, i == 0 ? 0x02 : 0x00, bytes, PIECE);
}

static void what_is_over_ends_the_connection(
    int64_t max, int64_t max_per_address, uint64_t from, bool compressed, uint16_t code, tow_cause cause) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 20000},
        .agreement = {.enabled = compressed,
            .client_no_context_takeover = true,
            .server_max_window_bits = 15,
            .client_max_window_bits = 15}};
    world.server.address = from;
    world_open(&world);
    tow_websocket_context_bound(world.context, max, max_per_address);
    world_connect_peer(&world);
    send_fragments(&world, LIMIT / PIECE);
    world_until(&world, unfinished(&world) == LIMIT);
    assert_int_equal(world.server.closes, 0);
    peer_frame(&world.peer, 0x80, bytes, PIECE);
    if (code == 0) {
        world_until(&world, world.server.messages == 1);
        assert_int_equal(unfinished(&world), 0);
    } else {
        world_until(&world, world.peer.ended);
        assert_int_equal(peer_close_code(&world.peer), code);
        assert_int_equal(unfinished(&world), 0);
        assert_int_equal(tow_websocket_context_counters(world.context)->ends[cause], 1);
        assert_int_equal(world.server.messages, 0);
    }
    world_close(&world);
}

static void each_limit_ends_what_goes_beyond(void **state) {
    what_is_over_ends_the_connection(LIMIT, 0, 7, false, TOW_CLOSE_TRY_AGAIN_LATER, TOW_CAUSE_MAX_UNFINISHED);
    what_is_over_ends_the_connection(
        0, LIMIT, 7, false, TOW_CLOSE_POLICY, TOW_CAUSE_MAX_UNFINISHED_PER_ADDRESS);
    what_is_over_ends_the_connection(
        LIMIT, LIMIT, 7, true, TOW_CLOSE_POLICY, TOW_CAUSE_MAX_UNFINISHED_PER_ADDRESS);
    what_is_over_ends_the_connection(0, 0, 7, false, 0, TOW_CAUSE_COUNT);
    what_is_over_ends_the_connection(
        0, LIMIT, 0, false, 0, TOW_CAUSE_COUNT); /* an address that is not known */
}

/* The other socket on the loop is a client's here, which counts for the same context. */
static void two_connections_count_together(void **state) {
    for (uint64_t same = 0; same < 2; same++) {
        test_world world = {.simulation = {.whole = true, .stream_capacity = 20000}};
        world_open(&world);
        tow_websocket_context_bound(world.context, 0, LIMIT);
        world_connect_client(&world);
        memset(bytes, 'x', sizeof(bytes));
        world.server.address = 1;
        for (size_t i = 0; i < 6; i++)
            tow_websocket_send_piece(&world.client.socket,
                &(tow_message_piece){.type = TOW_BINARY, .data = bytes, .length = PIECE, .first = i == 0});
        world_until(&world, unfinished(&world) == 6 * PIECE);
        world.client.address = 2 - same;
        for (size_t i = 0; i < 6; i++)
            tow_websocket_send_piece(&world.server.socket,
                &(tow_message_piece){.type = TOW_BINARY, .data = bytes, .length = PIECE, .first = i == 0});
        if (same == 0)
            world_until(&world, unfinished(&world) == 12 * PIECE);
        else
            world_until(&world, world.client.gone == 1 && world.server.gone == 1);
        assert_int_equal(
            tow_websocket_context_counters(world.context)->ends[TOW_CAUSE_MAX_UNFINISHED_PER_ADDRESS], same);
        world_close(&world);
    }
}

static void what_ends_or_is_lost_counts_no_more(void **state) {
    test_world world = {.simulation = {.whole = true, .stream_capacity = 20000}};
    world_open(&world);
    tow_websocket_context_bound(world.context, LIMIT, LIMIT);
    world.server.address = 3;
    world_connect_peer(&world);
    send_fragments(&world, 3);
    world_until(&world, unfinished(&world) == 3 * PIECE);
    peer_frame(&world.peer, 0x80, "", 0);
    world_until(&world, unfinished(&world) == 0);
    send_fragments(&world, 3);
    world_until(&world, unfinished(&world) == 3 * PIECE);
    peer_reset(&world.peer);
    world_until(&world, world.server.gone == 1);
    assert_int_equal(unfinished(&world), 0);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_ends_what_goes_beyond),
        cmocka_unit_test(two_connections_count_together),
        cmocka_unit_test(what_ends_or_is_lost_counts_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
