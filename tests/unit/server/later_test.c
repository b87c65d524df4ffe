/* Answers that come later: a handler keeps the exchange, and answers from outside of its callback. */
#include "world.h"

#include "server/exchange.h"

#include <towline/error.h>

enum { SEEDS = 12, KEPT_MAX = 8 };

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\nX-Name: \xc3\xa9\r\n\r\n"

/* What handlers have kept, in the order in which it came. */
static struct kept {
    tow_exchange *exchange;
    int gone, ended;
} kept[KEPT_MAX];
static size_t count;

static void note_gone(tow_exchange *exchange, void *user) {
    struct kept *self = user;
    assert_ptr_equal(self->exchange, exchange);
    self->gone++;
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, NULL, 0), TOW_ERROR_STATE);
}

static bool resets_at_end;

static void note_end(tow_exchange *exchange, void *user) {
    struct kept *self = user;
    assert_ptr_equal(self->exchange, exchange);
    self->ended++;
    if (resets_at_end)
        tow_exchange_reset(exchange);
}

static void keep(tow_exchange *exchange, const tow_request *request) {
    struct kept *self = &kept[count++];
    assert_ptr_equal(tow_exchange_request(exchange), request);
    self->exchange = exchange;
    const tow_exchange_events events = {.on_gone = note_gone, .on_end = note_end, .user = self};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
}

static void keep_what_is_answered(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_keep(exchange, NULL), 0);
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "at once", 7), 0);
    assert_int_equal(tow_exchange_keep(exchange, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "twice", 5), TOW_ERROR_STATE);
}

static void keep_with_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
    assert_int_equal(length, 4);
    assert_memory_equal(body, "four", 4);
    assert_string_equal(tow_request_path(tow_exchange_request(exchange)), "/body");
    keep(exchange, tow_exchange_request(exchange));
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 10, keep_with_body, NULL), 0);
}

static void pause_piece(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last) {
    if (!is_last)
        tow_exchange_pause(exchange);
}

static void keep_and_pause(tow_exchange *exchange, const tow_request *request) {
    keep(exchange, request);
    assert_int_equal(tow_exchange_read_pieces(exchange, pause_piece, NULL), 0);
}

static void answer(size_t index, const char *text) {
    assert_int_equal(tow_exchange_respond(kept[index].exchange, 200, "text/plain", text, strlen(text)), 0);
    assert_int_equal(tow_exchange_respond(kept[index].exchange, 200, NULL, NULL, 0), TOW_ERROR_STATE);
}

static void begin(struct world *world, const tow_simulation_options *simulation) {
    count = 0;
    memset(kept, 0, sizeof(kept));
    world_make(world, simulation, &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3});
    tow_server_route(world->server, "/later", &(tow_handler){.on_request = keep});
    tow_server_route(world->server, "/soon", &(tow_handler){.on_request = keep, .answer_seconds = 20});
    tow_server_route(
        world->server, "/paused", &(tow_handler){.on_request = keep_and_pause, .answer_seconds = 20});
    tow_server_route(world->server, "/now", &(tow_handler){.on_request = keep_what_is_answered});
    tow_server_route(world->server, "/body", &(tow_handler){.on_request = want_body});
    world_listen(world);
}

static void wait_for_kept(struct world *world, size_t wanted) {
    for (int i = 0; i < 2000 && count < wanted; i++)
        world_run(world, 1);
    assert_int_equal(count, wanted);
}

static void ask(struct peer *peer, struct world *world, const char *text) {
    size_t before = count;
    peer_connect(peer, world);
    peer_text(peer, text);
    wait_for_kept(world, before + 1);
}

static void an_answer_may_come_after_any_time(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world, REQUEST("/later?a=b"));
        world_run(&world, seed == 0 ? 200000 : 10000);
        const tow_request *request = tow_exchange_request(kept[0].exchange);
        assert_string_equal(tow_request_method(request), "GET");
        assert_string_equal(tow_request_path(request), "/later");
        assert_string_equal(tow_request_query(request), "a=b");
        assert_string_equal(tow_request_target(request), "/later?a=b");
        assert_string_equal(tow_request_header(request, "x-name"), "\xc3\xa9");
        assert_int_equal(peer.in.length, 0);
        answer(0, "at last");
        peer_expect(&peer, "\r\n\r\nat last");
        peer_text(&peer, REQUEST("/now"));
        peer_expect(&peer, "\r\n\r\nat once");
        assert_int_equal(kept[0].gone + kept[0].ended, 0);
        assert_false(peer.ended);
        peer_close(&peer);
        world_end(&world);
    }
}

