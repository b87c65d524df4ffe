#include "world.h"

#include <towline/error.h>

enum { SEEDS = 12 };

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void begin(struct world *world, uint64_t seed, bool whole, const tow_handler *handler) {
    world_make(world, &(tow_simulation_options){.seed = seed, .whole = whole},
        &(tow_server_options){.status = "127.0.0.1:9999"});
    assert_int_equal(tow_server_route(world->server, "/echo", handler), 0);
    world_listen(world);
}

static void a_handshake_opens_and_messages_are_echoed(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, false, &(tow_handler){.on_message = echo});
        peer_connect(&peer, &world);
        peer_text(&peer, OPENING("/echo"));
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, OPENED "Upgrade: websocket\r\nConnection: Upgrade\r\n" ACCEPTED "\r\n"));
        peer_frame(&peer, 1, "hello", 5);
        peer_expect_frame(&peer, 1, "hello", 5);
        assert_int_equal(world_metric(&world, "websockets"), 1);
        assert_int_equal(world_metric(&world, "connections"), 1);
        peer_frame(&peer, 8, "\x03\xe8", 2);
        peer_expect_frame(&peer, 8, "\x03\xe8", 2);
        peer_expect_end(&peer);
        peer_close(&peer);
        world_run(&world, 10);
        assert_int_equal(world_metric(&world, "websockets"), 0);
        assert_int_equal(world_metric(&world, "connections"), 0);
        world_end(&world);
    }
}

static void admit_by_query(tow_exchange *exchange, const tow_request *request) {
    const char *query = tow_request_query(request);
    if (strcmp(query, "silent") == 0)
        assert_int_equal(tow_exchange_reject(exchange, 401, NULL), 0);
    else if (strcmp(query, "odd") == 0)
        assert_int_equal(tow_exchange_reject(exchange, 200, NULL), TOW_ERROR_ARGUMENT);
    else if (strcmp(query, "full") == 0)
        assert_int_equal(tow_exchange_reject(exchange, 503, "no room for you"), 0);
    else
        assert_int_equal(tow_exchange_accept(exchange, NULL), 0);
}

static void a_handler_may_refuse_a_handshake(void **state) {
    (void)state;
    static const struct {
        const char *request, *answer;
    } cases[] = {{OPENING("/echo?"), OPENED}, {OPENING("/echo?silent"), "HTTP/1.1 401 Unauthorized\r\n"},
        {OPENING("/echo?full"), "HTTP/1.1 503 Service Unavailable\r\n"},
        {OPENING("/echo?odd"), "HTTP/1.1 500 Internal Server Error\r\n"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, i, false, &(tow_handler){.on_message = echo, .on_admit = admit_by_query});
        peer_connect(&peer, &world);
        peer_text(&peer, cases[i].request);
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, cases[i].answer));
        if (i == 2)
            peer_expect(&peer, "\r\n\r\nno room for you\n");
        assert_int_equal(world_metric(&world, "websockets"), i == 0 ? 1 : 0);
        peer_reset(&peer);
        world_run(&world, 10);
        world_end(&world);
    }
}

static char long_text[4000];

static void admit_with_long_text(tow_exchange *exchange, const tow_request *request) {
    assert_int_equal(tow_exchange_reject(exchange, 403, long_text), 0);
}

