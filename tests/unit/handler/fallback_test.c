/* A client whose WebSocket something between does not let through goes on by Engine.IO, and is as over a
 * WebSocket. */
#include "../../../src/client/retry.h"
#include "fallback_world.h"

#include "client/client.h"
#include "protocol/close.h"

#include <stdlib.h>
#include <towline/error.h>
#include <towline/shared.h>

enum { SEEDS = 6, MANY = 60 };

/* Polling alone. */
static void open_polling(test_fallback *world, uint64_t seed) {
    world->gate.upgrades = world->gate.upgrades == GATE_PASSES ? GATE_REFUSES : world->gate.upgrades;
    world->gate.link = GATE_REFUSES;
    fallback_open(world, seed);
    fallback_connect(world);
    fallback_until(world, world->here.opens == 1 || world->here.closes == 1);
    assert_string_equal(world->here.text, "");
}

static void assert_message(const heard_log *log, size_t number, tow_message_type type, const char *text) {
    assert_true(number < log->count);
    assert_int_equal(log->types[number], type);
    assert_string_equal(log->firsts[number], text);
}

static void send_numbers(tow_websocket *socket, size_t from, size_t count) {
    for (size_t i = from; i < from + count; i++) {
        char text[24];
        snprintf(text, sizeof(text), "%zu", i);
        fallback_send(socket, text);
    }
}

static void assert_numbers(const heard_log *log, size_t count) {
    assert_true(log->count >= count);
    for (size_t i = 0; i < count; i++) {
        char text[24];
        snprintf(text, sizeof(text), "%zu", i);
        assert_string_equal(log->firsts[i], text);
    }
}

/* Beginnings. */

static void whatever_becomes_of_upgrades_is_followed_by_polling(void **state) {
    static const gate_act acts[] = {
        GATE_REFUSES, GATE_RESETS, GATE_ENDS, GATE_SAYS_NOTHING, GATE_SAYS_OK, GATE_SAYS_NONSENSE};
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            test_fallback world = {.gate.upgrades = acts[i], .echoes = true};
            open_polling(&world, seed);
            assert_int_equal(world.here.errors, 0);
            fallback_send(world.client, "h\xc3\xa9llo");
            assert_true(tow_websocket_send(world.client, TOW_BINARY, "\0\1\376\377", 4) >= 0);
            fallback_send(world.client, "");
            fallback_send(world.client, "a\x1e"
                                        "4b");
            fallback_until(&world, world.here.count == 4);
            assert_message(&world.here, 0, TOW_TEXT, "h\xc3\xa9llo");
            assert_message(&world.here, 1, TOW_BINARY, "");
            assert_int_equal(world.here.lengths[1], 4);
            assert_message(&world.here, 2, TOW_TEXT, "");
            assert_message(&world.here, 3, TOW_TEXT,
                "a\x1e"
                "4b");
            fallback_until(&world, tow_websocket_buffered_amount(world.client) == 0);
            fallback_close(&world);
        }
    }
}

static void silence_is_not_waited_for_as_long_as_one_may(void **state) {
    test_fallback world = {.gate.upgrades = GATE_SAYS_NOTHING, .gate.link = GATE_REFUSES};
    fallback_open(&world, 1);
    int64_t before = tow_loop_now(world.world.loop);
    fallback_connect(&world);
    fallback_until(&world, world.here.opens == 1);
    assert_in_range(tow_loop_now(world.world.loop) - before, 5 * TOW_SECOND, 6 * TOW_SECOND);
    fallback_close(&world);
}

static void without_the_option_it_fails_as_before(void **state) {
    test_fallback world = {.gate.upgrades = GATE_REFUSES};
    fallback_open(&world, 1);
    world.options.fallback = false;
    fallback_connect(&world);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_HTTP_STATUS);
    assert_string_equal(world.here.text, "the server answered 400 Bad Request");
    fallback_close(&world);
}

static void where_websocket_gets_through_nothing_else_is_asked_for(void **state) {
    test_fallback world = {.echoes = true};
    fallback_meet(&world, 1);
    fallback_send(world.client, "hello");
    fallback_until(&world, world.here.count == 1);
    assert_int_equal(world.gate.accepts, 1);
    fallback_close(&world);
}

static void fields_of_a_connection_do_not_go_along(void **state) {
    static const tow_header_field headers[] = {{"TE", "trailers"}, {"X-Note", "a"}, {NULL, NULL}};
    test_fallback world = {.options.headers = headers, .echoes = true};
    open_polling(&world, 1);
    fallback_send(world.client, "hello");
    fallback_until(&world, world.here.count == 1);
    fallback_close(&world);
}

static void the_subprotocol_is_agreed_on(void **state) {
    static const char *const offered[] = {"other", "quiz", NULL};
    test_fallback world = {.options.protocols = offered};
    open_polling(&world, 1);
    assert_string_equal(world.here.protocol, "quiz");
    assert_string_equal(world.there.protocol, "quiz");
    fallback_close(&world);
}

