#include "world.h"

#include "server/exchange.h"

#include <towline/error.h>

enum { SEEDS = 12 };

#define REQUEST(method, path) method " " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

/* Handlers */

static void hello(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_field(exchange, "X-Path", tow_request_path(request)), 0);
    assert_int_equal(tow_exchange_field(exchange, "X Bad", "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", "hello", 5), 0);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", "twice", 5), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_field(exchange, "X", "y"), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_read_body(exchange, 1, NULL, NULL), TOW_ERROR_STATE);
}

static void say_nothing(tow_exchange *exchange, const tow_request *request) {
}

static void no_content(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_respond(exchange, 99, NULL, NULL, 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_exchange_respond(exchange, 204, NULL, "ignored", 7), 0);
}

static void send_body_back(tow_exchange *exchange, void *user, const void *body, size_t length) {
    assert_ptr_equal(user, exchange);
    assert_int_equal(tow_exchange_read_body(exchange, 1, NULL, NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_exchange_respond(exchange, 200, "text/plain", body, length), 0);
}

static void want_body(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 100, send_body_back, exchange), 0);
    assert_int_equal(tow_exchange_respond(exchange, 200, NULL, NULL, 0), TOW_ERROR_STATE);
}

static void forget_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
}

static void want_body_only(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_read_body(exchange, 100, forget_body, NULL), 0);
}

/* A body whose byte i is i modulo 251. */
static struct source {
    uint64_t at;
    uint64_t breaks_at;
    int reads, closed;
} source;

static int64_t source_read(void *user, void *out, size_t length) {
    struct source *from = user;
    uint8_t *bytes = out;
    from->reads++;
    if (from->breaks_at > 0 && from->at >= from->breaks_at)
        return 0;
    size_t count = length > 50000 ? 50000 : length;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)((from->at + i) % 251);
    from->at += count;
    return (int64_t)count;
}

static void source_close(void *user) {
    ((struct source *)user)->closed++;
}

static void stream(tow_exchange *exchange, const tow_request *request) {
    uint64_t length = strtoull(tow_request_query(request), NULL, 10);
    tow_body_source from = {.read = source_read, .close = source_close, .user = &source};
    assert_int_equal(tow_exchange_stream(exchange, 200, "application/octet-stream", length, &from), 0);
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void begin(struct world *world, const tow_simulation_options *simulation) {
    memset(&source, 0, sizeof(source));
    world_make(world, simulation, &(tow_server_options){.status = "127.0.0.1:9999"});
    tow_server_route(world->server, "/hello", &(tow_handler){.on_request = hello});
    tow_server_route(world->server, "/silent", &(tow_handler){.on_request = say_nothing});
    tow_server_route(world->server, "/none", &(tow_handler){.on_request = no_content});
    tow_server_route(world->server, "/body", &(tow_handler){.on_request = want_body});
    tow_server_route(world->server, "/forget", &(tow_handler){.on_request = want_body_only});
    tow_server_route(world->server, "/socket", &(tow_handler){.on_message = echo});
    tow_server_route(world->server, "/stream", &(tow_handler){.on_request = stream});
    world_listen(world);
}

static size_t count_of(const struct peer *peer, const char *text) {
    size_t count = 0;
    const uint8_t *at = peer->in.data;
    size_t left = peer->in.length;
    const uint8_t *found;
    while ((found = memmem(at, left, text, strlen(text))) != NULL) {
        count++;
        left -= (size_t)(found - at) + strlen(text);
        at = found + strlen(text);
    }
    return count;
}

static void a_connection_serves_one_request_after_the_other(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed});
        peer_connect(&peer, &world);
        for (size_t i = 1; i <= 3; i++) {
            peer_text(&peer, REQUEST("GET", "/hello"));
            world_run(&world, 50);
            assert_int_equal(count_of(&peer, "HTTP/1.1 200 OK\r\n"), i);
            assert_int_equal(count_of(&peer, "\r\nContent-Length: 5\r\nX-Path: /hello\r\n\r\nhello"), i);
        }
        assert_int_equal(count_of(&peer, "Connection:"), 0);
        assert_int_equal(count_of(&peer, "Date: "), 3);
        assert_false(peer.ended);
        peer_close(&peer);
        world_end(&world);
    }
}

