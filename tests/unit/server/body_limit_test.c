/* Bodies that are wanted whole, and are too large: for the handler, or for an option. */
#include "world.h"

#include <towline/error.h>

enum { MAX_MESSAGE = 1000, LIMIT = 10 };

#define MAX_MESSAGE_REACHED "limit_reached_total{limit=\"max-message\"}"

static int gone;
static size_t got;

static void note_gone(tow_exchange *exchange, void *user) {
    gone++;
}

static const tow_exchange_events events = {.on_gone = note_gone};

static void take(tow_exchange *exchange, void *user, const void *body, size_t length) {
    got = length;
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, "taken", 5), 0);
}

static void take_little(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
    assert_int_equal(tow_exchange_read_body(exchange, LIMIT, take, NULL), 0);
}

static void take_what_the_option_says(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, MAX_MESSAGE, take, NULL), 0);
}

static void break_off(tow_exchange *exchange, const tow_request *request) {
    take_little(exchange, request);
    tow_exchange_reset(exchange);
}

static void begin(struct world *world, struct peer *peer, uint64_t seed) {
    gone = 0;
    got = SIZE_MAX;
    world_make(world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .limits = {.max_message = MAX_MESSAGE}});
    tow_server_route(world->server, "/little", &(tow_handler){.on_request = take_little});
    tow_server_route(world->server, "/option", &(tow_handler){.on_request = take_what_the_option_says});
    tow_server_route(world->server, "/reset", &(tow_handler){.on_request = break_off});
    world_listen(world);
    peer_connect(peer, world);
}

static void end(struct world *world, struct peer *peer) {
    peer_close(peer);
    world_end(world);
}

/* Announced, or in a chunk. */
static void post(struct peer *peer, const char *path, size_t length, bool chunked) {
    char *text = malloc(length + 200);
    int head = snprintf(text, 200,
        chunked ? "POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n"
                : "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n",
        path, length);
    memset(text + head, 'x', length);
    peer_send(peer, text, (size_t)head + length);
    free(text);
}

static void an_option_is_named_only_where_it_is_the_limit(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct world world;
        struct peer peer;
        bool by_option = seed / 2 == 1;
        begin(&world, &peer, seed);
        post(
            &peer, by_option ? "/option" : "/little", by_option ? MAX_MESSAGE + 1 : LIMIT + 1, seed % 2 == 1);
        peer_expect(&peer, "HTTP/1.1 413 ");
        assert_int_equal(gone, !by_option);
        assert_int_equal(got, SIZE_MAX);
        assert_int_equal(world_logged(&world, "413 the body has more than the 10 bytes that"), !by_option);
        assert_int_equal(world_logged(&world, "1000 bytes that the handler takes (max-message)"), by_option);
        assert_int_equal(world_logged(&world, "(max-message)"), by_option);
        assert_int_equal(world_metric(&world, MAX_MESSAGE_REACHED), by_option);
        end(&world, &peer);
    }
}

/* Nobody is sent what a log would tell of. */
static void what_was_broken_off_is_not_refused(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &peer, 1);
    post(&peer, "/reset", LIMIT + 1, false);
    peer_expect_end(&peer);
    assert_true(peer.failed);
    assert_int_equal(gone, 1);
    assert_false(world_logged(&world, "413"));
    end(&world, &peer);
}

/* What clients hold of bodies that do not come to their end */

enum { HELD = 40000, ROOM = 100000 };

static void take_much(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
    assert_int_equal(tow_exchange_read_body(exchange, 2 * HELD, take, NULL), 0);
}

static void ignore(tow_websocket *socket, const tow_message *message) {
}

static void begin_to_hold(struct world *world, bool per_address) {
    gone = 0;
    got = SIZE_MAX;
    world_make(world, &(tow_simulation_options){.seed = 1},
        &(tow_server_options){.status = "127.0.0.1:9999",
            .max_unfinished = per_address ? TOW_OFF : ROOM,
            .max_unfinished_per_address = per_address ? ROOM : TOW_OFF});
    tow_server_route(world->server, "/much", &(tow_handler){.on_request = take_much});
    tow_server_route(world->server, "/socket", &(tow_handler){.on_message = ignore});
    world_listen(world);
}

/* All but its last byte. */
static void hold(struct peer *peer, struct world *world) {
    static char body[HELD];
    peer_connect(peer, world);
    peer_text(peer, "POST /much HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40001\r\n\r\n");
    peer_send(peer, body, sizeof(body));
    world_run(world, 500);
}

static void bodies_under_way_have_a_limit(void **state) {
    (void)state;
    for (int per_address = 0; per_address < 2; per_address++) {
        struct world world;
        struct peer peers[4];
        begin_to_hold(&world, per_address == 1);
        hold(&peers[0], &world);
        hold(&peers[1], &world);
        assert_int_equal(gone, 0);
        assert_int_equal(world_metric(&world, "unfinished_bytes"), 2 * HELD);
        hold(&peers[2], &world);
        peer_expect(&peers[2], "HTTP/1.1 503 ");
        peer_expect(&peers[2], "under way\n");
        assert_int_equal(gone, 1);
        peer_close(&peers[2]);
        assert_int_equal(world_metric(&world,
                             per_address == 1 ? "limit_reached_total{limit=\"max-unfinished-per-address\"}"
                                              : "limit_reached_total{limit=\"max-unfinished\"}"),
            1);
        peer_text(&peers[0], "x");
        peer_expect(&peers[0], "\r\n\r\ntaken");
        assert_int_equal(got, HELD + 1);
        hold(&peers[3], &world); /* now there is room */
        assert_int_equal(gone, 1);
        peer_reset(&peers[1]);
        peer_reset(&peers[3]);
        world_run(&world, 10);
        assert_int_equal(gone, 3);
        assert_int_equal(world_metric(&world, "unfinished_bytes"), 0);
        peer_close(&peers[0]);
        world_end(&world);
    }
}

static void messages_and_bodies_have_it_together(void **state) {
    (void)state;
    struct world world;
    struct peer peers[2], socket;
    static const uint8_t header[8] = {0x02, 0xfe, HELD / 256, HELD % 256};
    static char payload[HELD];
    begin_to_hold(&world, true);
    peer_connect(&socket, &world);
    peer_text(&socket, OPENING("/socket"));
    peer_expect(&socket, OPENED);
    peer_send(&socket, header, sizeof(header)); /* a fragment */
    peer_send(&socket, payload, sizeof(payload));
    hold(&peers[0], &world);
    assert_int_equal(gone, 0);
    hold(&peers[1], &world);
    peer_expect(&peers[1], "HTTP/1.1 503 ");
    peer_close(&peers[1]);
    peer_reset(&peers[0]);
    peer_reset(&socket);
    world_run(&world, 10);
    assert_int_equal(world_metric(&world, "unfinished_bytes"), 0);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_named_only_where_it_is_the_limit),
        cmocka_unit_test(what_was_broken_off_is_not_refused),
        cmocka_unit_test(bodies_under_way_have_a_limit),
        cmocka_unit_test(messages_and_bodies_have_it_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