static void one_that_is_not_acknowledged_fails_it(void **state) {
    static const char *const offered[] = {"other", NULL};
    test_fallback world = {.options.protocols = offered, .gate.upgrades = GATE_REFUSES};
    fallback_begin(&world, 1);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_HANDSHAKE_PROTOCOL);
    fallback_close(&world);
}

static void what_answered_is_told(void **state) {
    test_fallback world = {0};
    char peer[64];
    open_polling(&world, 1);
    assert_int_equal(tow_response_status(tow_websocket_response(world.client)), 200);
    assert_int_equal(tow_websocket_peer(world.client, peer, sizeof(peer)), 0);
    assert_string_equal(peer, "127.0.0.1:7000");
    assert_string_equal(tow_websocket_extensions(world.client), "");
    tow_tls_details details;
    assert_int_equal(tow_client_tls_details(world.client, false, &details), TOW_ERROR_STATE);
    fallback_close(&world);
}

static void what_the_server_says_to_polls_counts(void **state) {
    test_fallback world = {.url = "ws://127.0.0.1:7000/nowhere", .gate.upgrades = GATE_RESETS};
    fallback_begin(&world, 1);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_RESET); /* nothing there speaks Engine.IO */
    assert_non_null(strstr(world.here.text, "; by polling: the server answered 404 Not Found"));
    fallback_close(&world);
}

static void an_origin_that_is_refused_is_told(void **state) {
    test_fallback world = {.options.origin = "http://evil.example", .gate.upgrades = GATE_REFUSES};
    fallback_begin(&world, 1);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_HTTP_STATUS);
    assert_int_equal(world.here.http_status, 403);
    assert_int_equal(tow_response_status(tow_websocket_response(world.client)), 403);
    fallback_close(&world);
}

/* Memory. */

static void what_worked_last_is_remembered(void **state) {
    test_fallback world = {.echoes = true};
    open_polling(&world, 1);
    fallback_until(&world, world.gate.upgrades_seen == 2);
    fallback_connect(&world);
    fallback_until(&world, world.here.opens == 1 && world.gate.upgrades_seen == 3);
    fallback_send(world.client, "hello");
    fallback_until(&world, world.here.count == 1);
    assert_int_equal(world.gate.upgrades_seen, 3); /* an upgrade, and no opening handshake at /echo */
    fallback_close(&world);
}

static void what_is_remembered_is_forgotten_after_an_hour(void **state) {
    test_fallback world = {0};
    open_polling(&world, 1);
    tow_websocket_free(world.client);
    world.client = NULL;
    world.gate.upgrades = GATE_PASSES;
    world_run(&world.world, 3600 * 1000);
    size_t accepts = world.gate.accepts;
    fallback_connect(&world);
    fallback_until(&world, world.here.opens == 1);
    assert_int_equal(world.gate.accepts, accepts + 1);
    fallback_close(&world);
}

static void a_websocket_that_is_cut_early_is_followed_by_polling_alone(void **state) {
    test_fallback world = {.echoes = true};
    fallback_meet(&world, 1);
    world_run(&world.world, 10000);
    gate_cut(&world.gate);
    fallback_until(&world, world.here.closes == 1);
    size_t seen = world.gate.upgrades_seen;
    fallback_connect(&world);
    fallback_until(&world, world.here.opens == 1);
    fallback_send(world.client, "hello");
    fallback_until(&world, world.here.count == 1);
    world_run(&world.world, 10000);
    assert_int_equal(world.gate.upgrades_seen, seen);
    fallback_close(&world);
}

static void a_cut_is_forgotten_after_an_hour_of_sessions_too(void **state) {
    test_fallback world = {0};
    fallback_meet(&world, 1);
    gate_cut(&world.gate);
    fallback_until(&world, world.here.closes == 1);
    size_t seen = world.gate.upgrades_seen;
    for (int i = 0; i < 2; i++) {
        world_run(&world.world, 1750 * 1000);
        fallback_connect(&world);
        fallback_until(&world, world.here.opens == 1);
        assert_int_equal(world.gate.upgrades_seen, seen);
    }
    world_run(&world.world, 150 * 1000);
    fallback_connect(&world);
    fallback_until(&world, world.here.opens == 1);
    assert_int_equal(world.gate.upgrades_seen, seen + 1);
    fallback_close(&world);
}

static void what_is_remembered_wrongly_does_no_harm(void **state) {
    test_fallback world = {0};
    open_polling(&world, 1);
    assert_int_equal(tow_server_unroute(world.world.server, "/echo"), 0);
    const tow_handler handler = {0};
    assert_int_equal(tow_server_route(world.world.server, "/other", &handler), 0);
    world.gate.upgrades = GATE_PASSES;
    world.url = "ws://127.0.0.1:7000/nowhere";
    fallback_connect(&world);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_HTTP_STATUS);
    assert_string_equal(world.here.text, "the server answered 404 Not Found: nothing is served at this path");
    fallback_close(&world);
}

/* Polling, which is remembered, fails as the server does; that the gate refuses WebSocket says nothing of it.
 */