/* Pipelined requests of many kinds, cut at each byte by the seed. */
static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    static const char requests[] = REQUEST("GET", "/hello") REQUEST("HEAD", "/hello") REQUEST("GET",
        "/none") "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nfour" REQUEST("GET",
        "/stream?5") "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                     "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
                     "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nunread "
                     "bod" REQUEST("GET", "/none");
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = seed % 2 == 0 ? 0 : 700});
        peer_connect(&peer, &world);
        peer_text(&peer, requests);
        world_run(&world, 500);
        assert_int_equal(count_of(&peer, "HTTP/1.1 "), 8);
        const char *at = (const char *)peer.in.data;
        static const char *const order[] = {"\r\n\r\nhelloHTTP/1.1 200",
            "\r\n\r\nHTTP/1.1 204 No Content\r\n", "\r\n\r\nHTTP/1.1 200", "\r\n\r\nfourHTTP", "\r\n\r\n",
            "\r\n\r\nabcdeHTTP", "\r\n\r\nhelloHTTP/1.1 204"};
        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
            size_t left = peer.in.length - (size_t)(at - (const char *)peer.in.data);
            const char *found = memmem(at, left, order[i], strlen(order[i]));
            if (found == NULL)
                fail_msg("seed %d: no %s in %s", (int)seed, order[i], at);
            at = found + 1;
        }
        assert_false(peer.ended);
        assert_int_equal(source.closed, 1);
        peer_close(&peer);
        world_end(&world);
    }
}

static void a_request_may_come_byte_by_byte(void **state) {
    (void)state;
    static const char requests[] =
        REQUEST("GET", "/hello") "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
                                 "chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" REQUEST("GET", "/none");
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.whole = true});
    peer_connect(&peer, &world);
    peer_trickle(&peer, requests, sizeof(requests) - 1);
    peer_expect(&peer, "204 No Content");
    assert_int_equal(count_of(&peer, "HTTP/1.1 200"), 2);
    assert_true(peer_has(&peer, "\r\n\r\nabcHTTP"));
    peer_close(&peer);
    world_end(&world);
}

static void expect_answer(const char *request, const char *answer, const char *absent, bool ends) {
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = strlen(request)});
    peer_connect(&peer, &world);
    peer_text(&peer, request);
    peer_expect(&peer, answer);
    world_run(&world, 100);
    assert_int_equal(peer.ended, ends);
    if (absent != NULL && peer_has(&peer, absent))
        fail_msg("%s was answered with %s", request, (char *)peer.in.data);
    peer_close(&peer);
    world_end(&world);
}

