/* Fields that a handler adds to its answer, where the answer would have some of the same name. */
#include "world.h"

#include <fcntl.h>

#include <towline/error.h>

enum { SEEDS = 5 };

#define REQUEST(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void respond(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "content-TYPE", "text/csv"), 0);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", "a,b", 3), 0);
}

static void begin_pieces(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "Content-Type", "text/csv"), 0);
    assert_int_equal(tow_exchange_begin(exchange, 200, "text/plain", 3), 0);
    assert_int_equal(tow_exchange_write(exchange, "a,b", 3), 0);
    assert_int_equal(tow_exchange_end(exchange), 0);
}

static void send_file(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "CONTENT-TYPE", "text/csv"), 0);
    int fd = open("/dev/zero", O_RDONLY);
    assert_int_equal(tow_exchange_send_file(exchange, 200, "text/plain", fd, 0, 3), 0);
}

static void reject(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "content-type", "text/csv"), 0);
    assert_int_equal(tow_exchange_reject(exchange, 403, "no,no"), 0);
}

static void give_nothing(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "Content-Type", "text/csv"), 0);
}

static void plain(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "X-Content-Type", "x"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Content-Type", "a\r\nb"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", "plain", 5), 0);
}

static const struct {
    const char *path;
    void (*on_request)(tow_exchange *exchange, const tow_request *request);
} typed[] = {{"/respond", respond}, {"/begin", begin_pieces}, {"/file", send_file}, {"/reject", reject},
    {"/nothing", give_nothing}};
enum { TYPED = sizeof(typed) / sizeof(typed[0]) };

static size_t count_of(const struct peer *peer, const char *name) {
    size_t count = 0;
    for (const char *at = (const char *)peer->in.data; (at = strcasestr(at, name)) != NULL; at++)
        count++;
    return count;
}

static void a_type_that_was_added_goes_before_the_answers(void **state) {
    (void)state;
    for (size_t i = 0; i < TYPED * SEEDS; i++) {
        struct world world;
        struct peer peer;
        char request[100];
        world_make(&world, &(tow_simulation_options){.seed = i}, &(tow_server_options){0});
        tow_server_route(
            world.server, typed[i % TYPED].path, &(tow_handler){.on_request = typed[i % TYPED].on_request});
        world_listen(&world);
        peer_connect(&peer, &world);
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            typed[i % TYPED].path);
        peer_text(&peer, request);
        peer_expect_end(&peer);
        assert_int_equal(count_of(&peer, "\r\nContent-Type:"), 1);
        assert_int_equal(count_of(&peer, "\r\nContent-Type: text/csv\r\n"), 1);
        peer_close(&peer);
        world_end(&world);
    }
}

static void but_not_the_next_answers(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    world_make(&world, &(tow_simulation_options){.seed = 1}, &(tow_server_options){0});
    tow_server_route(world.server, "/respond", &(tow_handler){.on_request = respond});
    tow_server_route(world.server, "/plain", &(tow_handler){.on_request = plain});
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("/respond") REQUEST("/plain"));
    peer_expect(&peer, "\r\n\r\nplain");
    assert_int_equal(count_of(&peer, "\r\nContent-Type:"), 2);
    assert_true(peer_has(&peer, "\r\nContent-Type: text/plain\r\n"));
    peer_close(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_that_was_added_goes_before_the_answers),
        cmocka_unit_test(but_not_the_next_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