static void a_server_that_is_gone_for_a_moment_is_no_refusal(void **state) {
    static const gate_act acts[] = {GATE_ENDS, GATE_SAYS_NOTHING};
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        test_fallback world = {0};
        open_polling(&world, 1);
        world.gate.polls = acts[i];
        gate_cut(&world.gate);
        for (int time = 0; time < 2; time++) {
            fallback_connect(&world);
            fallback_until(&world, world.here.closes == 1);
            assert_int_equal(world.here.http_status, 0);
            assert_true(tow_retry_may_help(world.here.error, world.here.http_status));
            assert_non_null(strstr(world.here.text, "the server answered 400 Bad Request; by polling: "));
        }
        world.gate.polls = GATE_PASSES;
        fallback_connect(&world);
        fallback_until(&world, world.here.opens == 1);
        fallback_close(&world);
    }
}

/* Ends. */

static void what_is_remembered_and_hangs_leaves_time_for_websocket(void **state) {
    test_fallback world = {.options.connect_seconds = 10};
    open_polling(&world, 7);
    world.gate.upgrades = GATE_PASSES;
    world.gate.polls = GATE_SAYS_NOTHING;
    for (size_t time = 0; time < 2; time++) { /* it is forgotten at the first */
        int64_t began = tow_loop_now(world.world.loop);
        fallback_connect(&world);
        fallback_until(&world, world.here.opens == 1 || world.here.closes > 0);
        assert_int_equal(world.here.closes, 0);
        assert_int_equal((tow_loop_now(world.world.loop) - began) / TOW_SECOND, time == 0 ? 5 : 0);
    }
    fallback_close(&world);
}

static void the_clients_close_reaches_the_handler(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_fallback world = {0};
        open_polling(&world, seed);
        fallback_send(world.client, "before");
        assert_int_equal(tow_websocket_close(world.client, 4001, "bye"), 0);
        assert_int_equal(tow_websocket_ready_state(world.client), TOW_CLOSING);
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.code, 4001);
        assert_true(world.here.was_clean);
        assert_int_equal(world.here.errors, 0);
        assert_int_equal(world.there.count, 1);
        fallback_until(&world, world.there.closes == 1);
        assert_int_equal(world.there.code, 4001);
        assert_string_equal(world.there.reason, "bye");
        assert_true(world.there.was_clean);
        fallback_close(&world);
    }
}

static void the_handlers_close_reaches_the_client(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_fallback world = {0};
        open_polling(&world, seed);
        fallback_send(world.there.socket, "before");
        assert_int_equal(tow_websocket_close(world.there.socket, 4002, "enough"), 0);
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.count, 1);
        assert_int_equal(world.here.code, 4002);
        assert_string_equal(world.here.reason, "enough");
        assert_true(world.here.was_clean);
        fallback_until(&world, world.there.closes == 1);
        assert_int_equal(world.there.code, 4002);
        assert_true(world.there.was_clean);
        fallback_close(&world);
    }
}

static void a_close_without_a_code_stays_one(void **state) {
    test_fallback world = {0};
    open_polling(&world, 1);
    assert_int_equal(tow_websocket_close(world.client, 0, NULL), 0);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.code, TOW_CLOSE_NO_STATUS);
    assert_int_equal(world.there.code, TOW_CLOSE_NO_STATUS);
    fallback_close(&world);
}

static void a_drain_is_told(void **state) {
    test_fallback world = {0};
    open_polling(&world, 1);
    tow_server_stop(world.world.server);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.code, 1001);
    assert_true(world.here.was_clean);
    fallback_close(&world);
}

/* Its answer to a post that comes later does not hide that. */
static void a_drain_is_told_to_who_speaks_meanwhile(void **state) {
    for (uint64_t seed = 0; seed < 6 * SEEDS; seed++) {
        test_fallback world = {0};
        open_polling(&world, seed);
        for (int i = 0; i < (int)seed; i++)
            assert_true(tow_loop_step(world.world.loop) >= 0);
        tow_server_stop(world.world.server);
        for (int i = 0; i < 100 && world.here.closes == 0; i++) {
            (void)tow_websocket_send(world.client, TOW_TEXT, "x", 1);
            assert_true(tow_loop_step(world.world.loop) >= 0);
        }
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.code, 1001);
        fallback_close(&world);
    }
}

static void a_server_that_is_gone_is_an_honest_end(void **state) {
    test_fallback world = {0};
    open_polling(&world, 1);
    fallback_send(world.client, "lost?");
    world.gate.server = "127.0.0.1:1";
    gate_cut(&world.gate);
    int64_t before = tow_loop_now(world.world.loop);
    fallback_until(&world, world.here.closes == 1);
    assert_in_range(tow_loop_now(world.world.loop) - before, 14 * TOW_SECOND, 25 * TOW_SECOND);
    assert_int_equal(world.here.code, 1006);
    assert_int_equal(world.here.errors, 1);
    assert_false(world.here.was_clean);
    assert_int_equal(tow_websocket_buffered_amount(world.client), 5);
    fallback_close(&world);
}

