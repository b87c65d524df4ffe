#include "world.h"

#include "../../../src/server/state.h"
#include "server/exchange.h"

#include <errno.h>
#include <towline/error.h>
#include <unistd.h>

enum { SEEDS = 12 };

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static int closed;

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    closed++;
}

static int64_t give_x(void *user, void *out, size_t length) {
    memset(out, 'x', length);
    return (int64_t)length;
}

static void stream(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_stream(exchange, 200, "text/plain", 500000, &(tow_body_source){.read = give_x});
}

static void hello(tow_exchange *exchange, const tow_request *request) {
    tow_exchange_respond(exchange, 200, "text/plain", "hello", 5);
}

static void nothing_new(tow_exchange *exchange, void *user) {
    assert_int_equal(tow_exchange_respond(exchange, 204, NULL, NULL, 0), 0);
}

static tow_exchange *unending;
static int stops;

static void end_it(tow_exchange *exchange, void *user) {
    assert_ptr_equal(exchange, unending);
    assert_ptr_equal(user, &stops);
    stops++;
    assert_int_equal(tow_exchange_write(exchange, "bye", 3), 0);
    assert_int_equal(tow_exchange_end(exchange), 0);
}

static void break_it_off(tow_exchange *exchange, void *user) {
    stops++;
    tow_exchange_reset(exchange);
}

static void never_gone(tow_exchange *exchange, void *user) {
    fail();
}

static void begin_unending(tow_exchange *exchange, const tow_request *request) {
    bool resets = strcmp(tow_request_path(request), "/broken") == 0;
    unending = exchange;
    assert_int_equal(tow_exchange_begin(exchange, 200, "text/event-stream", TOW_LENGTH_UNKNOWN), 0);
    const tow_exchange_events events = {
        .on_stop = resets ? break_it_off : end_it, .on_gone = resets ? NULL : never_gone, .user = &stops};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void poll_later(tow_exchange *exchange, const tow_request *request) {
    unending = exchange;
    assert_int_equal(tow_exchange_keep(exchange, &(tow_exchange_events){.on_stop = nothing_new}), 0);
}

static void begin(struct world *world, const tow_simulation_options *simulation, tow_server_options options) {
    closed = stops = 0;
    options.status = "127.0.0.1:9999";
    world_make(world, simulation, &options);
    tow_server_route(world->server, "/echo", &(tow_handler){.on_message = echo, .on_close = note_close});
    tow_server_route(world->server, "/hello", &(tow_handler){.on_request = hello});
    tow_server_route(world->server, "/stream", &(tow_handler){.on_request = stream});
    tow_server_route(world->server, "/events", &(tow_handler){.on_request = begin_unending});
    tow_server_route(world->server, "/broken", &(tow_handler){.on_request = begin_unending});
    tow_server_route(world->server, "/poll", &(tow_handler){.on_request = poll_later});
    world_listen(world);
}

static void open_socket(struct peer *peer, struct world *world) {
    peer_connect(peer, world);
    peer_text(peer, OPENING("/echo"));
    peer_expect(peer, OPENED);
}

static void sockets_get_1001_and_the_server_ends(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peers[5];
        begin(&world, &(tow_simulation_options){.seed = seed}, (tow_server_options){0});
        for (size_t i = 0; i < 5; i++)
            open_socket(&peers[i], &world);
        tow_server_stop(world.server);
        tow_server_stop(world.server);
        for (size_t i = 0; i < 5; i++) {
            peer_expect_frame(&peers[i], 8, "\x03\xe9", 2);
            assert_false(tow_server_is_done(world.server));
            peer_frame(&peers[i], 8, "\x03\xe9", 2);
            peer_expect_end(&peers[i]);
            assert_false(peers[i].failed);
            peer_close(&peers[i]);
        }
        world_run(&world, 50);
        assert_true(tow_server_is_done(world.server));
        assert_int_equal(closed, 5);
        world_end(&world);
    }
}

