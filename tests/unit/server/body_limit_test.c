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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_named_only_where_it_is_the_limit),
        cmocka_unit_test(what_was_broken_off_is_not_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