static void it_may_be_freed_at_any_time(void **state) {
    for (int steps = 0; steps < 120; steps++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES, .echoes = true};
        world.gate.link = steps % 2 == 0 ? GATE_PASSES : GATE_REFUSES;
        fallback_begin(&world, (uint64_t)steps);
        for (int i = 0; i < steps; i++) {
            if (world.here.opens == 1)
                (void)tow_websocket_send(world.client, TOW_TEXT, "x", 1);
            assert_true(tow_loop_step(world.world.loop) >= 0);
        }
        tow_websocket_free(world.client);
        world.client = NULL;
        world_run(&world.world, 60000);
        assert_int_equal(world.there.opens, world.there.closes);
        fallback_close(&world);
    }
}

static void it_may_be_closed_at_any_time(void **state) {
    for (int steps = 0; steps < 120; steps++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES};
        world.gate.link = steps % 2 == 0 ? GATE_PASSES : GATE_REFUSES;
        fallback_begin(&world, (uint64_t)steps);
        for (int i = 0; i < steps; i++)
            assert_true(tow_loop_step(world.world.loop) >= 0);
        bool was_open = tow_websocket_ready_state(world.client) == TOW_OPEN;
        assert_int_equal(tow_websocket_close(world.client, 3000, "done"), 0);
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.code, was_open ? 3000 : 1006);
        assert_int_equal(world.here.was_clean, was_open);
        world_run(&world.world, 60000);
        if (was_open)
            assert_int_equal(world.there.code, 3000);
        fallback_close(&world);
    }
}

static void the_handlers_close_is_heard_whenever_it_comes(void **state) {
    for (int steps = 0; steps < 150; steps++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES};
        fallback_meet(&world, (uint64_t)steps);
        for (int i = 0; i < steps; i++)
            assert_true(tow_loop_step(world.world.loop) >= 0);
        fallback_send(world.there.socket, "last");
        assert_int_equal(tow_websocket_close(world.there.socket, 4002, "enough"), 0);
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.count, 1);
        assert_int_equal(world.here.code, 4002);
        assert_string_equal(world.here.reason, "enough");
        assert_true(world.here.was_clean);
        fallback_until(&world, world.there.closes == 1);
        assert_int_equal(world.there.code, 4002);
        fallback_close(&world);
    }
}

static void it_is_heard_by_who_speaks_meanwhile(void **state) {
    for (int steps = 0; steps < 150; steps++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES};
        world.gate.link = steps % 2 == 0 ? GATE_PASSES : GATE_REFUSES;
        fallback_meet(&world, (uint64_t)steps);
        for (int i = 0; i < steps + 200 && world.here.closes == 0; i++) {
            if (i == steps)
                assert_int_equal(tow_websocket_close(world.there.socket, 4002, "enough"), 0);
            (void)tow_websocket_send(world.client, TOW_TEXT, "x", 1);
            assert_true(tow_loop_step(world.world.loop) >= 0);
        }
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.code, 4002);
        assert_string_equal(world.here.reason, "enough");
        fallback_close(&world);
    }
}

/* Upgrades. */

static void it_upgrades_and_loses_nothing_over_it(void **state) {
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES, .echoes = true};
        fallback_meet(&world, seed);
        size_t sent = 0;
        while (sent < MANY) {
            send_numbers(world.client, sent++, 1);
            world_run(&world.world, (int)(seed % 5) * 10);
        }
        fallback_until(&world, world.here.count == MANY);
        world_run(&world.world, 1000);
        size_t accepts = world.gate.accepts;
        assert_int_equal(world.gate.upgrades_seen, 2);
        send_numbers(world.client, MANY, MANY);
        fallback_until(&world, world.here.count == 2 * MANY);
        assert_numbers(&world.here, 2 * MANY);
        assert_int_equal(world.gate.accepts, accepts); /* over the WebSocket */
        assert_int_equal(tow_websocket_close(world.client, 4001, "bye"), 0);
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.code, 4001);
        assert_true(world.here.was_clean);
        fallback_until(&world, world.there.closes == 1);
        assert_int_equal(world.there.code, 4001);
        assert_string_equal(world.there.reason, "bye");
        fallback_close(&world);
    }
}

static void an_upgraded_one_hears_the_handlers_close(void **state) {
    test_fallback world = {.gate.upgrades = GATE_REFUSES, .echoes = true};
    fallback_meet(&world, 3);
    world_run(&world.world, 5000);
    fallback_send(world.there.socket, "last");
    assert_int_equal(tow_websocket_close(world.there.socket, 4003, "why not"), 0);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.count, 1);
    assert_int_equal(world.here.code, 4003);
    assert_string_equal(world.here.reason, "why not");
    assert_true(world.here.was_clean);
    fallback_close(&world);
}

static void an_upgraded_one_hears_why_the_server_gave_it_up(void **state) {
    test_fallback world = {.gate.upgrades = GATE_REFUSES};
    fallback_meet(&world, 3);
    world_run(&world.world, 5000);
    tow_websocket_pause(world.client);
    fallback_until(&world, world.there.closes == 1);
    assert_int_equal(world.there.code, 1006);
    tow_websocket_resume(world.client);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.code, 1001);
    assert_string_equal(world.here.reason, "nothing was received for idle-seconds");
    fallback_close(&world);
}