static void a_route_says_which_code_they_get(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1}, (tow_server_options){0});
    const tow_handler handler = {.on_message = echo, .drain_code = 4200};
    assert_int_equal(tow_server_route(world.server, "/echo", &handler), 0);
    assert_int_equal(
        tow_server_route(world.server, "/bad", &(tow_handler){.on_message = echo, .drain_code = 1005}),
        TOW_ERROR_ARGUMENT);
    open_socket(&peer, &world);
    tow_server_stop(world.server);
    peer_expect_frame(&peer, 8, "\x10\x68", 2);
    peer_close(&peer);
    world_end(&world);
}

static void nobody_is_accepted_any_more(void **state) {
    (void)state;
    struct world world;
    struct peer old;
    struct peer late;
    begin(&world, &(tow_simulation_options){.seed = 1}, (tow_server_options){0});
    open_socket(&old, &world);
    tow_server_stop(world.server);
    world_run(&world, 10);
    peer_connect(&late, &world);
    world_run(&world, 100);
    assert_true(late.failed);
    assert_false(late.connected);
    peer_close(&late);
    peer_close(&old);
    world_end(&world);
}

static void idle_http_connections_end_and_answers_under_way_are_finished(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer fresh, idle, busy;
        begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = 4000},
            (tow_server_options){0});
        peer_connect(&fresh, &world);
        peer_connect(&idle, &world);
        peer_text(&idle, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer_expect(&idle, "hello");
        peer_connect(&busy, &world);
        peer_text(&busy, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer_expect(&busy, "xxx");
        tow_server_stop(world.server);
        peer_expect_end(&fresh);
        peer_expect_end(&idle);
        peer_expect_end(&busy);
        assert_false(fresh.failed || idle.failed || busy.failed);
        assert_true(busy.in.length > 500000);
        peer_close(&fresh);
        peer_close(&idle);
        peer_close(&busy);
        world_run(&world, 20);
        assert_true(tow_server_is_done(world.server));
        world_end(&world);
    }
}

/* Long before drain_seconds are over. */
static void expect_quick_end(struct world *world, struct peer *peer) {
    peer_expect_end(peer);
    peer_close(peer);
    world_run(world, 100);
    assert_true(tow_server_is_done(world->server));
    world_end(world);
}

static void answers_without_end_are_ended_by_their_handlers(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed}, (tow_server_options){0});
        peer_connect(&peer, &world);
        peer_text(&peer, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peer_expect(&peer, "\r\n\r\n");
        assert_int_equal(stops, 0);
        tow_server_stop(world.server);
        peer_expect(&peer, "3\r\nbye\r\n0\r\n\r\n");
        assert_int_equal(stops, 1);
        assert_false(peer.failed);
        expect_quick_end(&world, &peer);
        assert_int_equal(stops, 1);
    }
}

static void so_are_those_that_begin_during_the_drain(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed}, (tow_server_options){0});
        peer_connect(&peer, &world);
        peer_text(&peer, "GET /events HTTP/1.1\r\n");
        world_run(&world, 50);
        tow_server_stop(world.server);
        world_run(&world, 50);
        peer_text(&peer, "Host: localhost\r\n\r\n");
        peer_expect(&peer, "3\r\nbye\r\n0\r\n\r\n");
        expect_quick_end(&world, &peer);
        assert_int_equal(stops, 1);
    }
}

static void what_is_kept_may_be_answered_or_broken_off_then(void **state) {
    (void)state;
    static const char *const requests[] = {
        "GET /poll HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /broken HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed}, (tow_server_options){0});
        unending = NULL;
        peer_connect(&peer, &world);
        peer_text(&peer, requests[seed % 2]);
        while (unending == NULL)
            world_run(&world, 1);
        tow_server_stop(world.server);
        if (seed % 2 == 0)
            peer_expect(&peer, "HTTP/1.1 204 ");
        expect_quick_end(&world, &peer);
        assert_int_equal(stops, seed % 2);
    }
}

