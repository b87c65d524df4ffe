#include "world.h"

#include "../allocation.h"
#include "server/exchange.h"

#include <towline/error.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static int opened;
static int closed;
static int sources;

static void note_open(tow_websocket *socket) {
    opened++;
    assert_string_equal(tow_request_path(tow_websocket_request(socket)), "/echo");
}

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    closed++;
}

static int take_first(const tow_request *request, const char *const *offered, size_t count) {
    return 0;
}

static int64_t give_x(void *user, void *out, size_t length) {
    memset(out, 'x', length);
    return (int64_t)length;
}

static void source_close(void *user) {
    sources--;
}

static void stream(tow_exchange *exchange, const tow_request *request) {
    sources++;
    tow_exchange_stream(
        exchange, 200, "text/plain", 3000, &(tow_body_source){.read = give_x, .close = source_close});
}

static void send_body_back(tow_exchange *exchange, void *user, const void *body, size_t length) {
    if (tow_exchange_field(exchange, "X-Field", "value") == 0)
        tow_exchange_respond(exchange, 200, "text/plain", body, length);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 100, send_body_back, NULL), 0);
}

/* Whoever keeps a request answers it, or has on_gone. */
static void note_answerless(tow_exchange *exchange, void *user) {
    sources--;
}

/* What can't be said whole breaks the exchange off. */
static void say_pieces(tow_exchange *exchange) {
    int error = tow_exchange_begin(exchange, 200, "text/plain", TOW_LENGTH_UNKNOWN);
    if (error == 0)
        error = tow_exchange_write(exchange, "pieces", 6);
    if (error == 0)
        error = tow_exchange_end(exchange);
    if (error == 0)
        sources--;
    else
        tow_exchange_reset(exchange);
}

static void take_pieces(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last) {
    if (is_last)
        say_pieces(exchange);
}

static void want_pieces(tow_exchange *exchange, const tow_request *request) {
    sources++;
    const tow_exchange_events events = {.on_gone = note_answerless};
    assert_int_equal(tow_exchange_keep(exchange, &events), 0);
    (void)tow_request_headers(request);
    const char *parameter = tow_request_parameter(request, "a");
    assert_true(parameter == NULL || strcmp(parameter, "b") == 0);
    (void)tow_request_cookie(request, "c");
    assert_int_equal(tow_exchange_read_pieces(exchange, take_pieces, NULL), 0);
}

/* Whoever keeps a handshake has on_open or on_gone, whatever fails. */
static int waiting;
static tow_exchange *kept;

static void let_in(void *argument) {
    if (waiting > 0)
        (void)tow_exchange_accept(kept, NULL);
}

static void note_gone(tow_exchange *exchange, void *user) {
    waiting--;
}

static void keep(tow_exchange *exchange, const tow_request *request) {
    kept = exchange;
    if (tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = note_gone}) != 0)
        return;
    waiting++;
    if (tow_exchange_field(exchange, "X-Field", "value") != 0 ||
        tow_loop_post(tow_exchange_loop(exchange), let_in, NULL) != 0)
        let_in(NULL);
}

static void note_open_kept(tow_websocket *socket) {
    opened++;
    waiting--;
}

/* What is refused is answered, and nobody hears of it any more. */
static void keep_and_refuse(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_keep(exchange, &(tow_exchange_events){.on_gone = note_gone}), 0);
    waiting++;
    if (tow_exchange_reject(exchange, 403, "not you") == 0)
        waiting--;
}

static int add_routes(tow_server *server) {
    const char *const protocols[] = {"soap", "xmpp", NULL};
    const tow_handler echoes = {.on_message = echo,
        .on_open = note_open,
        .on_close = note_close,
        .on_select = take_first,
        .protocols = protocols};
    int error = tow_server_route(server, "/echo", &echoes);
    tow_handler admits = echoes;
    admits.on_admit = keep;
    admits.on_open = note_open_kept;
    if (error == 0)
        error = tow_server_route(server, "/admits", &admits);
    if (error == 0)
        error = tow_server_route(server, "/stream", &(tow_handler){.on_request = stream});
    if (error == 0)
        error = tow_server_route(server, "/body", &(tow_handler){.on_request = want_body});
    if (error == 0)
        error = tow_server_route(server, "/pieces", &(tow_handler){.on_request = want_pieces});
    if (error == 0)
        error = tow_server_route(server, "/refuses", &(tow_handler){.on_request = keep_and_refuse});
    return error;
}

/* What the test itself needs is there before allocations begin to fail. */
static void prepare(struct peer *peer, struct world *world) {
    peer_connect(peer, world);
    assert_int_equal(tow_buffer_reserve(&peer->in, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&peer->out, 10000), 0);
    assert_int_equal(tow_buffer_reserve(&world->log, 100000), 0);
}

static void still_works(struct world *world) {
    struct peer peer;
    peer_connect(&peer, world);
    peer_text(&peer, OPENING("/echo"));
    peer_expect(&peer, OPENED);
    peer_frame(&peer, 1, "x", 1);
    peer_expect_frame(&peer, 1, "x", 1);
    peer_close(&peer);
}

