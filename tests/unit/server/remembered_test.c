/* What a socket knows of its opening: its peer, and the request where the route asks for it. */
#include "world.h"

#include <towline.h>

enum { PEER_KEPT = 128 };

static char on_open_peer[PEER_KEPT], on_close_peer[PEER_KEPT];
static tow_websocket *last;
static const char *scheme;
static int closed;

static void assert_request(const tow_websocket *socket) {
    const tow_request *request = tow_websocket_request(socket);
    assert_non_null(request);
    assert_string_equal(tow_request_method(request), "GET");
    assert_string_equal(tow_request_path(request), "/kept");
    assert_string_equal(tow_request_query(request), "room=7");
    assert_string_equal(tow_request_target(request), "/kept?room=7");
    assert_string_equal(tow_request_header(request, "x-token"), "secret");
    assert_null(tow_request_header(request, "X-Other"));
    assert_ptr_equal(tow_request_user(request), &closed);
    assert_string_equal(tow_request_peer(request), on_open_peer);
    assert_string_equal(tow_request_scheme(request), scheme);
    assert_null(tow_request_certificate_subject(request));
    assert_null(tow_request_certificate_fingerprint(request));
}

/* The peer of a request is that of its socket. */
static void opened(tow_websocket *socket) {
    last = socket;
    assert_int_equal(tow_websocket_peer(socket, on_open_peer, PEER_KEPT), 0);
    assert_string_equal(tow_request_peer(tow_websocket_request(socket)), on_open_peer);
    char small[PEER_KEPT];
    size_t length = strlen(on_open_peer);
    assert_int_equal(tow_websocket_peer(socket, small, length), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_peer(socket, small, length + 1), 0);
    assert_string_equal(small, on_open_peer);
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

static void is_closed(tow_websocket *socket, const tow_close_event *event) {
    (void)event;
    closed++;
    assert_int_equal(tow_websocket_peer(socket, on_close_peer, PEER_KEPT), 0);
    assert_string_equal(on_close_peer, on_open_peer);
}

static void echo_with_request(tow_websocket *socket, const tow_message *message) {
    assert_request(socket);
    echo(socket, message);
}

static void is_closed_with_request(tow_websocket *socket, const tow_close_event *event) {
    assert_request(socket);
    assert_int_equal(tow_websocket_retain(socket), 0);
    is_closed(socket, event);
}

static void echo_without_request(tow_websocket *socket, const tow_message *message) {
    assert_null(tow_websocket_request(socket));
    echo(socket, message);
}

static void is_closed_without_request(tow_websocket *socket, const tow_close_event *event) {
    assert_null(tow_websocket_request(socket));
    is_closed(socket, event);
}

static void begin(struct world *world, uint64_t seed, const tow_server_options *options) {
    const tow_handler plain = {
        .on_open = opened, .on_message = echo_without_request, .on_close = is_closed_without_request};
    const tow_handler kept = {.user = &closed,
        .on_open = opened,
        .on_message = echo_with_request,
        .on_close = is_closed_with_request,
        .keep_request = true};
    closed = 0;
    world_make(world, &(tow_simulation_options){.seed = seed}, options);
    assert_int_equal(tow_server_route(world->server, "/plain", &plain), 0);
    assert_int_equal(tow_server_route(world->server, "/below/*", &plain), 0);
    assert_int_equal(tow_server_route(world->server, "/kept", &kept), 0);
    world_listen(world);
}

static void talk(struct world *world, const char *request) {
    struct peer peer;
    peer_connect(&peer, world);
    peer_text(&peer, request);
    peer_expect(&peer, ACCEPTED);
    peer_frame(&peer, 0x1, "hello", 5);
    peer_expect_frame(&peer, 0x1, "hello", 5);
    peer_shutdown(&peer);
    world_run(world, 100);
    peer_close(&peer);
    assert_int_equal(closed, 1);
}

static const char *const local[] = {"127.0.0.1", NULL};

static void a_socket_knows_its_peer_to_the_end(void **state) {
    (void)state;
    static const struct {
        const char *fields, *peer;
    } clients[] = {
        {"", "127.0.0.1:"},
        {"X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9"},
        {"Forwarded: for=\"203.0.113.9:5\"\r\n", "203.0.113.9:5"},
        {"X-Forwarded-For: 2001:db8::9\r\n", "[2001:db8::9]"},
        {"Forwarded: for=\"[2001:db8::9]:5\"\r\n", "[2001:db8::9]:5"},
        {"Forwarded: for=\"[::1]:5\"\r\n", "[::1]:5"},
    };
    static const char *const paths[] = {"/plain", "/below/here"};
    for (size_t i = 0; i < 4 * sizeof(clients) / sizeof(clients[0]); i++) {
        struct world world;
        char request[400];
        bool quiet = i % 2 == 1; /* the log's level decides on nothing */
        snprintf(request, sizeof(request),
            "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
            paths[i / 2 % 2], clients[i / 4].fields);
        begin(&world, i,
            &(tow_server_options){.trusted_proxies = local, .log_level = quiet ? TOW_LOG_NOTICE : 0});
        talk(&world, request);
        if (strncmp(on_open_peer, clients[i / 4].peer, strlen(clients[i / 4].peer)) != 0)
            fail_msg("%zu: the peer is %s", i, on_open_peer);
        world_end(&world);
    }
}

static void a_route_may_keep_the_request(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct world world;
        begin(&world, seed,
            &(tow_server_options){
                .trusted_proxies = seed % 2 == 1 ? local : NULL, .log_level = seed < 3 ? TOW_LOG_NOTICE : 0});
        scheme = seed % 2 == 1 ? "https" : "http"; /* as a proxy says that is trusted */
        talk(&world,
            OPENING_WITH("/kept?room=7", "X-Token: secret\r\nForwarded: for=192.0.2.4;proto=https\r\n"));
        assert_null(tow_websocket_request(last)); /* it was retained: the request was not */
        assert_int_equal(tow_websocket_peer(last, on_close_peer, PEER_KEPT), 0);
        assert_string_equal(on_close_peer, on_open_peer);
        tow_websocket_release(last);
        world_end(&world);
    }
}