static void a_request_under_way_is_the_last(void **state) {
    (void)state;
    struct world world;
    struct peer plain, opening;
    begin(&world, &(tow_simulation_options){.seed = 3}, (tow_server_options){0});
    peer_connect(&plain, &world);
    peer_text(&plain, "GET /hello HTTP/1.1\r\n");
    peer_connect(&opening, &world);
    peer_text(&opening, "GET /echo HTTP/1.1\r\n");
    world_run(&world, 20);
    tow_server_stop(world.server);
    world_run(&world, 20);
    peer_text(&plain, "Host: localhost\r\n\r\n");
    peer_expect(&plain, "Connection: close\r\n\r\nhello");
    peer_text(&opening, &OPENING("/echo")[strlen("GET /echo HTTP/1.1\r\n")]);
    peer_expect(&opening, "HTTP/1.1 503 Service Unavailable\r\n");
    assert_true(peer_has(&opening, "Retry-After: 5\r\n"));
    peer_expect_end(&plain);
    peer_expect_end(&opening);
    peer_close(&plain);
    peer_close(&opening);
    world_end(&world);
}

static void who_does_not_answer_is_reset_when_the_time_is_up(void **state) {
    (void)state;
    struct world world;
    struct peer deaf, half;
    begin(&world, &(tow_simulation_options){.seed = 4}, (tow_server_options){.drain_seconds = 2});
    open_socket(&deaf, &world);
    peer_connect(&half, &world);
    peer_text(&half, "GET /hello");
    world_run(&world, 20);
    tow_server_stop(world.server);
    world_run(&world, 1900);
    assert_false(deaf.failed || half.failed);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"drain-seconds\"}"), 0);
    world_run(&world, 100);
    world_run(&world, 20);
    assert_true(deaf.failed);
    assert_true(half.failed);
    assert_true(tow_server_is_done(world.server));
    assert_int_equal(closed, 1);
    peer_close(&deaf);
    peer_close(&half);
    world_end(&world);
}

static void without_a_time_limit_the_drain_waits(void **state) {
    (void)state;
    struct world world;
    struct peer busy;
    begin(&world, &(tow_simulation_options){.seed = 5, .stream_capacity = 1000},
        (tow_server_options){.drain_seconds = TOW_OFF, .limits = {.stall_seconds = TOW_OFF}});
    peer_connect(&busy, &world);
    peer_text(&busy, "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&busy, "xxx");
    tow_stream_pause(&busy.stream);
    tow_server_stop(world.server);
    world_run(&world, 1000000);
    assert_false(tow_server_is_done(world.server));
    tow_stream_resume(&busy.stream);
    peer_expect_end(&busy);
    assert_true(busy.in.length > 500000);
    peer_close(&busy);
    world_run(&world, 20);
    assert_true(tow_server_is_done(world.server));
    world_end(&world);
}

/* More than one tick's worth. */
static void many_sockets_are_drained_a_part_at_a_time(void **state) {
    (void)state;
    enum { COUNT = 2500 };
    static struct peer peers[COUNT];
    struct world world;
    begin(&world, &(tow_simulation_options){.seed = 6, .whole = true, .stream_capacity = 1024},
        (tow_server_options){0});
    for (size_t i = 0; i < COUNT; i++) {
        peer_connect(&peers[i], &world);
        peer_text(&peers[i], OPENING("/echo"));
        if (i % 100 == 99)
            world_run(&world, 20);
    }
    world_run(&world, 100);
    assert_int_equal(world_metric(&world, "websockets"), COUNT);
    tow_server_stop(world.server);
    world_run(&world, 200);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(peer_has_frame(&peers[i], 8, "\x03\xe9", 2));
        peer_frame(&peers[i], 8, "\x03\xe9", 2);
    }
    world_run(&world, 200);
    for (size_t i = 0; i < COUNT; i++)
        peer_close(&peers[i]);
    world_run(&world, 100);
    assert_true(tow_server_is_done(world.server));
    assert_int_equal(closed, COUNT);
    world_end(&world);
}