static void an_upgraded_one_that_is_cut_is_remembered(void **state) {
    test_fallback world = {.gate.upgrades = GATE_REFUSES};
    fallback_meet(&world, 3);
    world_run(&world.world, 5000);
    gate_cut(&world.gate);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.code, 1006);
    assert_int_equal(world.here.error, TOW_ERROR_ENDED);
    size_t seen = world.gate.upgrades_seen;
    fallback_connect(&world);
    fallback_until(&world, world.here.opens == 1);
    world_run(&world.world, 5000);
    assert_int_equal(world.gate.upgrades_seen, seen);
    fallback_close(&world);
}

/* Its Pings are answered, on either way. */
static void it_stays(void **state) {
    for (int upgrades = 0; upgrades < 2; upgrades++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES};
        world.gate.link = upgrades ? GATE_PASSES : GATE_REFUSES;
        fallback_meet(&world, 2);
        world_run(&world.world, 300 * 1000);
        assert_int_equal(world.here.closes + world.there.closes, 0);
        fallback_close(&world);
    }
}

/* After three polls. */
static void a_network_that_falls_silent_is_noticed(void **state) {
    test_fallback world = {0};
    open_polling(&world, 2);
    world_run(&world.world, 5000);
    fallback_send(world.client, "lost");
    world.gate.swallows = true;
    int64_t before = tow_loop_now(world.world.loop);
    fallback_until(&world, world.here.closes == 1);
    assert_in_range(tow_loop_now(world.world.loop) - before, 30 * TOW_SECOND, 40 * TOW_SECOND);
    assert_int_equal(world.here.error, TOW_ERROR_TIMED_OUT);
    assert_int_equal(world.here.code, 1006);
    fallback_close(&world);
}

static void a_network_that_is_silent_for_a_while_costs_nothing(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        test_fallback world = {.echoes = true};
        open_polling(&world, seed);
        send_numbers(world.client, 0, 5);
        world_run(&world.world, (int)seed);
        world.gate.swallows = true;
        send_numbers(world.client, 5, 5);
        world_run(&world.world, 10000);
        world.gate.swallows = false;
        send_numbers(world.client, 10, 5);
        fallback_until(&world, world.here.count == 15);
        assert_numbers(&world.here, 15);
        assert_numbers(&world.there, 15);
        fallback_close(&world);
    }
}

/* A poll has its time anew with each piece, and a post more the longer it is; and the server keeps a session
 * for longer behind a long answer, which the gate takes from it at once. */
static void a_network_that_is_slow_is_waited_for(void **state) {
    enum { KIB = 1024 };
    static char text[600 * KIB];
    memset(text, 'x', sizeof(text));
    for (int is_post = 0; is_post < 2; is_post++) {
        const size_t length = is_post ? 190 * KIB : sizeof(text);
        const size_t least = is_post ? 36 : 49, most = is_post ? 40 : 52; /* seconds */
        test_fallback world = {0};
        open_polling(&world, 1);
        const heard_log *hearer = is_post ? &world.there : &world.here;
        tow_websocket *speaker = is_post ? world.client : world.there.socket;
        size_t seconds = 0;
        world.gate.is_slow = true;
        gate_let_through(&world.gate, 0);
        assert_true(tow_websocket_send(speaker, TOW_TEXT, text, length) >= 0);
        for (; hearer->count == 0 && world.here.closes == 0; seconds++) {
            gate_let_through(&world.gate, length / least);
            world_run(&world.world, 1000);
        }
        assert_int_equal(world.here.closes, 0);
        assert_in_range(seconds, least, most);
        assert_int_equal(hearer->lengths[0], length);
        assert_true(world.gate.bytes < 2 * length); /* it came once */
        world.gate.is_slow = false;
        fallback_close(&world);
    }
}

static void a_server_that_falls_silent_is_left(void **state) {
    test_fallback world = {.gate.upgrades = GATE_REFUSES};
    fallback_meet(&world, 2);
    world_run(&world.world, 5000);
    for (size_t i = 0; i < GATE_WAYS; i++) /* nothing comes through any more */
        if (world.gate.ways[i].far_open)
            tow_stream_pause(&world.gate.ways[i].far);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_TIMED_OUT);
    fallback_close(&world);
}