static void who_has_left_is_told_of(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world, REQUEST("/later"));
        peer_reset(&peer);
        world_run(&world, 100);
        assert_int_equal(kept[0].gone, 1);
        assert_int_equal(world_metric(&world, "connections"), 0);
        world_end(&world);
        assert_int_equal(kept[0].gone, 1);
    }
}

/* As from `nc -N`: the client waits for the answer, but says nothing more. */
static void a_client_that_ends_its_side_gets_its_answer(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .whole = seed == 0});
        if (seed % 2 == 0) {
            peer_connect(&peer, &world);
            world_run(&world, 5);
            peer_text(&peer, REQUEST("/later"));
            peer_shutdown(&peer);
            wait_for_kept(&world, 1);
        } else {
            ask(&peer, &world, REQUEST("/later"));
            peer_shutdown(&peer);
        }
        world_run(&world, 10000);
        assert_int_equal(kept[0].ended, 1);
        assert_int_equal(kept[0].gone, 0);
        answer(0, "at last");
        peer_expect(&peer, "\r\n\r\nat last");
        peer_expect_end(&peer);
        assert_false(peer.failed);
        peer_close(&peer);
        world_end(&world);
        assert_int_equal(kept[0].gone, 0);
    }
}

/* What has come of it behind the request is answered, too. */
static void a_client_that_ends_its_side_gets_all_its_answers(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .whole = true});
    peer_connect(&peer, &world);
    world_run(&world, 5);
    peer_text(&peer, REQUEST("/later") REQUEST("/later"));
    peer_shutdown(&peer);
    wait_for_kept(&world, 1);
    world_run(&world, 1000);
    assert_int_equal(kept[0].ended, 1);
    answer(0, "one");
    wait_for_kept(&world, 2);
    world_run(&world, 1000);
    assert_int_equal(kept[1].ended, 1);
    answer(1, "two");
    peer_expect(&peer, "\r\n\r\ntwo");
    peer_expect_end(&peer);
    assert_false(peer.failed);
    peer_close(&peer);
    world_end(&world);
}

static void what_is_broken_off_at_the_end_is_over(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .whole = seed == 0});
        resets_at_end = true;
        peer_connect(&peer, &world);
        world_run(&world, 5);
        peer_text(&peer, REQUEST("/later"));
        peer_shutdown(&peer);
        wait_for_kept(&world, 1);
        world_run(&world, 500);
        resets_at_end = false;
        assert_int_equal(kept[0].ended, 1);
        assert_int_equal(kept[0].gone, 1);
        assert_true(peer.failed);
        assert_int_equal(world_metric(&world, "connections"), 0);
        peer_close(&peer);
        world_end(&world);
    }
}

static void an_answer_after_the_client_has_left_goes_nowhere(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("/later"));
    peer_close(&peer);
    world_run(&world, 1000);
    assert_int_equal(kept[0].ended, 1);
    assert_int_equal(kept[0].gone, 0); /* nobody knows yet */
    answer(0, "to nobody");
    world_run(&world, 1000);
    assert_int_equal(kept[0].gone, 0);
    assert_int_equal(world_metric(&world, "connections"), 0);
    world_end(&world);
}

static void requests_behind_it_wait_unread(void **state) {
    (void)state;
    enum { SENT = 4 * 1024 * 1024 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = 20000});
        peer_connect(&peer, &world);
        peer_text(&peer, REQUEST("/later?1") REQUEST("/later?2") REQUEST("/now"));
        for (size_t sent = 0; sent < SENT; sent += strlen(REQUEST("/now")))
            peer_text(&peer, REQUEST("/now"));
        wait_for_kept(&world, 1);
        world_run(&world, 5000);
        assert_int_equal(count, 1);
        assert_true(peer.out.length > SENT - 1024 * 1024);
        answer(0, "first");
        wait_for_kept(&world, 2);
        assert_string_equal(tow_request_query(tow_exchange_request(kept[1].exchange)), "2");
        peer_expect(&peer, "\r\n\r\nfirst");
        assert_false(peer_has(&peer, "at once"));
        answer(1, "second");
        peer_expect(&peer, "\r\n\r\nsecondHTTP/1.1 200");
        peer_expect(&peer, "\r\n\r\nat onceHTTP/1.1 200");
        peer_reset(&peer);
        world_end(&world);
        assert_int_equal(kept[0].gone + kept[1].gone, 0);
    }
}