static void connections_end_when_a_side_wants_it(void **state) {
    (void)state;
    expect_answer("GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "Connection: close\r\n\r\nhello", NULL, true);
    expect_answer("GET /hello HTTP/1.0\r\n\r\n", "Connection: close\r\n\r\nhello", NULL, true);
    expect_answer("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "Connection: keep-alive\r\n\r\nhello", "close", false);
    expect_answer(
        "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", "nothing is served at this path\n", NULL, true);
    expect_answer("GET /silent HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 500 ", NULL, true);
    expect_answer("\r\n" REQUEST("GET", "/hello"), "\r\n\r\nhello", NULL, false);
}

static void head_and_204_have_no_body(void **state) {
    (void)state;
    expect_answer(REQUEST("HEAD", "/hello"), "Content-Length: 5\r\nX-Path: /hello\r\n\r\n",
        "hello\r\n\r\nhello", false);
    expect_answer(REQUEST("GET", "/none"), "HTTP/1.1 204 No Content\r\n", "Content-Length", false);
    expect_answer(REQUEST("HEAD", "/stream?100"), "Content-Length: 100\r\n\r\n", "\r\n\r\n\1", false);
    assert_int_equal(source.closed, 1);
    assert_int_equal(source.reads, 0);
}

static void an_unread_body_does_not_hurt_the_next_request(void **state) {
    (void)state;
    /* More than is read over: the connection ends, and what follows is not taken for a request. */
    char *long_body = calloc(1, 200001);
    int head = snprintf(
        long_body, 200000, "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 150000\r\n\r\n");
    memset(long_body + head, 'x', 150000);
    memcpy(long_body + head + 150000, REQUEST("GET", "/none"), strlen(REQUEST("GET", "/none")));
    expect_answer(long_body, "Connection: close\r\n\r\nhello", "204", true);
    head = snprintf(long_body, 200000,
        "POST /hello HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n249F0\r\n");
    memset(long_body + head, 'x', 150000);
    expect_answer(long_body, "\r\n\r\nhello", "204", true);
    free(long_body);
    /* A client that waits for 100 may send the body after all: the connection ends. */
    expect_answer(
        "POST /hello HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
        "Connection: close\r\n\r\nhello", "100 Continue", true);
}

static void a_client_that_waits_is_told_to_continue(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    peer_connect(&peer, &world);
    for (size_t i = 0; i < 2; i++) {
        peer_text(&peer,
            "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
        peer_expect(&peer, "HTTP/1.1 100 Continue\r\n\r\n");
        world_run(&world, 10);
        assert_int_equal(count_of(&peer, "200 OK"), 0);
        peer_text(&peer, "abc");
        peer_expect(&peer, "\r\n\r\nabc");
        assert_int_equal(count_of(&peer, "HTTP/1.1 100"), 1);
        world_run(&world, 10);
        tow_buffer_consume(&peer.in, peer.in.length);
    }
    peer_close(&peer);
    world_end(&world);
}

static void the_limit_of_a_body_is_exact(void **state) {
    (void)state;
    char request[512];
    for (int length = 99; length <= 101; length++) {
        const char *answer = length <= 100 ? "HTTP/1.1 200" : "HTTP/1.1 413 Content Too Large\r\n";
        int head = snprintf(request, sizeof(request),
            "POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", length);
        memset(request + head, 'x', (size_t)length);
        request[head + length] = '\0';
        expect_answer(request, answer, NULL, length > 100);
        head = snprintf(request, sizeof(request),
            "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n",
            (unsigned)length);
        memset(request + head, 'x', (size_t)length);
        snprintf(request + head + length, sizeof(request) - (size_t)(head + length), "\r\n0\r\n\r\n");
        expect_answer(request, answer, NULL, length > 100);
    }
}

static void bodies_that_are_not_valid_or_not_answered_end_the_connection(void **state) {
    (void)state;
    expect_answer("POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 400 Bad Request\r\n", NULL, true);
    expect_answer("POST /forget HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
        "HTTP/1.1 500 Internal Server Error\r\n", NULL, true);
    expect_answer("POST /forget HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 500 ", NULL, true);
}

static void check_pattern(const struct peer *peer, size_t length) {
    const uint8_t *body = memmem(peer->in.data, peer->in.length, "\r\n\r\n", 4);
    assert_non_null(body);
    body += 4;
    assert_int_equal(peer->in.length - (size_t)(body - peer->in.data), length);
    for (size_t i = 0; i < length; i++) {
        if (body[i] != i % 251)
            fail_msg("byte %zu is %d", i, body[i]);
    }
}

static void a_streamed_body_arrives_whole(void **state) {
    (void)state;
    static const size_t lengths[] = {0, 1, 49999, 65536, 300000, 5000000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            struct world world;
            struct peer peer;
            char request[128];
            begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = seed == 1 ? 1000 : 0});
            snprintf(request, sizeof(request),
                "GET /stream?%zu HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", lengths[i]);
            peer_connect(&peer, &world);
            peer_text(&peer, request);
            while (!peer.ended)
                assert_true(tow_loop_step(world.loop) > 0);
            check_pattern(&peer, lengths[i]);
            assert_int_equal(source.closed, 1);
            peer_close(&peer);
            world_end(&world);
        }
    }
}

