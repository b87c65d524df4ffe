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

static void plain(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "X-Content-Type", "x"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Content-Type", "a\r\nb"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", "plain", 5), 0);
}

static const struct {
    const char *path;
    void (*on_request)(tow_exchange *exchange, const tow_request *request);
} typed[] = {{"/respond", respond}, {"/begin", begin_pieces}, {"/file", send_file}, {"/reject", reject}};
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

static void drop(tow_websocket *socket, const tow_message *message) {
}

/* What is to go with its answer. */
static void add_fields(tow_exchange *exchange) {
    assert_int_equal(tow_exchange_field(exchange, "Content-Type", "text/csv"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Content-Encoding", "gzip"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Cache-Control", "max-age=86400"), 0);
    assert_int_equal(tow_exchange_field(exchange, "Set-Cookie", "session=secret"), 0);
    assert_int_equal(tow_exchange_field(exchange, "X-Handler", "1"), 0);
}

static void ignore_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
}

static void give_no_answer(tow_exchange *exchange, const tow_request *request) {
    add_fields(exchange);
}

static void keep_it(tow_exchange *exchange, const tow_request *request) {
    add_fields(exchange);
    assert_int_equal(tow_exchange_keep(exchange, NULL), 0);
}

static void read_it(tow_exchange *exchange, const tow_request *request) {
    add_fields(exchange);
    assert_int_equal(tow_exchange_read_body(exchange, 3, ignore_body, NULL), 0);
}

static void admit_not(tow_exchange *exchange, const tow_request *request) {
    add_fields(exchange);
}

#define POST(path, length) "POST " path " HTTP/1.1\r\nHost: localhost\r\n" length "\r\n\r\n"

static const struct {
    const char *request, *status;
} refusals[] = {
    {REQUEST("/none"), " 500 "},
    {REQUEST("/kept"), " 503 "},
    {POST("/read", "Content-Length: 4"), " 413 "},
    {POST("/read", "Content-Length: 2"), " 408 "},
    {POST("/read", "Transfer-Encoding: chunked") "zz\r\n", " 400 "},
    {POST("/read", "Transfer-Encoding: chunked") "4\r\nfour\r\n0\r\n\r\n", " 413 "},
    {REQUEST("/admitted"), " 500 "},
    {OPENING("/admitted"), " 500 "},
};
enum { REFUSALS = sizeof(refusals) / sizeof(refusals[0]) };

/* They were for another answer: an encoding that the body does not have, a time for which it may be kept. */
static void the_servers_own_answers_have_none_of_the_handlers(void **state) {
    (void)state;
    const tow_header_field fields[] = {{"X-Route", "1"}, {0}};
    for (size_t i = 0; i < REFUSALS; i++) {
        struct world world;
        struct peer peer;
        world_make(&world, &(tow_simulation_options){.seed = i}, &(tow_server_options){0});
        tow_server_route(
            world.server, "/none", &(tow_handler){.on_request = give_no_answer, .fields = fields});
        tow_server_route(world.server, "/kept",
            &(tow_handler){.on_request = keep_it, .answer_seconds = 5, .fields = fields});
        tow_server_route(world.server, "/read", &(tow_handler){.on_request = read_it, .fields = fields});
        tow_server_route(world.server, "/admitted",
            &(tow_handler){.on_admit = admit_not, .on_request = plain, .on_message = drop, .fields = fields});
        world_listen(&world);
        peer_connect(&peer, &world);
        peer_text(&peer, refusals[i].request);
        world_run(&world, 61000);
        peer_expect_end(&peer);
        assert_true(peer_has(&peer, refusals[i].status));
        assert_true(peer_has(&peer, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
        assert_true(peer_has(&peer, "\r\nX-Route: 1\r\n"));
        assert_false(peer_has(&peer, "X-Handler") || peer_has(&peer, "gzip") || peer_has(&peer, "secret"));
        assert_false(peer_has(&peer, "max-age") || peer_has(&peer, "text/csv"));
        peer_close(&peer);
        world_end(&world);
    }
}

/* The route of the request before is not that of what is none. */
static void what_is_no_request_is_refused_with_no_fields(void **state) {
    (void)state;
    const tow_header_field fields[] = {{"X-Route", "1"}, {0}};
    struct world world;
    struct peer peer;
    world_make(&world, &(tow_simulation_options){.seed = 1}, &(tow_server_options){0});
    tow_server_route(world.server, "/respond", &(tow_handler){.on_request = respond, .fields = fields});
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("/respond") "NONSENSE\r\n\r\n");
    peer_expect_end(&peer);
    assert_true(peer_has(&peer, "HTTP/1.1 400 "));
    assert_int_equal(count_of(&peer, "\r\nX-Route: 1\r\n"), 1);
    assert_int_equal(count_of(&peer, "\r\nContent-Type: text/plain; charset=utf-8\r\n"), 1);
    peer_close(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_that_was_added_goes_before_the_answers),
        cmocka_unit_test(but_not_the_next_answers),
        cmocka_unit_test(the_servers_own_answers_have_none_of_the_handlers),
        cmocka_unit_test(what_is_no_request_is_refused_with_no_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
