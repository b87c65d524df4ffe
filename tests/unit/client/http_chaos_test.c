/* An HTTP client to whose server and calls anything happens at any time: each call that is not freed ends
 * exactly once, what is counted agrees with what is there, and in the end nothing is left. */
#include "http_world.h"

#include <towline/error.h>

enum { SEEDS = 200, STEPS = 800, ACTS = 40, USED_CALLS = 12 };

static uint64_t state_of_dice;

static unsigned dice(unsigned sides) {
    state_of_dice = state_of_dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state_of_dice >> 33) % sides;
}

static const char *const responses[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nhello",
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "hello",
    NULL,
};

static world_act random_act(void) {
    size_t kinds = sizeof(responses) / sizeof(responses[0]);
    world_act act = {.response = responses[dice(3) == 0 ? dice((unsigned)kinds) : dice(2)]};
    if (dice(3) == 0)
        act.milliseconds = (int)dice(50);
    if (act.response != NULL && dice(8) == 0)
        act.cut = dice(4) == 0 ? (size_t)CUT_ALL : 1 + dice((unsigned)strlen(act.response));
    act.resets = dice(16) == 0;
    act.ends = !act.resets && (act.cut != 0 || act.response == responses[2] || dice(10) == 0);
    act.early = dice(16) == 0;
    return act;
}

/* What a callback may do besides. */

static void free_call(world_call *call) {
    tow_http_call_free(call->call);
    tow_buffer_clear(&call->body);
    *call = (world_call){0};
}

static void free_client(test_world *world) {
    tow_http_client_free(world->client);
    world->client = NULL;
}

static void ask(test_world *world, size_t index);

static void mischief(world_call *call) {
    test_world *world = call->world;
    switch (dice(7)) {
    case 1:
        free_call(call);
        break;
    case 2:
        free_call(&world->calls[dice(USED_CALLS)]);
        break;
    case 3:
        if (dice(30) == 0)
            free_client(world);
        break;
    case 4:
        ask(world, dice(USED_CALLS));
        break;
    default:
        break;
    }
}

static void ask(test_world *world, size_t index) {
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT"};
    static const char body[20000];
    world_call *call = &world->calls[index];
    bool is_under_way = call->call != NULL && call->dones == 0;
    if (world->client == NULL || is_under_way)
        return;
    free_call(call);
    call->in_pieces = dice(2) == 0;
    call->then_head = dice(2) == 0 ? mischief : NULL;
    call->then_body = dice(2) == 0 ? mischief : NULL;
    call->then_done = dice(2) == 0 ? mischief : NULL;
    tow_http_call_options options = {
        .method = methods[dice(4)], .total_seconds = 1 + (int)dice(5), .may_repeat = dice(2) == 0};
    if (options.method[0] == 'P') {
        options.body = body;
        options.body_length = dice(sizeof(body));
    }
    if (dice(10) == 0)
        options.url = "http://127.0.0.1:1/";
    world_ask(world, index, "/", &options);
    assert_true(call->error == 0 || call->error == TOW_ERROR_LIMIT);
}

/* Where the connection is there to be ended. */
static void trouble_server(test_world *world) {
    if (world->accepts == 0)
        return;
    size_t number = dice((unsigned)world->accepts);
    world_connection *connection = &world->connections[number];
    if (connection->is_ended || connection->is_closed)
        return;
    if (dice(2) == 0)
        world_end(world, number, dice(2) == 0);
    else /* whether it gets there or not */
        (void)tow_stream_write(
            &connection->stream, &(struct iovec){(char *)(uintptr_t)responses[0], strlen(responses[0])}, 1);
}

static void check_counters(const test_world *world) {
    if (world->client == NULL)
        return;
    tow_http_client_counters counted = tow_http_client_count(world->client);
    assert_true(counted.idle <= counted.connections);
    assert_true(counted.connections <= (size_t)world->options.max_connections);
    assert_true(counted.waiting <= (size_t)world->options.max_waiting + USED_CALLS); /* and repeats */
    assert_true(counted.hosts <= 2);
}

static void step(test_world *world) {
    world_call *call = &world->calls[dice(USED_CALLS)];
    switch (dice(8)) {
    case 0:
    case 1:
        ask(world, dice(USED_CALLS));
        break;
    case 3:
        if (dice(4) == 0)
            free_call(call);
        break;
    case 4:
        trouble_server(world);
        break;
    case 5:
        world_run(world, (int)dice(100));
        break;
    default:
        assert_true(tow_loop_step(world->loop) >= 0);
        break;
    }
    check_counters(world);
}

/* Time ends all of them. */
static void settle(test_world *world) {
    for (size_t i = 0; i < WORLD_CALLS; i++)
        world->calls[i].then_head = world->calls[i].then_body = world->calls[i].then_done = NULL;
    world_run(world, 10 * 1000);
    for (size_t i = 0; i < WORLD_CALLS && world->client != NULL; i++)
        if (world->calls[i].call != NULL)
            assert_int_equal(world->calls[i].dones, 1);
    world_run(world, 60 * 1000);
    if (world->client != NULL) {
        tow_http_client_counters counted = tow_http_client_count(world->client);
        assert_int_equal(counted.connections + counted.idle + counted.waiting + counted.hosts, 0);
    }
}

static void each_call_ends_once_whatever_happens(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        world_act acts[ACTS];
        state_of_dice = seed * 7919 + 1;
        for (size_t i = 0; i < ACTS; i++)
            acts[i] = random_act();
        test_world world = {.acts = acts,
            .act_count = ACTS,
            .simulation.seed = seed,
            .options = {.max_connections = 1 + (int)dice(4), .max_waiting = 4, .idle_seconds = 20}};
        world_open(&world);
        for (size_t i = 0; i < STEPS && world.accepts < WORLD_CONNECTIONS - USED_CALLS; i++)
            step(&world);
        settle(&world);
        world_close(&world);
    }
}

/* The pool is no slower for what waits. */
static void very_many_calls_may_wait(void **state) {
    (void)state;
    enum { MANY = 1000 };
    static const world_act acts[] = {{.response = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"}};
    static world_call waiting[MANY];
    test_world world = {.acts = acts, .act_count = 1, .options = {.max_host_waiting = MANY}};
    world_open(&world);
    for (size_t i = 0; i < MANY; i++) {
        world_start(&world, &waiting[i], "/", NULL);
        assert_int_equal(waiting[i].error, 0);
    }
    assert_int_equal(tow_http_client_count(world.client).waiting, MANY - 16);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(world_wait(&waiting[i]), 0);
        tow_http_call_free(waiting[i].call);
        tow_buffer_clear(&waiting[i].body);
    }
    assert_int_equal(tow_http_client_count(world.client).opened, 16);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_ends_once_whatever_happens),
        cmocka_unit_test(very_many_calls_may_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