static void connections_are_answered_in_any_order(void **state) {
    (void)state;
    struct world world;
    struct peer peers[3];
    begin(&world, &(tow_simulation_options){.seed = 3});
    for (size_t i = 0; i < 3; i++)
        ask(&peers[i], &world, REQUEST("/later"));
    static const size_t order[] = {2, 0, 1};
    static const char *const texts[] = {"for the first", "for the second", "for the third"};
    for (size_t i = 0; i < 3; i++) {
        answer(order[i], texts[order[i]]);
        peer_expect(&peers[order[i]], texts[order[i]]);
    }
    for (size_t i = 0; i < 3; i++)
        peer_close(&peers[i]);
    world_end(&world);
}

static void the_drain_waits_for_answers(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world, REQUEST("/later") REQUEST("/now"));
        tow_server_stop(world.server);
        world_run(&world, 2000);
        assert_false(tow_server_is_done(world.server));
        answer(0, "the last");
        peer_expect(&peer, "Connection: close\r\n\r\nthe last");
        peer_expect_end(&peer);
        assert_false(peer_has(&peer, "at once"));
        peer_close(&peer);
        world_run(&world, 100);
        assert_true(tow_server_is_done(world.server));
        assert_int_equal(kept[0].gone, 0);
        world_end(&world);
    }
}

static void but_no_longer_than_it_may(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("/later"));
    tow_server_stop(world.server);
    world_run(&world, 2900);
    assert_int_equal(kept[0].gone, 0);
    world_run(&world, 300);
    assert_int_equal(kept[0].gone, 1);
    assert_true(peer.failed);
    assert_true(tow_server_is_done(world.server));
    assert_true(world_logged(&world, "GET /later closed by the server (drain-seconds)"));
    peer_close(&peer);
    world_end(&world);
}

static void what_is_not_answered_in_time_gets_503(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("/soon"));
    world_run(&world, 19900);
    assert_int_equal(kept[0].gone, 0);
    world_run(&world, 200);
    assert_int_equal(kept[0].gone, 1);
    peer_expect(&peer, "HTTP/1.1 503 Service Unavailable\r\n");
    peer_expect_end(&peer);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"answer-seconds\"}"), 1);
    assert_true(world_logged(&world, "GET /soon 503 the answer took too long (answer-seconds)"));
    peer_close(&peer);
    world_end(&world);
    assert_int_equal(kept[0].gone, 1);
}

#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " length "\r\n\r\n"

static void expect_503(struct peer *peer, struct world *world) {
    world_run(world, 200);
    assert_int_equal(kept[0].gone, 1);
    peer_expect(peer, "HTTP/1.1 503 Service Unavailable\r\n");
    peer_expect_end(peer);
    assert_int_equal(world_metric(world, "limit_reached_total{limit=\"answer-seconds\"}"), 1);
    peer_close(peer);
    world_end(world);
    assert_int_equal(kept[0].gone, 1);
}

static void nor_does_a_paused_body_keep_it_for_ever(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world, POST("/paused", "4") "four");
        world_run(&world, 19900);
        assert_int_equal(kept[0].gone, 0);
        expect_503(&peer, &world);
    }
}

/* The handler does not answer for the time in which the client sends. */
static void the_time_is_anew_when_the_client_has_sent_more(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .whole = true});
    ask(&peer, &world, POST("/paused", "12") "four");
    for (int i = 0; i < 2; i++) {
        world_run(&world, 15000);
        tow_exchange_resume(kept[0].exchange);
        world_run(&world, 15000);
        peer_text(&peer, "more");
        world_run(&world, 100);
    }
    world_run(&world, 19800);
    assert_int_equal(kept[0].gone, 0);
    expect_503(&peer, &world);
}