static void the_drain_is_told_to_health_and_log(void **state) {
    (void)state;
    struct world world;
    struct peer socket, health;
    begin(&world, &(tow_simulation_options){.seed = 7}, (tow_server_options){0});
    open_socket(&socket, &world);
    peer_connect_to(&health, &world, "127.0.0.1:9999");
    peer_text(&health, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&health, "HTTP/1.1 200 OK\r\n");
    peer_expect(&health, "\r\n\r\nok\n");
    tow_server_stop(world.server);
    world_run(&world, 10);
    peer_close(&health);
    peer_connect_to(&health, &world, "127.0.0.1:9999");
    peer_text(&health, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&health, "HTTP/1.1 503 Service Unavailable\r\n");
    peer_expect(&health, "\r\n\r\ndraining\n");
    assert_true(world_logged(&world, "5 draining 1 connections\n"));
    peer_close(&socket);
    world_run(&world, 50);
    assert_true(tow_server_is_done(world.server));
    peer_close(&health);
    world_end(&world);
}

/* The drain begins after each number of steps. */
static void the_drain_may_begin_at_any_time(void **state) {
    (void)state;
    for (int steps = 0; steps < 60; steps++) {
        struct world world;
        struct peer peers[3];
        begin(&world, &(tow_simulation_options){.seed = (uint64_t)steps},
            (tow_server_options){.drain_seconds = 1});
        for (size_t i = 0; i < 3; i++) {
            peer_connect(&peers[i], &world);
            peer_text(
                &peers[i], i == 1 ? "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n" : OPENING("/echo"));
        }
        for (int i = 0; i < steps; i++)
            tow_loop_step(world.loop);
        tow_server_stop(world.server);
        world_run(&world, 1200);
        assert_true(tow_server_is_done(world.server));
        for (size_t i = 0; i < 3; i++)
            peer_close(&peers[i]);
        world_end(&world);
    }
}

/* As a signal handler may call it while this thread is anywhere. */
static void a_stop_takes_no_lock_and_logs_nothing_itself(void **state) {
    struct world world;
    begin(&world, &(tow_simulation_options){.seed = 8}, (tow_server_options){0});
    tow_buffer_clear(&world.log);
    alarm(20); /* what waits for the lock waits for ever */
    pthread_mutex_lock(&world.server->mutex);
    errno = 77;
    tow_server_stop(world.server);
    assert_int_equal(errno, 77);
    pthread_mutex_unlock(&world.server->mutex);
    alarm(0);
    assert_int_equal(world.log.length, 0);
    world_run(&world, 10);
    assert_true(world_logged(&world, "5 draining 0 connections\n"));
    assert_true(tow_server_is_done(world.server));
    world_end(&world);
}

static void what_was_stopped_before_it_listens_drains_at_once(void **state) {
    struct world world;
    world_make(&world, &(tow_simulation_options){.seed = 9}, &(tow_server_options){0});
    tow_server_stop(world.server);
    world_listen(&world);
    world_run(&world, 10);
    assert_true(tow_server_is_done(world.server));
    world_end(&world);
}

/* The loop is never stepped again; the sanitizers see who frees the letter. */
static void a_stop_on_its_way_goes_with_the_loop(void **state) {
    struct world world;
    begin(&world, &(tow_simulation_options){.seed = 10}, (tow_server_options){0});
    tow_server_stop(world.server);
    tow_server_free(world.server);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_get_1001_and_the_server_ends),
        cmocka_unit_test(a_route_says_which_code_they_get),
        cmocka_unit_test(nobody_is_accepted_any_more),
        cmocka_unit_test(idle_http_connections_end_and_answers_under_way_are_finished),
        cmocka_unit_test(answers_without_end_are_ended_by_their_handlers),
        cmocka_unit_test(so_are_those_that_begin_during_the_drain),
        cmocka_unit_test(what_is_kept_may_be_answered_or_broken_off_then),
        cmocka_unit_test(a_request_under_way_is_the_last),
        cmocka_unit_test(who_does_not_answer_is_reset_when_the_time_is_up),
        cmocka_unit_test(without_a_time_limit_the_drain_waits),
        cmocka_unit_test(many_sockets_are_drained_a_part_at_a_time),
        cmocka_unit_test(the_drain_is_told_to_health_and_log),
        cmocka_unit_test(the_drain_may_begin_at_any_time),
        cmocka_unit_test(a_stop_takes_no_lock_and_logs_nothing_itself),
        cmocka_unit_test(what_was_stopped_before_it_listens_drains_at_once),
        cmocka_unit_test(a_stop_on_its_way_goes_with_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