/* In either direction what is on its way is life, though nobody can answer a Ping meanwhile. */
static void an_upgraded_one_outlives_long_messages(void **state) {
    enum { LENGTH = 190 * 1024, BYTES_A_SECOND = 2 * 1024 };
    static char bytes[LENGTH]; /* that compress badly */
    uint32_t chance = 1;
    for (size_t i = 0; i < LENGTH; i++)
        bytes[i] = (char)((chance = chance * 1664525 + 1013904223) >> 24);
    for (int is_up = 0; is_up < 2; is_up++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES};
        fallback_meet(&world, 3);
        world_run(&world.world, 5000);
        const heard_log *hearer = is_up ? &world.there : &world.here;
        tow_websocket *speaker = is_up ? world.client : world.there.socket;
        world.gate.is_slow = world.gate.is_narrow = true;
        gate_let_through(&world.gate, 0);
        assert_true(tow_websocket_send(speaker, TOW_BINARY, bytes, LENGTH) >= 0);
        size_t seconds = 0;
        for (; hearer->count == 0 && world.here.closes + world.there.closes == 0; seconds++) {
            gate_let_through(&world.gate, BYTES_A_SECOND);
            world_run(&world.world, 1000);
        }
        assert_int_equal(world.here.closes + world.there.closes, 0);
        assert_in_range(seconds, 90, 110);
        world.gate.is_slow = false;
        gate_let_through(&world.gate, 0);
        world_run(&world.world, 60 * 1000);
        assert_int_equal(world.here.closes + world.there.closes, 0);
        world.gate.swallows = true;
        fallback_until(&world, world.here.closes == 1 && world.there.closes == 1);
        fallback_close(&world);
    }
}

/* Cuts. */

static void run_with_cut(uint64_t seed, size_t cut_at, gate_act link, bool *was_cut) {
    enum { COUNT = 12 };
    test_fallback world = {.gate.upgrades = GATE_REFUSES};
    world.gate.link = link;
    fallback_meet(&world, seed);
    world.gate.bytes = 0;
    world.gate.cut_at = cut_at;
    for (size_t i = 0; i < COUNT && world.there.socket != NULL && world.here.closes == 0; i++) {
        send_numbers(world.client, i, 1);
        send_numbers(world.there.socket, i, 1);
        world_run(&world.world, 60);
    }
    fallback_until(
        &world, world.here.closes == 1 || (world.here.count == COUNT && world.there.count == COUNT));
    assert_numbers(&world.here, world.here.count);
    assert_numbers(&world.there, world.there.count);
    bool was_cut_before = world.gate.cut_at == 0;
    if (world.here.closes == 0) {
        assert_int_equal(tow_websocket_close(world.client, 4001, "bye"), 0);
        fallback_until(&world, world.here.closes == 1);
    } else {
        assert_true(link == GATE_PASSES);
    }
    assert_int_equal(world.here.code, world.here.was_clean ? 4001 : 1006);
    if (link == GATE_REFUSES && was_cut_before) /* else the last word may have been lost */
        assert_true(world.here.was_clean);
    *was_cut = world.gate.cut_at == 0;
    fallback_close(&world);
}

static void a_cut_at_each_step_of_polling_loses_nothing(void **state) {
    bool was_cut = true;
    for (size_t cut_at = 1; was_cut; cut_at += 23)
        run_with_cut(cut_at % 7, cut_at, GATE_REFUSES, &was_cut);
}

static void a_cut_at_each_step_of_an_upgrade_loses_nothing_or_is_an_honest_end(void **state) {
    bool was_cut = true;
    for (size_t cut_at = 1; was_cut; cut_at += 23)
        run_with_cut(cut_at % 7, cut_at, GATE_PASSES, &was_cut);
}

static void many_cuts_lose_nothing(void **state) {
    for (uint64_t seed = 0; seed < 2 * SEEDS; seed++) {
        enum { COUNT = 400 };
        test_fallback world = {.gate.cut_milliseconds = 333, .echoes = true};
        open_polling(&world, seed);
        for (size_t i = 0; i < COUNT; i += 4) {
            send_numbers(world.client, i, 4);
            world_run(&world.world, 40);
        }
        fallback_until(&world, world.here.count == COUNT);
        assert_numbers(&world.here, COUNT);
        assert_numbers(&world.there, COUNT);
        assert_true(world.gate.cuts > 10);
        world.gate.cut_milliseconds = 0;
        fallback_close(&world);
    }
}

/* Flow and limits. */

static void while_it_is_paused_nothing_is_told_and_nothing_lost(void **state) {
    for (int upgrades = 0; upgrades < 2; upgrades++) {
        test_fallback world = {.gate.upgrades = GATE_REFUSES};
        world.gate.link = upgrades ? GATE_PASSES : GATE_REFUSES;
        fallback_meet(&world, 2);
        world_run(&world.world, upgrades ? 5000 : 0);
        tow_websocket_pause(world.client);
        for (size_t i = 0; i < 20; i++) {
            send_numbers(world.there.socket, i, 1);
            world_run(&world.world, 1000);
        }
        assert_int_equal(world.here.count, 0);
        assert_int_equal(world.here.closes, 0);
        tow_websocket_resume(world.client);
        fallback_until(&world, world.here.count == 20);
        assert_numbers(&world.here, 20);
        fallback_close(&world);
    }
}

static void pauses_after_each_message(test_fallback *world) {
    tow_websocket_pause(world->client);
}