static void a_reader_that_stops_holds_one_piece_and_is_reset(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .stream_capacity = 10000});
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("GET", "/stream?100000000"));
    peer_expect(&peer, "\r\n\r\n");
    tow_stream_pause(&peer.stream);
    world_run(&world, 25000);
    assert_true(source.at < 1000000);
    uint64_t before = source.at;
    tow_stream_resume(&peer.stream);
    world_run(&world, 1);
    tow_stream_pause(&peer.stream);
    assert_true(source.at > before);
    world_run(&world, 25000); /* it took something: the time began anew */
    assert_int_equal(source.closed, 0);
    world_run(&world, 6000);
    assert_int_equal(source.closed, 1);
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"stall-seconds\"}"), 1);
    assert_int_equal(world_metric(&world, "connections"), 0);
    tow_stream_resume(&peer.stream);
    peer_close(&peer);
    world_end(&world);
}

static void a_source_that_breaks_off_breaks_the_connection_off(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1});
    source.breaks_at = 100000;
    peer_connect(&peer, &world);
    peer_text(&peer, REQUEST("GET", "/stream?500000"));
    peer_expect_end(&peer);
    assert_true(peer.failed);
    assert_int_equal(source.closed, 1);
    assert_true(
        world_logged(&world, "GET /stream the body ended 400000 bytes too early: the client is reset"));
    peer_close(&peer);
    world_end(&world);
}

static void a_peer_that_vanishes_closes_the_source(void **state) {
    (void)state;
    for (int step = 0; step < 60; step++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = (uint64_t)step, .stream_capacity = 5000});
        peer_connect(&peer, &world);
        peer_text(&peer, REQUEST("GET", "/stream?500000"));
        for (int i = 0; i < step; i++)
            tow_loop_step(world.loop);
        bool began = source.reads > 0;
        if (step % 2 == 0)
            peer_close(&peer);
        else
            peer_reset(&peer);
        world_run(&world, 100);
        assert_int_equal(world_metric(&world, "connections"), 0);
        if (began)
            assert_int_equal(source.closed, 1);
        world_end(&world);
    }
}

/* The request's last byte and the end come in one read, as from `printf … | nc -N`. */
static void a_peer_that_ended_its_side_is_answered(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .whole = seed == 0});
        peer_connect(&peer, &world);
        world_run(&world, 5);
        peer_text(&peer, REQUEST("GET", "/hello") REQUEST("GET", "/stream?200000"));
        peer_shutdown(&peer);
        world_run(&world, 100);
        assert_true(peer.ended);
        assert_true(peer_has(&peer, "\r\n\r\nhelloHTTP/1.1 200"));
        assert_true(peer.in.length > 200000);
        peer_close(&peer);
        world_run(&world, 10);
        assert_int_equal(world_metric(&world, "connections"), 0);
        world_end(&world);
    }
}

static void the_end_in_the_middle_of_a_request_ends_the_connection(void **state) {
    (void)state;
    static const char request[] =
        "POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t cut = 0; cut < sizeof(request) - 1; cut++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = cut});
        peer_connect(&peer, &world);
        world_run(&world, 5);
        peer_send(&peer, request, cut);
        peer_shutdown(&peer);
        world_run(&world, 100);
        assert_true(peer.ended || peer.failed);
        peer_close(&peer);
        assert_int_equal(world_metric(&world, "connections"), 0);
        world_end(&world);
    }
}

