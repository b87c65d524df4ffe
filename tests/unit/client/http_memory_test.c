/* Wherever an allocation of an HTTP call fails, the call fails, or goes well without it; its neighbour goes
 * well, and nothing leaks. */
#include "http_world.h"

#include "../allocation.h"

#include <towline/error.h>

/* Allocations are counted where the world does nothing itself. */
static size_t to_fail;
static int depth;

static void pause_counting(bool begins) {
    if (begins && depth++ == 0) {
        size_t count = allocation_count();
        to_fail = to_fail > count ? to_fail - count : 0;
        allocation_fail_at(0);
    } else if (!begins && --depth == 0) {
        allocation_fail_at(to_fail);
    }
}

static const world_act acts[] = {
    {.response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
    {.response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}};

static void settle(world_call *call) {
    if (call->error == 0)
        world_until(call->world, call->dones == 1);
    int error = call->error != 0 ? call->error : call->result;
    bool is_network = error == TOW_ERROR_REFUSED; /* the simulated one had no memory for the other end */
    if (error != 0 && error != TOW_ERROR_MEMORY && !is_network)
        fail_msg("%d: %s", error, call->text);
    if (error == 0)
        assert_int_equal(call->body.length, 5);
}

static bool failed(const world_call *call) {
    return call->error != 0 || call->result != 0;
}

/* Whether the allocation of that number took place. */
static bool run(size_t failing, uint64_t seed, bool in_pieces) {
    long before = allocation_outstanding();
    test_world world = {.acts = acts,
        .act_count = 2,
        .simulation.seed = seed,
        .options.max_connections = 1,
        .apart = pause_counting};
    depth = 0;
    to_fail = 0;
    world_open(&world);
    to_fail = failing;
    allocation_fail_at(failing);
    world.calls[0].in_pieces = in_pieces;
    world_ask(&world, 0, "/", &(tow_http_call_options){.method = "POST", .body = "abc", .body_length = 3});
    world_ask(&world, 1, "/", &(tow_http_call_options){.unix_path = NULL});
    settle(&world.calls[0]);
    settle(&world.calls[1]);
    size_t count = allocation_count();
    bool took_place = failing != 0 && to_fail <= count;
    allocation_fail_at(0);
    assert_false(failed(&world.calls[0]) && failed(&world.calls[1]));
    if (failing == 0)
        assert_false(failed(&world.calls[0]) || failed(&world.calls[1]));
    world.apart = NULL;
    world_close(&world);
    assert_int_equal(allocation_outstanding(), before);
    return took_place;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++)
        for (int in_pieces = 0; in_pieces < 2; in_pieces++) {
            run(0, seed, in_pieces);
            size_t failing = 1;
            while (run(failing, seed, in_pieces))
                failing++;
            assert_true(failing > 15);
        }
}

static void a_client_may_find_no_memory(void **state) {
    (void)state;
    tow_loop *loop;
    tow_http_client *client;
    assert_int_equal(tow_loop_new_simulated(&loop, &(tow_simulation_options){0}), 0);
    long before = allocation_outstanding();
    allocation_fail_at(1);
    assert_int_equal(tow_http_client_new(&client, loop, NULL), TOW_ERROR_MEMORY);
    allocation_fail_at(0);
    assert_int_equal(allocation_outstanding(), before);
    tow_loop_free(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_client_may_find_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