static void it_may_pause_at_each_message(void **state) {
    test_fallback world = {.then_message = pauses_after_each_message};
    open_polling(&world, 4);
    send_numbers(world.there.socket, 0, 20);
    for (size_t i = 1; i <= 20; i++) {
        fallback_until(&world, world.here.count == i);
        world_run(&world.world, 100);
        assert_int_equal(world.here.count, i);
        tow_websocket_resume(world.client);
    }
    assert_numbers(&world.here, 20);
    fallback_close(&world);
}

static void what_waits_is_counted_and_its_end_told(void **state) {
    for (int upgrades = 0; upgrades < 2; upgrades++) {
        char text[30000];
        test_fallback world = {
            .options.limits = {.high_mark = 50000, .max_queue = 400000, .compression = TOW_COMPRESSION_OFF}};
        world.gate.upgrades = GATE_REFUSES;
        world.gate.link = upgrades ? GATE_PASSES : GATE_REFUSES;
        fallback_meet(&world, 5);
        world_run(&world.world, upgrades ? 5000 : 0);
        memset(text, 'x', sizeof(text));
        for (int64_t i = 1; i <= 8; i++) {
            int64_t waits = tow_websocket_send(world.client, TOW_TEXT, text, sizeof(text));
            assert_true(upgrades ? waits >= 0 : waits == i * (int64_t)sizeof(text));
        }
        fallback_until(&world, world.here.drains == 1);
        fallback_until(&world, world.there.count == 8);
        fallback_until(&world, tow_websocket_buffered_amount(world.client) == 0);
        fallback_close(&world);
    }
}

static void more_than_may_wait_is_refused_or_ends_it(void **state) {
    for (int closes = 0; closes < 2; closes++) {
        char text[1000];
        test_fallback world = {.options.limits = {.max_queue = 5000}};
        world.options.limits.overflow = closes ? TOW_OVERFLOW_CLOSE : TOW_OVERFLOW_REFUSE;
        open_polling(&world, 5);
        memset(text, 'x', sizeof(text));
        size_t sent = 0;
        int64_t result;
        while ((result = tow_websocket_send(world.client, TOW_TEXT, text, sizeof(text))) >= 0)
            sent++;
        assert_int_equal(result, TOW_ERROR_QUEUE_FULL);
        assert_in_range(sent, 5, 7);
        if (closes)
            fallback_until(&world, world.here.closes == 1);
        else
            fallback_until(&world, world.here.drains == 1 && world.there.count == sent);
        fallback_close(&world);
    }
}

static void the_oldest_are_dropped_where_that_is_asked_for(void **state) {
    test_fallback world = {.options.limits = {.max_queue = 100, .overflow = TOW_OVERFLOW_DROP_OLDEST}};
    open_polling(&world, 5);
    send_numbers(world.client, 0, 100);
    assert_true(tow_websocket_dropped(world.client) > 0);
    fallback_until(&world, tow_websocket_buffered_amount(world.client) == 0);
    assert_int_equal(world.there.count, 100 - tow_websocket_dropped(world.client));
    assert_string_equal(world.there.firsts[world.there.count - 1], "99");
    fallback_close(&world);
}

static void too_large_a_message_is_an_error(void **state) {
    for (int upgrades = 0; upgrades < 2; upgrades++) {
        char text[2000];
        test_fallback world = {.options.limits.max_message = 1999};
        world.gate.upgrades = GATE_REFUSES;
        world.gate.link = upgrades ? GATE_PASSES : GATE_REFUSES;
        fallback_meet(&world, 5);
        world_run(&world.world, upgrades ? 5000 : 0);
        memset(text, 'x', sizeof(text));
        assert_true(tow_websocket_send(world.there.socket, TOW_TEXT, text, 1999) >= 0);
        fallback_until(&world, world.here.count == 1);
        assert_true(tow_websocket_send(world.there.socket, TOW_TEXT, text, 2000) >= 0);
        fallback_until(&world, world.here.closes == 1);
        assert_int_equal(world.here.error, TOW_ERROR_MESSAGE_TOO_LARGE);
        fallback_until(&world, world.there.closes == 1);
        assert_int_equal(world.there.code, 1009);
        fallback_close(&world);
    }
}

static void a_message_that_the_server_does_not_take_is_an_error(void **state) {
    test_fallback world = {0};
    static char text[250000];
    open_polling(&world, 5);
    memset(text, 'x', sizeof(text));
    assert_true(tow_websocket_send(world.client, TOW_TEXT, text, sizeof(text)) >= 0);
    fallback_until(&world, world.here.closes == 1);
    assert_int_equal(world.here.error, TOW_ERROR_MESSAGE_TOO_LARGE);
    assert_string_equal(world.here.text, "the server takes no message of that size by polling");
    fallback_close(&world);
}

/* Pieces, shared messages. */

static struct { size_t pieces, firsts, lasts, bytes; } pieces;

static void on_piece(tow_websocket *socket, const tow_message_piece *piece) {
    (void)socket;
    pieces.pieces++;
    pieces.firsts += piece->first;
    pieces.lasts += piece->last;
    pieces.bytes += piece->length;
}

