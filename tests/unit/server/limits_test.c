#include "world.h"

#include "server/exchange.h"

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void hello(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, "text/plain", "hello", 5);
}

static void take(tow_exchange *exchange, void *user, const void *body, size_t length) {
    tow_exchange_respond(exchange, 200, "text/plain", body, length);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_read_body(exchange, 100, take, NULL);
}

static void begin(struct world *world, uint64_t seed, tow_server_options options) {
    options.status = "127.0.0.1:9999";
    world_make(world, &(tow_simulation_options){.seed = seed}, &options);
    tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo});
    tow_server_route(world->server, "/hello", &(tow_handler){.on_request = hello});
    tow_server_route(world->server, "/body", &(tow_handler){.on_request = want_body});
    world_listen(world);
}

static long reached(struct world *world, const char *option) {
    char name[96];
    snprintf(name, sizeof(name), "limit_reached_total{limit=\"%s\"}", option);
    return world_metric(world, name);
}

/* A request whose head is exactly so long. */
static void fill_request(char *out, size_t length) {
    int head = snprintf(out, length + 1, "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: ");
    memset(out + head, 'x', length - (size_t)head - 4);
    memcpy(out + length - 4, "\r\n\r\n", 5);
}

static void expect_head(const tow_server_options *options, size_t length, bool fits) {
    struct world world;
    struct peer peer;
    char *request = malloc(length + 1);
    fill_request(request, length);
    begin(&world, length, *options);
    peer_connect(&peer, &world);
    peer_text(&peer, request);
    peer_expect(&peer, fits ? "HTTP/1.1 200 " : "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    assert_int_equal(reached(&world, "handshake-bytes"), fits ? 0 : 1);
    peer_close(&peer);
    world_end(&world);
    free(request);
}

static void the_limit_of_a_head_is_exact(void **state) {
    (void)state;
    expect_head(&(tow_server_options){.handshake_bytes = 200}, 199, true);
    expect_head(&(tow_server_options){.handshake_bytes = 200}, 200, true);
    expect_head(&(tow_server_options){.handshake_bytes = 200}, 201, false);
    expect_head(&(tow_server_options){0}, 16 * 1024, true);
    expect_head(&(tow_server_options){0}, 16 * 1024 + 1, false);
    expect_head(&(tow_server_options){.handshake_bytes = TOW_OFF}, 100000, true);
}

static void a_silent_connection_is_answered_with_408_when_its_time_is_up(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 1, (tow_server_options){0});
    peer_connect(&peer, &world);
    world_run(&world, 9900);
    assert_false(peer.ended);
    world_run(&world, 200);
    assert_true(peer.ended);
    assert_true(peer_has(&peer, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_int_equal(reached(&world, "handshake-seconds"), 1);
    peer_close(&peer);
    world_run(&world, 100);
    assert_int_equal(world_metric(&world, "connections"), 0);
    world_end(&world);
}

/* One byte a second: the time counts from the beginning, not from the last byte. */
static void a_slow_request_is_answered_with_408(void **state) {
    (void)state;
    static const char request[] = OPENING("/echo");
    struct world world;
    struct peer peer;
    begin(&world, 2, (tow_server_options){.handshake_seconds = 5});
    peer_connect(&peer, &world);
    size_t sent = 0;
    while (!peer_has(&peer, "HTTP/1.1 408 Request Timeout\r\n")) {
        assert_true(sent < 7);
        peer_send(&peer, request + sent++, 1);
        world_run(&world, 1000);
    }
    assert_true(sent >= 4);
    peer_expect_end(&peer);
    assert_int_equal(reached(&world, "handshake-seconds"), 1);
    peer_close(&peer);
    world_end(&world);
}

/* The time for a second request begins with its first byte. */
static void a_slow_second_request_is_answered_with_408(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 3, (tow_server_options){.handshake_seconds = 5});
    peer_connect(&peer, &world);
    peer_text(&peer, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&peer, "hello");
    world_run(&world, 20000);
    assert_false(peer.ended);
    peer_text(&peer, "GET ");
    world_run(&world, 4900);
    assert_false(peer_has(&peer, "408"));
    world_run(&world, 200);
    assert_true(peer_has(&peer, "408"));
    peer_close(&peer);
    world_end(&world);
}

static void without_a_time_limit_a_request_may_be_slow(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 4, (tow_server_options){.handshake_seconds = TOW_OFF});
    peer_connect(&peer, &world);
    world_run(&world, 100000);
    peer_text(&peer, "GET /hello HTTP/1.1\r\n");
    world_run(&world, 100000);
    peer_text(&peer, "Host: localhost\r\n\r\n");
    peer_expect(&peer, "hello");
    peer_close(&peer);
    world_end(&world);
}

static void an_idle_connection_ends_quietly(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 5, (tow_server_options){.limits = {.idle_seconds = 7}});
    peer_connect(&peer, &world);
    peer_text(&peer, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&peer, "hello");
    size_t length = peer.in.length;
    world_run(&world, 6800);
    assert_false(peer.ended);
    world_run(&world, 400);
    assert_true(peer.ended);
    assert_int_equal(peer.in.length, length);
    assert_int_equal(reached(&world, "idle-seconds"), 1);
    peer_close(&peer);
    world_end(&world);
}

