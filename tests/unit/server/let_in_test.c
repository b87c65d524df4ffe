/* What becomes of an exchange that on_admit has let in: the socket's callbacks, or on_request, have the word.
 */
#include "world.h"

#include <towline/error.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define OFFER "Sec-WebSocket-Protocol: soap, xmpp\r\n"

static tow_exchange *exchange;
static bool at_once; /* it is let in in on_admit */
static size_t fields;
static int admitter_gone, gone, selected, opened, closed;

static void note_admitter_gone(tow_exchange *self, void *user) {
    assert_ptr_equal(user, &exchange);
    admitter_gone++;
}

static void note_gone(tow_exchange *self, void *user) {
    gone++;
}

static void admit(tow_exchange *self, const tow_request *request) {
    char value[1001];
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    exchange = self;
    for (size_t i = 0; i < fields; i++)
        assert_int_equal(tow_exchange_field(self, "X-Field", value), 0);
    const tow_exchange_events events = {
        .on_gone = note_admitter_gone, .on_end = note_admitter_gone, .user = &exchange};
    assert_int_equal(tow_exchange_keep(self, &events), 0);
    if (at_once)
        assert_int_equal(tow_exchange_accept(self, NULL), 0);
}

static void take_body(tow_exchange *self, void *user, const void *body, size_t length) {
    fail_msg("there is no body");
}

static void take_piece(tow_exchange *self, void *user, const void *data, size_t length, bool is_last) {
    fail_msg("there is no body");
}

static void nothing_may_be_said(void) {
    assert_int_equal(tow_exchange_accept(exchange, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_reject(exchange, 403, "no"), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_respond(exchange, 403, NULL, "no", 2), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_field(exchange, "X-No", "no"), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_send_file(exchange, 200, NULL, dup(0), 0, 1), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_begin(exchange, 200, NULL, TOW_LENGTH_UNKNOWN), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_write(exchange, "no", 2), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_end(exchange), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_read_body(exchange, 10, take_body, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_read_pieces(exchange, take_piece, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_keep(exchange, NULL), TOW_ERROR_STATE);
    tow_exchange_pause(exchange);
    tow_exchange_resume(exchange);
    tow_exchange_reset(exchange);
}

static int select_first(const tow_request *request, const char *const *offered, size_t count) {
    selected++;
    nothing_may_be_said();
    return 0;
}

static void note_open(tow_websocket *socket) {
    opened++;
    nothing_may_be_said();
}

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    closed++;
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void begin_without_events(tow_exchange *self, const tow_request *request) {
    assert_int_equal(tow_exchange_begin(self, 200, NULL, TOW_LENGTH_UNKNOWN), 0);
}

static void keep_with_events(tow_exchange *self, const tow_request *request) {
    const tow_exchange_events events = {.on_gone = note_gone};
    assert_int_equal(tow_exchange_keep(self, &events), 0);
}

static void begin(struct world *world, struct peer *peer, uint64_t seed) {
    exchange = NULL;
    fields = 0;
    admitter_gone = gone = selected = opened = closed = 0;
    at_once = seed % 2 == 0;
    world_make(world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3});
    tow_server_route(world->server, "/socket",
        &(tow_handler){.on_admit = admit,
            .on_select = select_first,
            .on_open = note_open,
            .on_message = echo,
            .on_close = note_close});
    tow_server_route(
        world->server, "/begin", &(tow_handler){.on_admit = admit, .on_request = begin_without_events});
    tow_server_route(
        world->server, "/keep", &(tow_handler){.on_admit = admit, .on_request = keep_with_events});
    world_listen(world);
    peer_connect(peer, world);
}

static void let_in(struct world *world) {
    for (int i = 0; i < 2000 && exchange == NULL; i++)
        world_run(world, 1);
    assert_non_null(exchange);
    if (!at_once)
        assert_int_equal(tow_exchange_accept(exchange, NULL), 0);
    world_run(world, 100);
}

/* It was said yes to, and that goes out. */
static void the_sockets_callbacks_find_an_exchange_that_is_over(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &peer, seed);
        peer_text(&peer, OPENING_WITH("/socket", OFFER));
        let_in(&world);
        peer_expect(&peer, OPENED);
        peer_expect(&peer, "\r\nSec-WebSocket-Protocol: soap\r\n");
        peer_frame(&peer, 1, "hello", 5);
        peer_expect_frame(&peer, 1, "hello", 5);
        assert_int_equal(selected, 1);
        assert_int_equal(opened, 1);
        peer_reset(&peer);
        world_run(&world, 10);
        assert_int_equal(closed, 1);
        assert_int_equal(admitter_gone, 0);
        world_end(&world);
    }
}

static void the_events_of_on_admit_end_with_it(void **state) {
    (void)state;
    static const char *const requests[] = {GET("/begin"), GET("/keep")};
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct world world;
        struct peer peer;
        bool keeps = seed / 2 % 2 == 1;
        begin(&world, &peer, seed);
        peer_text(&peer, requests[keeps]);
        let_in(&world);
        peer_shutdown(&peer);
        world_run(&world, 10);
        peer_reset(&peer);
        world_run(&world, 10);
        assert_int_equal(admitter_gone, 0);
        assert_int_equal(gone, keeps);
        world_end(&world);
    }
}

static void an_answer_that_is_too_long_is_none(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        for (size_t count = 63; count <= 70; count += 7) {
            struct world world;
            struct peer peer;
            begin(&world, &peer, seed);
            fields = count;
            peer_text(&peer, OPENING("/socket"));
            let_in(&world);
            peer_expect(&peer, count < 70 ? OPENED : "HTTP/1.1 500 Internal Server Error\r\n");
            assert_int_equal(opened, count < 70);
            assert_int_equal(admitter_gone, count == 70);
            assert_int_equal(world_logged(&world, "fields of the answer 101 are too long"), count == 70);
            peer_reset(&peer);
            world_end(&world);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sockets_callbacks_find_an_exchange_that_is_over),
        cmocka_unit_test(the_events_of_on_admit_end_with_it),
        cmocka_unit_test(an_answer_that_is_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
