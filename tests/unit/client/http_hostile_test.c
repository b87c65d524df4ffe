/* A server that wants to keep its client busy: each call ends, with its error and within its bounds, and the
 * next one is served. */
#include "http_world.h"

#include <towline/error.h>

enum { SEEDS = 4, MUCH = 400000 };

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static char text[MUCH + 1000];

/* A beginning, and then the same again and again. */
static const char *endless(const char *begin, const char *again) {
    size_t length = (size_t)snprintf(text, sizeof(text), "%s", begin);
    while (length < MUCH)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", again);
    return text;
}

static const struct {
    const char *begin, *again;
    int error;
} streams[] = {
    {"", "HTTP/1.1 103 Early Hints\r\n\r\n", TOW_ERROR_HTTP_TOO_LARGE},
    {"HTTP/1.1 200 OK\r\n", "X: y\r\n", TOW_ERROR_HTTP_TOO_LARGE},
    {"HTTP/1.1 200 OK\r\nX: ", "y", TOW_ERROR_HTTP_TOO_LARGE},
    {"HTTP/1.1 200 ", "y", TOW_ERROR_HTTP_TOO_LARGE},
    {CHUNKED "5;", "x", TOW_ERROR_HTTP_SYNTAX},
    {CHUNKED, "1;a=b\r\nx\r\n", TOW_ERROR_HTTP_TOO_LARGE},
    {CHUNKED "5\r\nhello\r\n0\r\n", "X: y\r\n", TOW_ERROR_HTTP_SYNTAX},
    {CHUNKED "0", "0", TOW_ERROR_HTTP_SYNTAX},
    {CHUNKED "7fffffffffffffff\r\n", "x", TOW_ERROR_HTTP_TOO_LARGE},
    {CHUNKED "8000000000000000\r\n", "x", TOW_ERROR_HTTP_SYNTAX},
    {CHUNKED "-1\r\n", "x", TOW_ERROR_HTTP_SYNTAX},
    {"HTTP/1.1 200 OK\r\n\r\n", "x", TOW_ERROR_HTTP_TOO_LARGE},
    {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "x", TOW_ERROR_HTTP_SYNTAX},
    {GOOD, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 0},
};

static void expect_good(test_world *world) {
    world_call *call = world_ask(world, 1, "/", NULL);
    assert_int_equal(world_wait(call), 0);
    assert_int_equal(call->body.length, 5);
    assert_memory_equal(call->body.data, "hello", 5);
}

static void what_does_not_end_is_cut_at_its_bound(void **state) {
    for (size_t i = 0; i < SEEDS * sizeof(streams) / sizeof(streams[0]); i++) {
        size_t number = i / SEEDS;
        const world_act acts[] = {
            {.response = endless(streams[number].begin, streams[number].again)}, {.response = GOOD}};
        test_world world = {.acts = acts, .act_count = 2, .simulation.seed = i};
        world_open(&world);
        world_call *call = world_ask(&world, 0, "/", &(tow_http_call_options){.max_body = 10000});
        assert_int_equal(world_wait(call), streams[number].error);
        assert_int_equal(call->dones, 1);
        assert_true(call->body.length <= 10000);
        expect_good(&world);
        assert_int_equal(tow_http_client_count(world.client).opened, 2);
        world_close(&world);
    }
}

/* A byte now and then is progress, but not for ever. */
static void who_is_slow_ends_in_time(void **state) {
    static const char *const parts[] = {"", "HTTP/1.1 2",
        "HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", CHUNKED "5\r\nhel",
        CHUNKED "5\r\nhello\r\n"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const world_act acts[] = {{.response = parts[i]}, {.response = GOOD}};
        test_world world = {.acts = acts, .act_count = 2, .simulation.seed = i};
        world_open(&world);
        world_call *call = world_ask(&world, 0, "/", &(tow_http_call_options){.total_seconds = 3});
        for (int tick = 0; tick < 29; tick++) {
            world_run(&world, 100);
            if (tick % 10 == 5 && i == 2)
                world_say(&world, 0, "x");
        }
        assert_int_equal(call->dones, 0);
        world_run(&world, 300);
        assert_int_equal(call->dones, 1);
        assert_int_equal(call->result, TOW_ERROR_TIMED_OUT);
        expect_good(&world);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_does_not_end_is_cut_at_its_bound),
        cmocka_unit_test(who_is_slow_ends_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
