/* Why a connection ended: each end has one cause, which is counted once. */
#include "world.h"

#include <string.h>

static uint8_t bytes[300 * 1024];

typedef struct way {
    tow_cause cause;
    void (*end)(test_world *world);
    tow_limits limits;
    size_t stream_capacity;
} way;

static tow_websocket *socket_of(test_world *world) {
    return &world->server.socket;
}

static void close_by_peer(test_world *world) {
    peer_close(&world->peer, 4001, "enough");
    world_until(world, world->peer.ended);
    peer_end(&world->peer);
}

static void close_by_application(test_world *world) {
    tow_websocket_close(socket_of(world), 4002, "bye");
    peer_close(&world->peer, 4002, NULL);
    world_until(world, world->peer.ended);
    peer_end(&world->peer);
}

static void close_without_an_answer(test_world *world) {
    tow_websocket_close(socket_of(world), 4002, "bye");
}

static void close_both_at_once(test_world *world) {
    peer_close(&world->peer, 4001, "enough");
    world_until(world, world->server.socket.stage == TOW_STAGE_CROSSED);
    tow_websocket_close(socket_of(world), 4002, "bye");
    peer_end(&world->peer);
}

static void end_by_peer(test_world *world) {
    peer_end(&world->peer);
}

static void reset_by_peer(test_world *world) {
    peer_reset(&world->peer);
}

static void send_reserved_bits(test_world *world) {
    peer_frame(&world->peer, 0xf1, "x", 1);
    world_until(world, world->peer.ended);
    peer_end(&world->peer);
}

static void send_bad_text(test_world *world) {
    peer_frame(&world->peer, 0x81, "\xff", 1);
    world_until(world, world->peer.ended);
}

static void send_much(test_world *world) {
    peer_frame(&world->peer, 0x82, bytes, 2000);
}

static void send_a_part(test_world *world) {
    peer_frame(&world->peer, 0x01, "part", 4);
}

static void stay_silent(test_world *world) {
    (void)world;
}

static void take_nothing(test_world *world) {
    tow_stream_pause(&world->peer.stream);
    tow_websocket_send(socket_of(world), TOW_BINARY, bytes, 200000);
}

static void say_too_much(test_world *world) {
    take_nothing(world);
    tow_websocket_send(socket_of(world), TOW_BINARY, bytes, 200000);
}

static void drain(test_world *world) {
    tow_websocket_close_because(socket_of(world), TOW_CAUSE_DRAIN, TOW_CLOSE_GOING_AWAY, NULL);
    peer_close(&world->peer, 1001, NULL);
    peer_end(&world->peer);
}

static const way ways[] = {
    {TOW_CAUSE_PEER_CLOSE, close_by_peer, {0}, 0},
    {TOW_CAUSE_APPLICATION, close_by_application, {0}, 0},
    {TOW_CAUSE_CLOSE_SECONDS, close_without_an_answer, {0}, 0},
    {TOW_CAUSE_PEER_CLOSE, close_both_at_once, {0}, 0},
    {TOW_CAUSE_PEER_END, end_by_peer, {0}, 0},
    {TOW_CAUSE_PEER_RESET, reset_by_peer, {0}, 0},
    {TOW_CAUSE_PROTOCOL_ERROR, send_reserved_bits, {0}, 0},
    {TOW_CAUSE_INVALID_PAYLOAD, send_bad_text, {0}, 0},
    {TOW_CAUSE_MAX_MESSAGE, send_much, {.max_message = 1000}, 0},
    {TOW_CAUSE_MESSAGE_SECONDS, send_a_part, {.message_seconds = 2}, 0},
    {TOW_CAUSE_IDLE_SECONDS, stay_silent, {.idle_seconds = 2}, 0},
    {TOW_CAUSE_STALL_SECONDS, take_nothing, {.stall_seconds = 2}, 1000},
    {TOW_CAUSE_MAX_QUEUE, say_too_much, {.max_queue = 100000, .high_mark = 1000}, 1000},
    {TOW_CAUSE_DRAIN, drain, {0}, 0},
};

static void assert_counted_once(const test_world *world, tow_cause cause) {
    const tow_websocket_counters *counters = tow_websocket_context_counters(world->context);
    for (tow_cause other = 0; other < TOW_CAUSE_COUNT; other++)
        if (counters->ends[other] != (other == cause))
            fail_msg("%s: counted %d times as %s", tow_cause_name(cause), (int)counters->ends[other],
                tow_cause_name(other));
    assert_int_equal(world->server.socket.end.cause, cause);
}

static void each_end_has_one_cause_which_is_counted_once(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        test_world world = {
            .simulation = {.seed = i, .stream_capacity = ways[i].stream_capacity}, .limits = ways[i].limits};
        world_open(&world);
        world_connect_peer(&world);
        ways[i].end(&world);
        world_until(&world, world.server.gone == 1);
        assert_counted_once(&world, ways[i].cause);
        world_close(&world);
    }
}

static void names_of_causes_differ(void **state) {
    (void)state;
    for (tow_cause a = 0; a < TOW_CAUSE_COUNT; a++)
        for (tow_cause b = 0; b < a; b++)
            assert_string_not_equal(tow_cause_name(a), tow_cause_name(b));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_has_one_cause_which_is_counted_once),
        cmocka_unit_test(names_of_causes_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