static void what_was_kept_may_be_answered_at_once(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("/now") REQUEST("/now"));
    peer_expect(&peer, "\r\n\r\nat onceHTTP/1.1 200 OK\r\n");
    peer_close(&peer);
    world_end(&world);
}

static void the_body_may_be_read_before(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world, "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour");
        world_run(&world, 100000);
        answer(0, "thanks");
        peer_expect(&peer, "\r\n\r\nthanks");
        peer_close(&peer);
        world_end(&world);
    }
}

static int bodies;

static void answer_with_length(tow_exchange *exchange, void *user, const void *body, size_t length) {
    bodies++;
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, body, length), 0);
}

static void or_later(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        bodies = 0;
        begin(&world, &(tow_simulation_options){.seed = seed});
        ask(&peer, &world,
            "POST /later HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: "
            "4\r\n\r\n");
        world_run(&world, 10000);
        assert_int_equal(peer.in.length, 0);
        assert_int_equal(tow_exchange_read_body(kept[0].exchange, 10, answer_with_length, NULL), 0);
        assert_int_equal(
            tow_exchange_read_body(kept[0].exchange, 10, answer_with_length, NULL), TOW_ERROR_STATE);
        peer_expect(&peer, "HTTP/1.1 100 Continue\r\n\r\n");
        peer_text(&peer, "four" REQUEST("/now"));
        peer_expect(&peer, "\r\n\r\nfourHTTP/1.1 200");
        peer_expect(&peer, "\r\n\r\nat once");
        assert_int_equal(bodies, 1);
        peer_close(&peer);
        world_end(&world);
        assert_int_equal(kept[0].gone, 0);
    }
}

/* A body that never comes whole, or is too large, ends what was kept. */
static void a_bad_body_ends_it(void **state) {
    (void)state;
    static const struct {
        const char *body, *answer;
    } sent[] = {
        {"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "HTTP/1.1 400 "},
        {"Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n", "HTTP/1.1 413 "},
        {"Content-Length: 4\r\n\r\nfou", "HTTP/1.1 408 "},
    };
    for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
        struct world world;
        struct peer peer;
        char request[256];
        begin(&world, &(tow_simulation_options){.seed = i});
        snprintf(request, sizeof(request), "POST /later HTTP/1.1\r\nHost: localhost\r\n%s", sent[i].body);
        ask(&peer, &world, request);
        bodies = 0;
        assert_int_equal(tow_exchange_read_body(kept[0].exchange, 10, answer_with_length, NULL), 0);
        world_run(&world, 61000);
        assert_int_equal(kept[0].gone, 1);
        assert_int_equal(bodies, 0);
        assert_true(peer_has(&peer, sent[i].answer));
        assert_true(peer.ended);
        peer_close(&peer);
        world_end(&world);
        assert_int_equal(kept[0].gone, 1);
    }
}

static void a_server_that_is_freed_tells(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    ask(&peer, &world, REQUEST("/later"));
    tow_server_free(world.server);
    assert_int_equal(kept[0].gone, 1);
    peer_close(&peer);
    tow_timer_cancel(world.loop, &world.clock);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
    assert_int_equal(kept[0].gone, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_after_any_time),
        cmocka_unit_test(who_has_left_is_told_of),
        cmocka_unit_test(a_client_that_ends_its_side_gets_its_answer),
        cmocka_unit_test(a_client_that_ends_its_side_gets_all_its_answers),
        cmocka_unit_test(what_is_broken_off_at_the_end_is_over),
        cmocka_unit_test(an_answer_after_the_client_has_left_goes_nowhere),
        cmocka_unit_test(requests_behind_it_wait_unread),
        cmocka_unit_test(connections_are_answered_in_any_order),
        cmocka_unit_test(the_drain_waits_for_answers),
        cmocka_unit_test(but_no_longer_than_it_may),
        cmocka_unit_test(what_is_not_answered_in_time_gets_503),
        cmocka_unit_test(nor_does_a_paused_body_keep_it_for_ever),
        cmocka_unit_test(the_time_is_anew_when_the_client_has_sent_more),
        cmocka_unit_test(what_was_kept_may_be_answered_at_once),
        cmocka_unit_test(the_body_may_be_read_before),
        cmocka_unit_test(or_later),
        cmocka_unit_test(a_bad_body_ends_it),
        cmocka_unit_test(a_server_that_is_freed_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
