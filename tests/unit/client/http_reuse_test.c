/* When a connection of the HTTP client's pool is used again: not where something of the server's waits to be
 * read. It would be taken for the response, or is an end by which the request would be lost. Here the loop
 * has no round in which it could hear of it before the request. */
#include "http_world.h"

enum { SEEDS = 20 };

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
#define FORGED "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfalse"

static const world_act answering[] = {{.response = OK}};
static const tow_http_call_options post = {.method = "POST"};

/* What a server may do with a connection on which it has answered. */

static void end_it(world_call *call) {
    world_end(call->world, 0, false);
}

static void say_more(world_call *call) {
    world_say(call->world, 0, FORGED);
}

static void (*const ways[])(world_call *call) = {end_it, say_more};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static void assert_right(world_call *call) {
    if (world_wait(call) != 0)
        fail_msg("%s", call->text);
    assert_int_equal(call->body.length, 5);
    assert_memory_equal(call->body.data, "hello", 5);
}

/* The second call was answered on a connection of its own, and nothing was sent twice. */
static void check_second(test_world *world) {
    assert_right(&world->calls[1]);
    assert_int_equal(world->requests, 2);
    tow_http_client_counters counters = tow_http_client_count(world->client);
    assert_int_equal(counters.opened, 2);
    assert_int_equal(counters.reused, 0);
    assert_int_equal(counters.repeated, 0);
}

static void check_idle(test_world world, size_t way) {
    world.acts = answering;
    world.act_count = 1;
    world_open(&world);
    assert_right(world_ask(&world, 0, "/", NULL));
    ways[way](&world.calls[0]);
    world_ask(&world, 1, "/", &post);
    check_second(&world);
    world_close(&world);
}

static void an_idle_connection_on_which_something_waits_is_not_used(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (size_t way = 0; way < WAYS; way++)
            check_idle((test_world){.simulation.seed = seed}, way);
}

static void nor_over_tls(void **state) {
    (void)state;
    char *certificate, *key, fingerprint[96], why[TOW_TLS_TEXT_MAX];
    tow_tls_context *tls;
    assert_int_equal(tow_tls_self_signed(&certificate, &key, fingerprint), 0);
    const tow_tls_settings settings = {.server = true, .certificate = certificate, .key = key};
    assert_int_equal(tow_tls_context_new(&tls, &settings, why), 0);
    for (uint64_t seed = 0; seed < 6; seed++)
        for (size_t way = 0; way < WAYS; way++)
            check_idle(
                (test_world){
                    .simulation.seed = seed, .scheme = "https", .tls = tls, .options.tls_insecure = true},
                way);
    tow_tls_context_release(tls);
    free(certificate);
    free(key);
}

/* A call that waits for the connection gets it in the callback of the one before. */
static void check_queue(size_t way, uint64_t seed) {
    test_world world = {.acts = answering,
        .act_count = 1,
        .simulation = {.seed = seed, .whole = true},
        .options.max_host_connections = 1};
    world_open(&world);
    world.calls[0].in_pieces = true;
    world.calls[0].then_body = ways[way];
    world_ask(&world, 0, "/", NULL);
    world_ask(&world, 1, "/", &post);
    assert_right(&world.calls[0]);
    check_second(&world);
    world_close(&world);
}

static void nor_by_a_call_that_waited_for_it(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++)
        for (size_t way = 0; way < WAYS; way++)
            check_queue(way, seed);
}

/* Wherever the network cuts it: read with the first response, or behind it. */
static void a_second_response_is_never_that_of_another_call(void **state) {
    (void)state;
    static const world_act acts[] = {{.response = OK FORGED}, {.response = OK}};
    for (uint64_t seed = 0; seed < 10 * SEEDS; seed++) {
        test_world world = {
            .acts = acts, .act_count = 2, .simulation.seed = seed, .options.max_host_connections = 1};
        world_open(&world);
        world_ask(&world, 0, "/", NULL);
        world_ask(&world, 1, "/", &post);
        assert_right(&world.calls[0]);
        check_second(&world);
        world_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_on_which_something_waits_is_not_used),
        cmocka_unit_test(nor_over_tls),
        cmocka_unit_test(nor_by_a_call_that_waited_for_it),
        cmocka_unit_test(a_second_response_is_never_that_of_another_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
