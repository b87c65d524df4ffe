/* An on_admit that hands over to another, at once or later: from then on it is as if the other were the
 * route's. */
#include "world.h"

#include "server/exchange.h"

#include <towline/error.h>

#define GET "GET /get HTTP/1.1\r\nHost: localhost\r\n\r\n"

static tow_exchange *exchange;
static bool at_once;
static int guard, handler; /* whose `user` they are */
static int guard_gone, handler_gone, requests;
static void (*next)(tow_exchange *, const tow_request *);

static void note_guard_gone(tow_exchange *self, void *user) {
    guard_gone++;
}

static void note_handler_gone(tow_exchange *self, void *user) {
    handler_gone++;
}

static void admit(tow_exchange *self, const tow_request *request) {
    assert_ptr_equal(tow_request_user(request), &guard);
    exchange = self;
    if (at_once)
        tow_exchange_admit_by(self, next, &handler);
    else
        assert_int_equal(tow_exchange_keep(self, &(tow_exchange_events){.on_gone = note_guard_gone}), 0);
}

static void let_in(tow_exchange *self, const tow_request *request) {
    assert_ptr_equal(tow_request_user(request), &handler);
    assert_int_equal(tow_exchange_accept(self, NULL), 0);
}

static void refuse(tow_exchange *self, const tow_request *request) {
    assert_int_equal(tow_exchange_reject(self, 403, "no"), 0);
}

static void keep(tow_exchange *self, const tow_request *request) {
    assert_int_equal(tow_exchange_keep(self, &(tow_exchange_events){.on_gone = note_handler_gone}), 0);
}

static void say_nothing(tow_exchange *self, const tow_request *request) {
}

static void note_open(tow_websocket *socket) {
    assert_ptr_equal(tow_websocket_user(socket), &handler);
}

static void answer(tow_exchange *self, const tow_request *request) {
    assert_ptr_equal(tow_request_user(request), &handler);
    requests++;
    tow_exchange_respond(self, 200, NULL, "yes", 3);
}

/* Has the request come to `what`. */
static void begin(struct world *world, struct peer *peer, uint64_t seed, const char *text,
    void (*what)(tow_exchange *, const tow_request *)) {
    exchange = NULL;
    guard_gone = handler_gone = requests = 0;
    at_once = seed % 2 == 0;
    next = what;
    world_make(world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){.drain_seconds = 3});
    tow_server_route(
        world->server, "/socket", &(tow_handler){.on_admit = admit, .user = &guard, .on_open = note_open});
    tow_server_route(
        world->server, "/get", &(tow_handler){.on_admit = admit, .user = &guard, .on_request = answer});
    world_listen(world);
    peer_connect(peer, world);
    peer_text(peer, text);
    for (int i = 0; i < 2000 && exchange == NULL; i++)
        world_run(world, 1);
    assert_non_null(exchange);
    if (!at_once)
        tow_exchange_admit_by(exchange, next, &handler);
}

static void the_next_lets_in(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed, OPENING_WITH("/socket", ""), let_in);
        peer_expect(&peer, OPENED);
        peer_close(&peer);
        world_end(&world);
        begin(&world, &peer, seed, GET, let_in);
        peer_expect(&peer, "HTTP/1.1 200 OK\r\n");
        assert_int_equal(requests, 1);
        assert_int_equal(guard_gone, 0);
        peer_close(&peer);
        world_end(&world);
    }
}

static void the_next_refuses(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed, OPENING_WITH("/socket", ""), refuse);
        peer_expect(&peer, "HTTP/1.1 403 ");
        assert_int_equal(guard_gone, 0);
        peer_close(&peer);
        world_end(&world);
    }
}

static void the_next_may_take_its_time(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed, OPENING_WITH("/socket", ""), keep);
        world_run(&world, 100);
        assert_int_equal(tow_exchange_accept(exchange, NULL), 0);
        peer_expect(&peer, OPENED);
        peer_close(&peer);
        world_end(&world);
        begin(&world, &peer, seed, GET, keep);
        world_run(&world, 100);
        peer_reset(&peer);
        world_run(&world, 100);
        assert_int_equal(handler_gone, 1);
        assert_int_equal(guard_gone, 0);
        world_end(&world);
    }
}

static void a_next_without_an_answer_is_500(void **state) {
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed, GET, say_nothing);
        peer_expect(&peer, "HTTP/1.1 500 ");
        peer_close(&peer);
        world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_lets_in),
        cmocka_unit_test(the_next_refuses),
        cmocka_unit_test(the_next_may_take_its_time),
        cmocka_unit_test(a_next_without_an_answer_is_500),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
