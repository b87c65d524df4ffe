/* A client that goes by polling, and upgrades, on a network that is cut and falls silent at random, and both
 * ends that pause: each hears all that the other said, once and in order, unless the end is told to be no
 * clean one. */
#include "fallback_world.h"

#include <stdlib.h>

enum { STEPS = 80 };

static uint32_t chance(uint64_t *state, uint32_t below) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33) % below;
}

static size_t send_numbers(tow_websocket *socket, size_t from, size_t count) {
    if (socket == NULL || tow_websocket_ready_state(socket) != TOW_OPEN)
        return from;
    for (size_t i = 0; i < count; i++) {
        char text[24];
        int length = snprintf(text, sizeof(text), "%zu", from);
        if (tow_websocket_send(socket, from % 3 == 0 ? TOW_BINARY : TOW_TEXT, text, (size_t)length) < 0)
            return from;
        from++;
    }
    return from;
}

static void assert_numbers(const heard_log *log) {
    for (size_t i = 0; i < log->count; i++) {
        char text[24];
        snprintf(text, sizeof(text), "%zu", i);
        assert_string_equal(log->firsts[i], text);
        assert_int_equal(log->types[i], i % 3 == 0 ? TOW_BINARY : TOW_TEXT);
    }
}

static void fall_silent(test_fallback *world, int milliseconds) {
    world->gate.swallows = true;
    world_run(&world->world, milliseconds);
    world->gate.swallows = false;
}

static void act(test_fallback *world, uint64_t *state, size_t *sent_here, size_t *sent_there) {
    switch (chance(state, 7)) {
    case 0:
        gate_cut(&world->gate);
        break;
    case 1:
        world->gate.cut_at = world->gate.bytes + 1 + chance(state, 600);
        break;
    case 2:
        tow_websocket_pause(world->client);
        break;
    case 3:
        if (world->there.socket != NULL)
            tow_websocket_pause(world->there.socket);
        break;
    case 4:
        tow_websocket_resume(world->client);
        if (world->there.socket != NULL)
            tow_websocket_resume(world->there.socket);
        break;
    case 5:
        *sent_there = send_numbers(world->there.socket, *sent_there, chance(state, 6));
        break;
    default:
        *sent_here = send_numbers(world->client, *sent_here, chance(state, 6));
        break;
    }
    world_run(&world->world, (int)chance(state, 400));
}

static void let_go(test_fallback *world) {
    world->gate.cut_at = 0;
    tow_websocket_resume(world->client);
    if (world->there.socket != NULL)
        tow_websocket_resume(world->there.socket);
}

/* Whether it upgraded. */
static bool run(uint64_t seed) {
    test_fallback world = {.gate.upgrades = GATE_REFUSES};
    uint64_t state = seed + 1;
    size_t sent_here = 0, sent_there = 0;
    bool polls = seed % 2 == 0;
    bool falls_silent = seed % 4 > 1;
    world.gate.link = polls ? GATE_REFUSES : GATE_PASSES;
    fallback_meet(&world, seed);
    for (int i = 0; i < STEPS && world.here.closes == 0; i++)
        if (falls_silent && chance(&state, 8) == 0)
            fall_silent(&world, (int)chance(&state, 2500));
        else
            act(&world, &state, &sent_here, &sent_there);
    let_go(&world);
    fallback_until(
        &world, world.here.closes == 1 || (world.here.count == sent_there && world.there.count == sent_here));
    assert_numbers(&world.here);
    assert_numbers(&world.there);
    bool is_open = world.here.closes == 0;
    if (polls && !falls_silent) /* else there was nothing for so long that the session is gone */
        assert_true(is_open);
    if (is_open)
        assert_int_equal(tow_websocket_close(world.client, 4001, NULL), 0);
    fallback_until(&world, world.here.closes == 1);
    if (!falls_silent) /* else a request may hang for longer than a Close has time */
        assert_int_equal(world.here.was_clean, is_open);
    if (is_open && world.here.was_clean)
        assert_int_equal(world.here.code, 4001);
    else /* lost, or given up by a server that has heard nothing */
        assert_in_range(world.here.code, 1001, 1006);
    fallback_close(&world);
    return world.gate.upgrades_seen > 1;
}

static void all_is_heard_once_and_in_order_or_the_end_is_told(void **state) {
    const uint64_t seeds = getenv("TOWLINE_ALL") != NULL ? 600 : 40;
    size_t upgrades = 0;
    for (uint64_t seed = 0; seed < seeds; seed++) {
        upgrades += run(seed);
    }
    assert_true(upgrades > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_is_heard_once_and_in_order_or_the_end_is_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