/* Nothing but the text, and the end of the line if it is whole, may come, whatever its length. */
static void a_long_refusal_is_cut_and_says_so(void **state) {
    (void)state;
    static const size_t lengths[] = {150, 159, 160, 500, 998, 999, 1000, 1001, 3999};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct world world;
        struct peer peer;
        begin(&world, i, false, &(tow_handler){.on_message = echo, .on_admit = admit_with_long_text});
        memset(long_text, 'y', lengths[i]);
        long_text[lengths[i]] = '\0';
        bool fits = lengths[i] <= 1000;
        peer_connect(&peer, &world);
        peer_text(&peer, OPENING("/echo"));
        peer_expect_end(&peer);
        const char *body = strstr((const char *)peer.in.data, "\r\n\r\n") + 4;
        size_t kept = strspn(body, "y");
        assert_int_equal(kept, fits ? lengths[i] : 1000);
        assert_string_equal(body + kept, fits ? "\n" : "");
        assert_int_equal(peer.in.length, (size_t)(body - (const char *)peer.in.data) + strlen(body));
        assert_true(world_logged(&world, kept < 900 ? "y\n" : "y...\n"));
        assert_int_equal(world_logged(&world, "the text of the refusal was cut: 1000 of "), !fits);
        peer_close(&peer);
        world_end(&world);
    }
}

/* The request is cut once, at each of its bytes. */
static void a_request_may_be_cut_anywhere(void **state) {
    (void)state;
    static const char request[] = OPENING("/echo");
    struct world world;
    begin(&world, 1, true, &(tow_handler){.on_message = echo});
    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        struct peer peer;
        peer_connect(&peer, &world);
        peer_send(&peer, request, cut);
        world_run(&world, 3);
        assert_int_equal(peer.in.length, 0);
        peer_text(&peer, request + cut);
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, OPENED));
        peer_reset(&peer);
    }
    world_end(&world);
}

static void a_request_may_come_byte_by_byte(void **state) {
    (void)state;
    static const char request[] = OPENING("/echo");
    struct world world;
    struct peer peer;
    begin(&world, 1, true, &(tow_handler){.on_message = echo});
    peer_connect(&peer, &world);
    peer_trickle(&peer, request, sizeof(request) - 1);
    peer_expect(&peer, OPENED);
    peer_frame(&peer, 1, "x", 1);
    peer_expect_frame(&peer, 1, "x", 1);
    peer_close(&peer);
    world_end(&world);
}

/* Cut at each place, so that the request's end and the frame come together in every way. */
static void frames_pipelined_behind_the_request_are_received(void **state) {
    (void)state;
    uint8_t bytes[512];
    size_t request = strlen(OPENING("/echo"));
    memcpy(bytes, OPENING("/echo"), request);
    size_t length = request + frame_write(bytes + request, 1, "first", 5);
    length += frame_write(bytes + length, 2, "second", 6);
    struct world world;
    begin(&world, 1, true, &(tow_handler){.on_message = echo});
    for (size_t cut = 1; cut <= length; cut++) {
        struct peer peer;
        peer_connect(&peer, &world);
        peer_send(&peer, bytes, cut);
        world_run(&world, 3);
        peer_send(&peer, bytes + cut, length - cut);
        peer_expect_frame(&peer, 2, "second", 6);
        assert_true(peer_has_frame(&peer, 1, "first", 5));
        peer_reset(&peer);
    }
    world_end(&world);
}

static struct seen {
    char path[32], query[32], target[64], host[32], method[8], peer[32], missing[8], empty[8], extra[16];
    bool after;
    int opened, closed;
    void *user;
} seen;

static void copy(char *to, size_t size, const char *text) {
    snprintf(to, size, "%s", text == NULL ? "(null)" : text);
}

static void look(tow_websocket *socket) {
    const tow_request *request = tow_websocket_request(socket);
    assert_non_null(request);
    copy(seen.extra, sizeof(seen.extra), tow_request_header(request, "x-extra"));
    copy(seen.host, sizeof(seen.host), tow_request_header(request, "HOST"));
    copy(seen.path, sizeof(seen.path), tow_request_path(request));
    copy(seen.query, sizeof(seen.query), tow_request_query(request));
    copy(seen.target, sizeof(seen.target), tow_request_target(request));
    copy(seen.method, sizeof(seen.method), tow_request_method(request));
    copy(seen.peer, sizeof(seen.peer), tow_request_peer(request));
    copy(seen.missing, sizeof(seen.missing), tow_request_header(request, "X-Missing"));
    copy(seen.empty, sizeof(seen.empty), tow_request_header(request, "X-Empty"));
    assert_ptr_equal(tow_request_user(request), &seen);
    seen.user = tow_websocket_user(socket);
    seen.opened++;
}