/* The kept request goes with the server, too. */
static void a_server_may_be_freed_with_requests_kept(void **state) {
    (void)state;
    struct world world;
    struct peer peer;
    begin(&world, 1, &(tow_server_options){0});
    scheme = "http";
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING_WITH("/kept?room=7", "X-Token: secret\r\n"));
    peer_expect(&peer, ACCEPTED);
    tow_server_free(world.server);
    assert_int_equal(closed, 1);
    peer_close(&peer);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
}

/* A client's. */

static int heard;

static void client_opened(tow_websocket *socket) {
    char peer[PEER_KEPT];
    assert_int_equal(tow_websocket_peer(socket, peer, sizeof(peer)), 0);
    assert_string_equal(peer, "127.0.0.1:9998");
    assert_int_equal(tow_websocket_peer(socket, peer, strlen("127.0.0.1:9998")), TOW_ERROR_ARGUMENT);
    assert_null(tow_websocket_request(socket));
    heard++;
    assert_int_equal(tow_websocket_close(socket, 1000, NULL), 0);
}

static void client_closed(tow_websocket *socket, const tow_close_event *event) {
    char peer[PEER_KEPT];
    assert_true(event->was_clean);
    assert_int_equal(tow_websocket_peer(socket, peer, sizeof(peer)), 0);
    assert_string_equal(peer, "127.0.0.1:9998");
    heard++;
}

static void a_client_knows_whom_it_is_connected_to(void **state) {
    (void)state;
    struct world world;
    tow_websocket *socket;
    char peer[PEER_KEPT];
    begin(&world, 1, &(tow_server_options){0});
    heard = 0;
    assert_int_equal(tow_websocket_open(&socket, world.loop, "ws://127.0.0.1:9998/plain",
                         &(tow_websocket_options){.on_open = client_opened, .on_close = client_closed}),
        0);
    assert_int_equal(tow_websocket_peer(socket, peer, sizeof(peer)), TOW_ERROR_STATE);
    world_run(&world, 1000);
    assert_int_equal(heard, 2);
    tow_websocket_free(socket);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_knows_its_peer_to_the_end),
        cmocka_unit_test(a_route_may_keep_the_request),
        cmocka_unit_test(a_server_may_be_freed_with_requests_kept),
        cmocka_unit_test(a_client_knows_whom_it_is_connected_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