/* The peer goes on sending what nobody wants; the answer must not be lost for it. */
static void an_error_is_seen_by_a_peer_that_goes_on_sending(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    char rest[1000];
    memset(rest, 'x', sizeof(rest));
    begin(&world, &(tow_simulation_options){.seed = 3});
    peer_connect(&peer, &world);
    peer_text(&peer, "NONSENSE\r\n\r\n");
    for (int i = 0; i < 100; i++)
        peer_send(&peer, rest, sizeof(rest));
    peer_expect(&peer, "this is not valid HTTP/1.1\n");
    peer_expect_end(&peer);
    assert_true(peer.ended);
    assert_false(peer.failed);
    world_run(&world, 500);
    assert_false(peer.failed);
    world_run(&world, 1000); /* the time for that is bounded */
    assert_int_equal(world_metric(&world, "connections"), 0);
    assert_int_equal(world_metric(&world, "bad_requests_total"), 1);
    peer_close(&peer);
    world_end(&world);
}

/* Answers pile up when they are not read; requests are not read either then. */
static void answers_that_are_not_read_stop_the_reading_of_requests(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, &(tow_simulation_options){.seed = 1, .stream_capacity = 4000});
    peer_connect(&peer, &world);
    world_run(&world, 5);
    tow_stream_pause(&peer.stream);
    for (int i = 0; i < 2000; i++)
        peer_text(&peer, REQUEST("GET", "/hello"));
    world_run(&world, 1000);
    assert_true(world_metric(&world, "requests_total") < 500);
    tow_stream_resume(&peer.stream);
    world_run(&world, 1000);
    assert_int_equal(count_of(&peer, "\r\n\r\nhello"), 2000);
    peer_close(&peer);
    world_end(&world);
}

/* 101 stands alone in the cork, whatever was answered before it. */
static void a_websocket_may_begin_behind_other_requests(void **state) {
    (void)state;
    uint8_t bytes[1024];
    static const char requests[] = REQUEST("GET", "/hello") REQUEST("GET", "/stream?3000") OPENING("/socket");
    size_t length = sizeof(requests) - 1;
    memcpy(bytes, requests, length);
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, &(tow_simulation_options){.seed = seed, .stream_capacity = seed % 2 == 0 ? 0 : 500});
        peer_connect(&peer, &world);
        size_t all = length + frame_write(bytes + length, 9, "ping", 4);
        peer_send(&peer, bytes, all);
        peer_expect_frame(&peer, 10, "ping", 4);
        assert_true(peer_has(&peer, "\r\n\r\nhelloHTTP/1.1 200"));
        assert_int_equal(count_of(&peer, OPENED), 1);
        peer_close(&peer);
        world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_one_request_after_the_other),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(connections_end_when_a_side_wants_it),
        cmocka_unit_test(head_and_204_have_no_body),
        cmocka_unit_test(an_unread_body_does_not_hurt_the_next_request),
        cmocka_unit_test(a_client_that_waits_is_told_to_continue),
        cmocka_unit_test(the_limit_of_a_body_is_exact),
        cmocka_unit_test(bodies_that_are_not_valid_or_not_answered_end_the_connection),
        cmocka_unit_test(a_streamed_body_arrives_whole),
        cmocka_unit_test(a_reader_that_stops_holds_one_piece_and_is_reset),
        cmocka_unit_test(a_source_that_breaks_off_breaks_the_connection_off),
        cmocka_unit_test(a_peer_that_vanishes_closes_the_source),
        cmocka_unit_test(a_peer_that_ended_its_side_is_answered),
        cmocka_unit_test(the_end_in_the_middle_of_a_request_ends_the_connection),
        cmocka_unit_test(an_error_is_seen_by_a_peer_that_goes_on_sending),
        cmocka_unit_test(answers_that_are_not_read_stop_the_reading_of_requests),
        cmocka_unit_test(a_websocket_may_begin_behind_other_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