static void look_after(tow_websocket *socket, const tow_message *message) {
    seen.after = tow_websocket_request(socket) == NULL;
    echo(socket, message);
}

static void note_close(tow_websocket *socket, const tow_close_event *event) {
    seen.closed++;
}

static void the_request_can_be_read_in_on_open_and_not_later(void **state) {
    (void)state;
    static const char *const targets[] = {"/echo?a=1&b=?", "/echo", "http://localhost/echo?", "/echo?"};
    static const char *const queries[] = {"a=1&b=?", "", "", ""};
    for (size_t i = 0; i < 4; i++) {
        struct world world;
        struct peer peer;
        char request[512];
        memset(&seen, 0, sizeof(seen));
        begin(&world, i, false,
            &(tow_handler){.on_open = look, .on_message = look_after, .on_close = note_close, .user = &seen});
        snprintf(request, sizeof(request),
            "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: keep-alive, "
            "Upgrade\r\nX-Extra:  a b \t\r\n"
            "X-Empty:\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            targets[i]);
        peer_connect(&peer, &world);
        peer_text(&peer, request);
        peer_expect(&peer, OPENED);
        peer_frame(&peer, 1, "x", 1);
        peer_expect_frame(&peer, 1, "x", 1);
        assert_string_equal(seen.path, "/echo");
        assert_string_equal(seen.query, queries[i]);
        assert_string_equal(seen.target, targets[i]);
        assert_string_equal(seen.host, "localhost");
        assert_string_equal(seen.method, "GET");
        assert_memory_equal(seen.peer, "127.0.0.1:", 10);
        assert_string_equal(seen.missing, "(null)");
        assert_string_equal(seen.empty, "");
        assert_string_equal(seen.extra, "a b");
        assert_ptr_equal(seen.user, &seen);
        assert_true(seen.after);
        peer_reset(&peer);
        world_run(&world, 10);
        assert_int_equal(seen.opened, 1);
        assert_int_equal(seen.closed, 1);
        world_end(&world);
    }
}

static int choose_second(const tow_request *request, const char *const *offered, size_t count) {
    assert_string_equal(offered[0], "soap");
    assert_string_equal(offered[count - 1], "xmpp");
    assert_null(offered[count]);
    assert_string_equal(tow_request_path(request), "/echo");
    return 1;
}

static int choose_none(const tow_request *request, const char *const *offered, size_t count) {
    return -1;
}

static int choose_beyond(const tow_request *request, const char *const *offered, size_t count) {
    return (int)count;
}

static void expect_protocol(const tow_handler *handler, const char *answer) {
    struct world world;
    struct peer peer;
    begin(&world, 3, false, handler);
    peer_connect(&peer, &world);
    peer_text(&peer,
        OPENING_WITH("/echo", "Sec-WebSocket-Protocol: soap, wamp\r\nSec-WebSocket-Protocol: xmpp\r\n"));
    peer_expect(&peer, "\r\n\r\n");
    assert_true(peer_has(&peer, OPENED));
    assert_true(peer_has(&peer, ACCEPTED));
    assert_int_equal(peer_has(&peer, "Sec-WebSocket-Protocol: "), answer != NULL);
    if (answer != NULL)
        assert_true(peer_has(&peer, answer));
    peer_reset(&peer);
    world_end(&world);
}

static void the_handler_chooses_the_subprotocol(void **state) {
    (void)state;
    static const char *const known[] = {"none", "xmpp", "soap", NULL};
    static const char *const unknown[] = {"SOAP", NULL};
    expect_protocol(&(tow_handler){.on_message = echo}, NULL);
    expect_protocol(&(tow_handler){.on_message = echo, .on_select = choose_second}, "Protocol: wamp\r\n\r\n");
    expect_protocol(&(tow_handler){.on_message = echo, .on_select = choose_none, .protocols = known}, NULL);
    expect_protocol(&(tow_handler){.on_message = echo, .on_select = choose_beyond}, NULL);
    expect_protocol(&(tow_handler){.on_message = echo, .protocols = known}, "Protocol: xmpp\r\n\r\n");
    expect_protocol(&(tow_handler){.on_message = echo, .protocols = unknown}, NULL);
}

static void expect_extension(tow_compression compression, const char *offer, const char *answer) {
    struct world world;
    struct peer peer;
    char request[512];
    begin(&world, 4, false, &(tow_handler){.on_message = echo, .limits = {.compression = compression}});
    snprintf(request, sizeof(request), OPENING_WITH("/echo", "Sec-WebSocket-Extensions: %s\r\n"), offer);
    peer_connect(&peer, &world);
    peer_text(&peer, request);
    peer_expect(&peer, "\r\n\r\n");
    assert_true(peer_has(&peer, OPENED));
    assert_int_equal(peer_has(&peer, "Sec-WebSocket-Extensions"), answer != NULL);
    if (answer != NULL)
        assert_true(peer_has(&peer, answer));
    peer_reset(&peer);
    world_end(&world);
}

static void compression_is_agreed_on_as_the_route_wants(void **state) {
    (void)state;
    expect_extension(TOW_COMPRESSION_OFF, "permessage-deflate", NULL);
    expect_extension(TOW_COMPRESSION_DEFAULT, "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n");
    expect_extension(TOW_COMPRESSION_SHARED, "permessage-deflate; client_max_window_bits",
        "server_no_context_takeover; client_no_context_takeover");
    expect_extension(TOW_COMPRESSION_TAKEOVER, "permessage-deflate", "Extensions: permessage-deflate\r\n");
    expect_extension(TOW_COMPRESSION_SHARED, "x-webkit-deflate-frame", NULL);
}

static void expect_refusal(const char *request, const char *status, const char *field) {
    for (uint64_t seed = 0; seed < 3; seed++) {
        struct world world;
        struct peer peer;
        begin(&world, seed, false, &(tow_handler){.on_message = echo});
        peer_connect(&peer, &world);
        peer_text(&peer, request);
        peer_expect(&peer, "\n");
        peer_expect_end(&peer);
        if (!peer_has(&peer, status) || !peer_has(&peer, field) || !peer_has(&peer, "close\r\n"))
            fail_msg("%s was answered with %s", request, (char *)peer.in.data);
        peer_close(&peer);
        world_end(&world);
    }
}

#define FIELDS(upgrade, connection, key, version) "Host: localhost\r\n" upgrade connection key version "\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"

static void what_is_wrong_with_a_handshake_is_answered(void **state) {
    (void)state;
    expect_refusal("GET /echo HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, KEY, "Sec-WebSocket-Version: 8\r\n"),
        "HTTP/1.1 426 Upgrade Required\r\n", "Sec-WebSocket-Version: 13\r\n");
    expect_refusal("GET /echo HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, KEY, ""), "HTTP/1.1 426 ",
        "Sec-WebSocket-Version: 13\r\n");
    expect_refusal("GET /echo HTTP/1.1\r\n" FIELDS(UPGRADE, "", KEY, VERSION), "HTTP/1.1 400 ", "");
    expect_refusal("GET /echo HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, "", VERSION), "HTTP/1.1 400 ", "Key");
    expect_refusal(
        "GET /echo HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, KEY KEY, VERSION), "HTTP/1.1 400 ", "Key");
    expect_refusal(
        "GET /echo HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, "Sec-WebSocket-Key: c2hvcnQ=\r\n", VERSION),
        "HTTP/1.1 400 ", "Key");
    expect_refusal("POST /echo HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, KEY, VERSION),
        "HTTP/1.1 405 Method Not Allowed\r\n", "Allow: GET\r\n");
    expect_refusal("GET /echo HTTP/1.0\r\n" FIELDS(UPGRADE, CONNECTION, KEY, VERSION), "HTTP/1.1 400 ", "");
    expect_refusal(
        "GET /echo HTTP/1.1\r\nContent-Length: 3\r\n" FIELDS(UPGRADE, CONNECTION, KEY, VERSION) "abc",
        "HTTP/1.1 400 ", "");
    expect_refusal("GET /other HTTP/1.1\r\n" FIELDS(UPGRADE, CONNECTION, KEY, VERSION), "HTTP/1.1 404 ", "");
    expect_refusal(
        "GET /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 426 ", "Connection: Upgrade, close\r\n");
    expect_refusal("PUT /echo HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 405 ", "Allow: GET\r\n");
    expect_refusal("GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 ", "");
    expect_refusal("GET /echo HTTP/2.0\r\nHost: a\r\n\r\n", "HTTP/1.1 505 ", "");
    expect_refusal("GET /echo HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 ", "");
}

static void origins_follow_the_rule_and_the_log_names_the_option(void **state) {
    (void)state;
    static const char *const allowed[] = {"https://good.example", NULL};
    struct world world;
    struct peer peer;
    world_make(&world, &(tow_simulation_options){.seed = 5},
        &(tow_server_options){.status = "127.0.0.1:9999", .allow_origins = allowed});
    tow_server_route(world.server, "/echo", &(tow_handler){.on_message = echo});
    tow_server_route(world.server, "/any", &(tow_handler){.on_message = echo, .any_origin = true});
    world_listen(&world);
    static const struct {
        const char *request;
        const char *status;
    } cases[] = {
        {OPENING_WITH("/echo", "Origin: http://localhost\r\n"), "HTTP/1.1 101 "},
        {OPENING_WITH("/echo", "Origin: https://good.example\r\n"), "HTTP/1.1 101 "},
        {OPENING_WITH("/echo", "Origin: http://localhost:9998\r\n"), "HTTP/1.1 403 "},
        {OPENING_WITH("/echo", "Origin: null\r\n"), "HTTP/1.1 403 "},
        {OPENING_WITH("/echo", "Origin: http://evil.example\r\n"), "HTTP/1.1 403 "},
        {OPENING_WITH("/echo", "Origin: http://localhost\r\nOrigin: http://localhost\r\n"), "HTTP/1.1 403 "},
        {OPENING_WITH("/any", "Origin: http://evil.example\r\n"), "HTTP/1.1 101 "},
        {OPENING_WITH("/any", "Origin: null\r\n"), "HTTP/1.1 101 "},
        {OPENING_WITH("/any", "Origin: evil\r\n"), "HTTP/1.1 403 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        peer_connect(&peer, &world);
        peer_text(&peer, cases[i].request);
        peer_expect(&peer, "\r\n\r\n");
        if (!peer_has(&peer, cases[i].status))
            fail_msg("%s was answered with %s", cases[i].request, (char *)peer.in.data);
        peer_reset(&peer);
    }
    assert_true(world_logged(&world, "403 origin http://evil.example is not the server's: --allow-origin "
                                     "http://evil.example (allow_origins in C) would allow it\n"));
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"allow-origin\"}"), 5);
    world_end(&world);
}

static void hosts_follow_the_rule_and_the_log_names_the_option(void **state) {
    (void)state;
    static const struct {
        const char *host;
        const char *status;
    } cases[] = {
        {"localhost:9998", "HTTP/1.1 101 "},
        {"127.0.0.1", "HTTP/1.1 101 "},
        {"x.localhost", "HTTP/1.1 101 "},
        {"evil.example:9998", "HTTP/1.1 421 "},
    };
    struct world world;
    struct peer peer;
    begin(&world, 6, false, &(tow_handler){.on_message = echo});
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char request[512];
        snprintf(request, sizeof(request),
            "GET /echo HTTP/1.1\r\nHost: %s\r\n" UPGRADE CONNECTION KEY VERSION "\r\n", cases[i].host);
        peer_connect(&peer, &world);
        peer_text(&peer, request);
        peer_expect(&peer, "\r\n\r\n");
        assert_true(peer_has(&peer, cases[i].status));
        peer_reset(&peer);
    }
    assert_true(
        world_logged(&world, "Host \"evil.example:9998\": --host evil.example (hosts in C) would allow it"));
    assert_int_equal(world_metric(&world, "limit_reached_total{limit=\"host\"}"), 1);
    peer_connect_to(&peer, &world, "127.0.0.1:9999");
    peer_text(&peer, "GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    peer_expect(&peer, "HTTP/1.1 421 ");
    peer_close(&peer);
    world_end(&world);
}

/* The peer goes away after each number of bytes it has sent, and at each step of the server's answer. */
static void a_peer_may_vanish_at_any_time(void **state) {
    (void)state;
    uint8_t bytes[512];
    size_t length = strlen(OPENING("/echo"));
    memcpy(bytes, OPENING("/echo"), length);
    length += frame_write(bytes + length, 1, "hello", 5);
    for (size_t cut = 0; cut <= length; cut++) {
        struct world world;
        struct peer peer;
        memset(&seen, 0, sizeof(seen));
        begin(&world, cut, cut % 2 == 0,
            &(tow_handler){.on_message = echo, .on_open = NULL, .on_close = note_close});
        peer_connect(&peer, &world);
        peer_send(&peer, bytes, cut);
        for (size_t step = 0; step < cut % 7; step++)
            tow_loop_step(world.loop);
        if (cut % 3 == 0)
            peer_close(&peer);
        else
            peer_reset(&peer);
        world_run(&world, 100);
        assert_int_equal(world_metric(&world, "connections"), 0);
        assert_int_equal(seen.closed, world_metric(&world, "websockets_opened_total"));
        world_end(&world);
    }
}

static void close_at_once(tow_websocket *socket) {
    assert_int_equal(tow_websocket_close(socket, 4001, "go"), 0);
}

static void a_socket_may_be_closed_inside_on_open(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct world world;
        struct peer peer;
        memset(&seen, 0, sizeof(seen));
        begin(&world, seed, false, &(tow_handler){.on_open = close_at_once, .on_close = note_close});
        peer_connect(&peer, &world);
        peer_text(&peer, OPENING("/echo"));
        peer_expect_frame(&peer, 8, "\x0f\xa1go", 4);
        assert_true(peer_has(&peer, OPENED));
        peer_frame(&peer, 8, "\x0f\xa1", 2);
        peer_expect_end(&peer);
        peer_close(&peer);
        world_run(&world, 10);
        assert_int_equal(seen.closed, 1);
        world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handler_may_refuse_a_handshake),
        cmocka_unit_test(a_long_refusal_is_cut_and_says_so),
        cmocka_unit_test(a_handshake_opens_and_messages_are_echoed),
        cmocka_unit_test(a_request_may_be_cut_anywhere),
        cmocka_unit_test(a_request_may_come_byte_by_byte),
        cmocka_unit_test(frames_pipelined_behind_the_request_are_received),
        cmocka_unit_test(the_request_can_be_read_in_on_open_and_not_later),
        cmocka_unit_test(the_handler_chooses_the_subprotocol),
        cmocka_unit_test(compression_is_agreed_on_as_the_route_wants),
        cmocka_unit_test(what_is_wrong_with_a_handshake_is_answered),
        cmocka_unit_test(origins_follow_the_rule_and_the_log_names_the_option),
        cmocka_unit_test(hosts_follow_the_rule_and_the_log_names_the_option),
        cmocka_unit_test(a_peer_may_vanish_at_any_time),
        cmocka_unit_test(a_socket_may_be_closed_inside_on_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