static void a_slow_body_is_answered_with_408(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 6, (tow_server_options){.limits = {.message_seconds = 3}});
    peer_connect(&peer, &world);
    peer_text(&peer, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        peer_text(&peer, "x");
        world_run(&world, 1400);
        assert_int_equal(peer.in.length, 0);
    }
    peer_text(&peer, "x");
    world_run(&world, 1400);
    assert_true(peer_has(&peer, "HTTP/1.1 408 "));
    assert_int_equal(reached(&world, "message-seconds"), 1);
    peer_close(&peer);
    world_end(&world);
}

/* Others keep their latency while some are slow. */
static void slow_peers_do_not_delay_others(void **state) {
    (void)state;
    struct world world;
    struct peer slow[50];
    struct peer quick;
    begin(&world, 7, (tow_server_options){0});
    for (size_t i = 0; i < 50; i++) {
        peer_connect(&slow[i], &world);
        peer_text(&slow[i], i % 2 == 0 ? "GET /echo HTTP/1.1\r\n" : "");
    }
    peer_connect(&quick, &world);
    peer_text(&quick, OPENING("/echo"));
    peer_expect(&quick, OPENED);
    for (int i = 0; i < 20; i++) {
        char text[8];
        int length = snprintf(text, sizeof(text), "m%d", i);
        int64_t before = tow_loop_now(world.loop);
        peer_frame(&quick, 1, text, (size_t)length);
        peer_expect_frame(&quick, 1, text, (size_t)length);
        assert_true(tow_loop_now(world.loop) - before < 10 * TOW_MILLISECOND);
        world_run(&world, 600);
    }
    for (size_t i = 0; i < 50; i++) {
        assert_true(slow[i].ended);
        assert_true(peer_has(&slow[i], "HTTP/1.1 408 "));
        peer_close(&slow[i]);
    }
    assert_int_equal(reached(&world, "handshake-seconds"), 50);
    peer_close(&quick);
    world_end(&world);
}

static void the_limit_of_connections_is_exact(void **state) {
    (void)state;
    struct world world;
    struct peer peers[5];
    begin(&world, 8, (tow_server_options){.max_connections = 3});
    for (size_t i = 0; i < 5; i++) {
        peer_connect(&peers[i], &world);
        world_run(&world, 20);
    }
    for (size_t i = 3; i < 5; i++) {
        peer_expect(&peers[i], "HTTP/1.1 503 Service Unavailable\r\n");
        assert_true(peer_has(&peers[i], "Retry-After: 5\r\n"));
        assert_true(peer_has(&peers[i], "\r\n\r\ntoo many connections\n"));
        peer_expect_end(&peers[i]);
        peer_close(&peers[i]);
    }
    assert_int_equal(world_metric(&world, "connections"), 3);
    assert_int_equal(reached(&world, "max-connections"), 2);
    peer_text(&peers[0], OPENING("/echo"));
    peer_expect(&peers[0], OPENED);
    peer_close(&peers[1]);
    world_run(&world, 20);
    peer_connect(&peers[1], &world);
    peer_text(&peers[1], OPENING("/echo"));
    peer_expect(&peers[1], OPENED);
    for (size_t i = 0; i < 3; i++)
        peer_close(&peers[i]);
    world_run(&world, 20);
    assert_int_equal(world_metric(&world, "connections"), 0);
    world_end(&world);
}

/* Each that is one too many gets its answer, as long as not too many ask for it at once. */
static void refusals_are_bounded(void **state) {
    (void)state;
    struct world world;
    static struct peer peers[100];
    begin(&world, 9, (tow_server_options){.max_connections = 1});
    peer_connect(&peers[0], &world);
    world_run(&world, 20);
    for (size_t i = 1; i < 100; i++)
        peer_connect(&peers[i], &world);
    world_run(&world, 500);
    size_t answered = 0;
    for (size_t i = 1; i < 100; i++) {
        assert_true(peers[i].ended || peers[i].failed);
        answered += peer_has(&peers[i], "HTTP/1.1 503 ");
    }
    assert_int_equal(answered, 64);
    assert_int_equal(reached(&world, "max-connections"), 99);
    for (size_t i = 0; i < 100; i++)
        peer_close(&peers[i]);
    world_end(&world);
}

static void an_address_may_have_as_many_connections_as_its_limit(void **state) {
    (void)state;
    struct world world;
    struct peer peers[4];
    begin(&world, 10, (tow_server_options){.max_connections_per_address = 2});
    for (size_t i = 0; i < 3; i++) {
        peer_connect(&peers[i], &world);
        world_run(&world, 20);
    }
    peer_expect(&peers[2], "HTTP/1.1 503 ");
    peer_close(&peers[2]);
    assert_int_equal(reached(&world, "max-connections-per-address"), 1);
    assert_int_equal(world_metric(&world, "connections"), 2);
    peer_text(&peers[0], OPENING("/echo"));
    peer_expect(&peers[0], OPENED);
    peer_reset(&peers[0]);
    world_run(&world, 20);
    peer_connect(&peers[0], &world);
    peer_text(&peers[0], OPENING("/echo"));
    peer_expect(&peers[0], OPENED);
    peer_close(&peers[0]);
    peer_close(&peers[1]);
    world_run(&world, 20);
    assert_int_equal(world_metric(&world, "connections"), 0);
    world_end(&world);
}