/* Lets each allocation of a conversation fail in turn. Returns how many there were. */
static size_t with_each_failure(const char *conversation, size_t length, const char *last) {
    for (size_t failing = 1;; failing++) {
        struct world world;
        struct peer peer;
        opened = closed = sources = waiting = 0;
        world_make(&world, &(tow_simulation_options){.seed = failing / 8},
            &(tow_server_options){.max_connections_per_address = 10});
        assert_int_equal(add_routes(world.server), 0);
        world_listen(&world);
        prepare(&peer, &world);
        allocation_fail_at(failing);
        peer_send(&peer, conversation, length / 2);
        world_run(&world, 20);
        if (peer.used && !peer.failed)
            peer_send(&peer, conversation + length / 2, length - length / 2);
        world_run(&world, 100);
        bool was_last = allocation_count() < failing;
        allocation_fail_at(0);
        bool whole = memmem(peer.in.data, peer.in.length, last, strlen(last)) != NULL;
        if (was_last)
            assert_true(whole);
        peer_close(&peer);
        still_works(&world);
        world_run(&world, 20);
        assert_int_equal(opened, closed);
        assert_int_equal(sources, 0);
        assert_int_equal(waiting, 0);
        world_end(&world);
        if (was_last)
            return failing;
    }
}

static void an_opening_handshake_survives_each_failure(void **state) {
    (void)state;
    uint8_t bytes[1024];
    static const char request[] = OPENING_WITH("/echo?query=1",
        "Sec-WebSocket-Protocol: soap, xmpp\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
        "Origin: http://localhost\r\n");
    size_t length = sizeof(request) - 1;
    memcpy(bytes, request, length);
    length += frame_write(bytes + length, 1, "hello", 5);
    size_t allocations = with_each_failure((const char *)bytes, length, "\x81\x05hello");
    assert_true(allocations > 5);
}

static void a_handshake_that_is_accepted_later_survives_each_failure(void **state) {
    (void)state;
    uint8_t bytes[1024];
    static const char request[] = OPENING_WITH("/admits?query=1", "Sec-WebSocket-Protocol: soap, xmpp\r\n");
    size_t length = sizeof(request) - 1;
    memcpy(bytes, request, length);
    length += frame_write(bytes + length, 1, "hello", 5);
    assert_true(with_each_failure((const char *)bytes, length, "\x81\x05hello") > 8);
}

static void a_refusal_survives_each_failure(void **state) {
    (void)state;
    static const char request[] = "GET /refuses HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_true(with_each_failure(request, sizeof(request) - 1, "not you\n") > 1);
}

static void requests_survive_each_failure(void **state) {
    (void)state;
    static const char requests[] = "GET /stream?a HTTP/1.1\r\nHost: localhost\r\n\r\n"
                                   "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                                   "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
                                   "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
    size_t allocations =
        with_each_failure(requests, sizeof(requests) - 1, "nothing is served at this path\n");
    assert_true(allocations > 5);
}

static void bodies_and_answers_in_pieces_survive_each_failure(void **state) {
    (void)state;
    static const char requests[] =
        "POST /pieces?a=b HTTP/1.1\r\nHost: localhost\r\nCookie: c=d\r\nContent-Length: 4\r\n\r\nfour"
        "POST /pieces?a=b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
    size_t allocations =
        with_each_failure(requests, sizeof(requests) - 1, "nothing is served at this path\n");
    assert_true(allocations > 10);
}

static void making_a_server_survives_each_failure(void **state) {
    (void)state;
    const char *const names[] = {"a.example", "b.example", NULL};
    tow_loop *loop;
    assert_int_equal(tow_loop_new_simulated(&loop, NULL), 0);
    const tow_server_options options = {.loop = loop,
        .listens = (const char *const[]){"127.0.0.1:1000", "127.0.0.1:1001", NULL},
        .hosts = names,
        .status = "127.0.0.1:1002",
        .max_connections_per_address = 5};
    int error = TOW_ERROR_MEMORY;
    size_t failing = 0;
    while (error != 0) {
        tow_server *server = NULL;
        allocation_fail_at(++failing);
        error = tow_server_new(&server, &options);
        if (error == 0)
            error = add_routes(server);
        if (error == 0)
            error = tow_server_listen(server);
        allocation_fail_at(0);
        assert_true(error == 0 || error == TOW_ERROR_MEMORY);
        tow_server_free(server);
        while (tow_loop_step(loop) > 0)
            continue;
    }
    assert_true(failing > 10);
    tow_loop_free(loop);
}

/* Posting: what could not be posted is answered so, and the rest arrives. */

static tow_websocket *retained;

static void remember(tow_websocket *socket) {
    retained = socket;
}

static int post_many(struct world *world, tow_websocket_id id) {
    tow_shared *shared;
    int error = tow_shared_new(&shared, TOW_TEXT, "many", 4);
    if (error != 0)
        return error;
    error = tow_post_shared_many(world->server, &id, 1, shared);
    tow_shared_release(shared);
    return error;
}