static void messages_in_pieces_go_both_ways(void **state) {
    test_fallback world = {.options.on_piece = on_piece, .echoes = true};
    memset(&pieces, 0, sizeof(pieces));
    open_polling(&world, 6);
    for (int i = 0; i < 3; i++) {
        const tow_message_piece piece = {
            .type = TOW_BINARY, .data = (const uint8_t *)"abc", .length = 3, .first = i == 0, .last = i == 2};
        assert_true(tow_websocket_send_piece(world.client, &piece) >= 0);
    }
    fallback_until(&world, pieces.lasts == 1);
    assert_int_equal(world.there.lengths[0], 9);
    assert_int_equal(pieces.firsts, 1);
    assert_int_equal(pieces.bytes, 9);
    fallback_close(&world);
}

static void a_shared_message_goes_as_well(void **state) {
    test_fallback world = {.echoes = true};
    tow_shared *shared;
    open_polling(&world, 6);
    assert_int_equal(tow_shared_new(&shared, TOW_TEXT, "shared", 6), 0);
    assert_true(tow_websocket_send_shared(world.client, shared) >= 0);
    tow_shared_release(shared);
    fallback_until(&world, world.here.count == 1);
    assert_message(&world.here, 0, TOW_TEXT, "shared");
    fallback_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_becomes_of_upgrades_is_followed_by_polling),
        cmocka_unit_test(silence_is_not_waited_for_as_long_as_one_may),
        cmocka_unit_test(without_the_option_it_fails_as_before),
        cmocka_unit_test(where_websocket_gets_through_nothing_else_is_asked_for),
        cmocka_unit_test(fields_of_a_connection_do_not_go_along),
        cmocka_unit_test(the_subprotocol_is_agreed_on),
        cmocka_unit_test(one_that_is_not_acknowledged_fails_it),
        cmocka_unit_test(what_answered_is_told),
        cmocka_unit_test(what_the_server_says_to_polls_counts),
        cmocka_unit_test(an_origin_that_is_refused_is_told),
        cmocka_unit_test(what_worked_last_is_remembered),
        cmocka_unit_test(what_is_remembered_is_forgotten_after_an_hour),
        cmocka_unit_test(a_websocket_that_is_cut_early_is_followed_by_polling_alone),
        cmocka_unit_test(a_cut_is_forgotten_after_an_hour_of_sessions_too),
        cmocka_unit_test(what_is_remembered_wrongly_does_no_harm),
        cmocka_unit_test(a_server_that_is_gone_for_a_moment_is_no_refusal),
        cmocka_unit_test(what_is_remembered_and_hangs_leaves_time_for_websocket),
        cmocka_unit_test(the_clients_close_reaches_the_handler),
        cmocka_unit_test(the_handlers_close_reaches_the_client),
        cmocka_unit_test(a_close_without_a_code_stays_one),
        cmocka_unit_test(a_drain_is_told),
        cmocka_unit_test(a_drain_is_told_to_who_speaks_meanwhile),
        cmocka_unit_test(a_server_that_is_gone_is_an_honest_end),
        cmocka_unit_test(it_may_be_freed_at_any_time),
        cmocka_unit_test(it_may_be_closed_at_any_time),
        cmocka_unit_test(the_handlers_close_is_heard_whenever_it_comes),
        cmocka_unit_test(it_is_heard_by_who_speaks_meanwhile),
        cmocka_unit_test(it_upgrades_and_loses_nothing_over_it),
        cmocka_unit_test(an_upgraded_one_hears_the_handlers_close),
        cmocka_unit_test(an_upgraded_one_hears_why_the_server_gave_it_up),
        cmocka_unit_test(an_upgraded_one_that_is_cut_is_remembered),
        cmocka_unit_test(an_upgraded_one_outlives_long_messages),
        cmocka_unit_test(it_stays),
        cmocka_unit_test(a_network_that_falls_silent_is_noticed),
        cmocka_unit_test(a_network_that_is_silent_for_a_while_costs_nothing),
        cmocka_unit_test(a_network_that_is_slow_is_waited_for),
        cmocka_unit_test(a_server_that_falls_silent_is_left),
        cmocka_unit_test(a_cut_at_each_step_of_polling_loses_nothing),
        cmocka_unit_test(a_cut_at_each_step_of_an_upgrade_loses_nothing_or_is_an_honest_end),
        cmocka_unit_test(many_cuts_lose_nothing),
        cmocka_unit_test(while_it_is_paused_nothing_is_told_and_nothing_lost),
        cmocka_unit_test(it_may_pause_at_each_message),
        cmocka_unit_test(what_waits_is_counted_and_its_end_told),
        cmocka_unit_test(more_than_may_wait_is_refused_or_ends_it),
        cmocka_unit_test(the_oldest_are_dropped_where_that_is_asked_for),
        cmocka_unit_test(too_large_a_message_is_an_error),
        cmocka_unit_test(a_message_that_the_server_does_not_take_is_an_error),
        cmocka_unit_test(messages_in_pieces_go_both_ways),
        cmocka_unit_test(a_shared_message_goes_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