/* The limits of sockets come from the route, or else from the server, and are counted under their names. */
static void limits_of_sockets_are_counted(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 11, (tow_server_options){.limits = {.max_message = 10}});
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/echo"));
    peer_expect(&peer, OPENED);
    peer_frame(&peer, 1, "0123456789", 10);
    peer_expect_frame(&peer, 1, "0123456789", 10);
    assert_int_equal(reached(&world, "max-message"), 0);
    peer_frame(&peer, 1, "0123456789a", 11);
    peer_expect(&peer, "\x03\xf1");
    assert_int_equal(reached(&world, "max-message"), 1);
    peer_close(&peer);
    world_end(&world);
}

static void silent_sockets_are_pinged_and_end(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 12, (tow_server_options){0});
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/echo"));
    peer_expect(&peer, OPENED);
    world_run(&world, 30000);
    assert_true(reached(&world, "ping-seconds") > 0);
    world_run(&world, 45000);
    assert_int_equal(reached(&world, "idle-seconds"), 1);
    assert_int_equal(world_metric(&world, "connections"), 0);
    peer_close(&peer);
    world_end(&world);
}

/* Descriptors run out, others wait in the kernel's queue, and are served when one is free. */
static void out_of_descriptors_the_server_goes_on(void **state) {
    (void)state;
    struct world world;
    struct peer peers[6];
    world_make(&world, &(tow_simulation_options){.seed = 13, .descriptors = 12}, &(tow_server_options){0});
    tow_server_route(world.server, "/echo", &(tow_handler){.on_message = echo});
    world_listen(&world);
    for (size_t i = 0; i < 6; i++) {
        peer_connect(&peers[i], &world);
        peer_text(&peers[i], OPENING("/echo"));
    }
    world_run(&world, 1000);
    assert_true(peer_has(&peers[0], OPENED));
    assert_false(peer_has(&peers[5], OPENED));
    assert_true(tow_loop_count(world.loop)->exhausted > 0);
    peer_close(&peers[0]);
    world_run(&world, 50);
    assert_true(peer_has(&peers[5], OPENED));
    for (size_t i = 1; i < 6; i++)
        peer_close(&peers[i]);
    world_end(&world);
}

static size_t times_logged(const struct world *world, const char *text) {
    size_t count = 0;
    for (const char *at = (const char *)world->log.data; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void more_connections_than_descriptors_are_said_at_the_start(void **state) {
    (void)state;
    static const struct {
        int64_t max_connections;
        bool said;
    } cases[] = {{0, false}, {10, false}, {INT64_C(1) << 40, true}, {TOW_OFF, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        begin(&world, i, (tow_server_options){.max_connections = cases[i].max_connections});
        assert_int_equal(times_logged(&world, "4 max-connections is more than the "), cases[i].said);
        world_end(&world);
    }
}

/* Each of them is two descriptors, as its client is in the same network. */
static void without_descriptors_the_log_says_why_nobody_is_answered(void **state) {
    (void)state;
    struct world world;
    struct peer peers[4];
    world_make(&world, &(tow_simulation_options){.seed = 3, .descriptors = 8}, &(tow_server_options){0});
    tow_server_route(world.server, "/hello", &(tow_handler){.on_request = hello});
    world_listen(&world);
    for (int i = 0; i < 4; i++)
        peer_connect(&peers[i], &world);
    world_run(&world, 30 * 1000);
    assert_int_equal(times_logged(&world, "4 out of file descriptors: who connects now waits"), 1);
    world_run(&world, 60 * 1000);
    for (int i = 0; i < 4; i++)
        peer_close(&peers[i]);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_of_a_head_is_exact),
        cmocka_unit_test(a_silent_connection_is_answered_with_408_when_its_time_is_up),
        cmocka_unit_test(a_slow_request_is_answered_with_408),
        cmocka_unit_test(a_slow_second_request_is_answered_with_408),
        cmocka_unit_test(without_a_time_limit_a_request_may_be_slow),
        cmocka_unit_test(an_idle_connection_ends_quietly),
        cmocka_unit_test(a_slow_body_is_answered_with_408),
        cmocka_unit_test(slow_peers_do_not_delay_others),
        cmocka_unit_test(the_limit_of_connections_is_exact),
        cmocka_unit_test(refusals_are_bounded),
        cmocka_unit_test(an_address_may_have_as_many_connections_as_its_limit),
        cmocka_unit_test(limits_of_sockets_are_counted),
        cmocka_unit_test(silent_sockets_are_pinged_and_end),
        cmocka_unit_test(out_of_descriptors_the_server_goes_on),
        cmocka_unit_test(more_connections_than_descriptors_are_said_at_the_start),
        cmocka_unit_test(without_descriptors_the_log_says_why_nobody_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