static bool post_all(struct world *world, tow_websocket_id id) {
    char text[] = "text";
    int errors[] = {
        tow_post_message(world->server, id, &(tow_message){.type = TOW_TEXT, .data = text, .length = 4}),
        post_many(world, id),
        tow_post_close(world->server, id, 4000, "reason"),
        tow_websocket_retain(retained),
    };
    bool failed = false;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        assert_true(errors[i] == 0 || errors[i] == TOW_ERROR_MEMORY);
        failed |= errors[i] != 0;
    }
    return failed;
}

static bool post_with_failure(size_t failing) {
    struct world world;
    struct peer peer;
    world_make(&world, &(tow_simulation_options){0}, &(tow_server_options){0});
    assert_int_equal(tow_server_route(world.server, "/", &(tow_handler){.on_open = remember}), 0);
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/"));
    peer_expect(&peer, "\r\n\r\n");
    allocation_fail_at(failing);
    bool failed = post_all(&world, tow_websocket_identify(retained));
    allocation_fail_at(0);
    world_run(&world, 100);
    if (!failed)
        assert_true(peer_has_frame(&peer, 1, "text", 4) && peer_has_frame(&peer, 1, "many", 4) &&
                    peer_has(&peer, "reason"));
    assert_int_equal(tow_server_posted_amount(world.server), 0);
    peer_close(&peer);
    world_end(&world); /* frees what is still retained */
    return failed;
}

static void posting_and_retaining_survive_each_failure(void **state) {
    (void)state;
    size_t failing = 1;
    while (post_with_failure(failing))
        failing++;
    assert_true(failing > 4);
}

/* Routes that change while the server serves: what could not be done has changed nothing. */

static int freed_routes;

static void note_route_freed(void *user) {
    freed_routes++;
}

/* Returns the error of the first of three changes that failed. */
static int change_routes(tow_server *server, int *changes) {
    const char *const names[] = {"soap", "xmpp", NULL};
    const char *const hosts[] = {"localhost", "a.example", NULL};
    const char *const origins[] = {"https://a.example", NULL};
    const tow_handler handler = {.on_message = echo,
        .protocols = names,
        .allow_origins = origins,
        .hosts = hosts,
        .on_free = note_route_freed};
    int error = tow_server_route(server, "/late", &handler);
    *changes += error == 0;
    if (error == 0)
        error = tow_server_route(server, "/late", &handler);
    if (error == 0) {
        *changes += 1;
        error = tow_server_unroute(server, "/late");
    }
    *changes += error == 0;
    return error;
}

static bool change_routes_with_failure(size_t failing) {
    struct world world;
    freed_routes = 0;
    int changes = 0;
    world_make(&world, &(tow_simulation_options){0}, &(tow_server_options){.workers = 2});
    assert_int_equal(add_routes(world.server), 0);
    world_listen(&world);
    still_works(&world); /* the worker has a snapshot */
    long outstanding = allocation_outstanding();
    allocation_fail_at(failing);
    int error = change_routes(world.server, &changes);
    allocation_fail_at(0);
    assert_true(error == (changes == 3 ? 0 : TOW_ERROR_MEMORY));
    world_run(&world, 10);
    assert_int_equal(freed_routes, changes == 3 ? 2 : changes == 2);
    assert_int_equal(tow_server_posted_amount(world.server), 0);
    still_works(&world);
    struct peer peer;
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/late"));
    peer_expect(&peer, changes == 1 || changes == 2 ? OPENED : "HTTP/1.1 404 ");
    peer_close(&peer);
    if (changes == 3)
        assert_true(allocation_outstanding() <= outstanding);
    world_end(&world);
    assert_int_equal(freed_routes, changes == 3 ? 2 : changes);
    return error != 0;
}

static void changing_routes_survives_each_failure(void **state) {
    (void)state;
    size_t failing = 1;
    while (change_routes_with_failure(failing))
        failing++;
    assert_true(failing > 15);
}

/* As a signal handler may call it. */
static void a_stop_takes_no_memory(void **state) {
    struct world world;
    world_make(&world, &(tow_simulation_options){0}, &(tow_server_options){0});
    world_listen(&world);
    allocation_fail_at(0);
    tow_server_stop(world.server);
    assert_int_equal(allocation_count(), 0);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_opening_handshake_survives_each_failure),
        cmocka_unit_test(a_handshake_that_is_accepted_later_survives_each_failure),
        cmocka_unit_test(a_refusal_survives_each_failure),
        cmocka_unit_test(requests_survive_each_failure),
        cmocka_unit_test(bodies_and_answers_in_pieces_survive_each_failure),
        cmocka_unit_test(posting_and_retaining_survive_each_failure),
        cmocka_unit_test(making_a_server_survives_each_failure),
        cmocka_unit_test(changing_routes_survives_each_failure),
        cmocka_unit_test(a_stop_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
