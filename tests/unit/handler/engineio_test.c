/* Engine.IO 4, as a client speaks it byte by byte, on a simulated network; the rules are those of the
 * protocol's own suite, and those that it does not look at. */
#include "../server/world.h"

#include "engineio/session.h"
#include "handler/engineio.h"

#include <stdlib.h>
#include <towline/error.h>

enum { SEEDS = 8, PING = 300, PONG = 200 };

static struct heard {
    int opens, closes;
    uint16_t code;
    char reason[64];
    char protocol[16];
    char path[32];
    tow_websocket *socket;
    bool pauses;
} heard;

static void opened(tow_websocket *socket) {
    heard.opens++;
    heard.socket = socket;
    snprintf(heard.protocol, sizeof(heard.protocol), "%s", tow_websocket_protocol(socket));
    assert_non_null(tow_websocket_request(socket));
    assert_string_equal(tow_request_method(tow_websocket_request(socket)), "GET");
    snprintf(heard.path, sizeof(heard.path), "%s", tow_request_path(tow_websocket_request(socket)));
}

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
    if (heard.pauses)
        tow_websocket_pause(socket);
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    heard.closes++;
    heard.code = event->code;
    heard.socket = NULL;
    snprintf(heard.reason, sizeof(heard.reason), "%s", event->reason);
}

struct scene {
    struct world world;
    tow_engineio *engineio;
    struct peer peer, other;
    char sid[64];
};

static void begin_with(struct scene *scene, uint64_t seed, const tow_handler *more) {
    static const char *const protocols[] = {"chat", "quiz", NULL};
    tow_handler handler = *more;
    handler.on_open = opened;
    handler.on_message = echo;
    handler.on_close = closed;
    handler.protocols = protocols;
    const tow_engineio_settings settings = {
        .ping_milliseconds = PING, .pong_milliseconds = PONG, .max_payload = 100000, .max_half_made = 3};
    memset(&heard, 0, sizeof(heard));
    memset(scene, 0, sizeof(*scene));
    world_make(&scene->world, &(tow_simulation_options){.seed = seed},
        &(tow_server_options){.status = "127.0.0.1:9999", .drain_seconds = 3});
    assert_int_equal(tow_server_route(scene->world.server, "/echo", &handler), 0);
    assert_int_equal(tow_server_route(scene->world.server, "/rooms/*", &handler), 0);
    assert_int_equal(tow_engineio_new(&scene->engineio, scene->world.server, &settings, NULL), 0);
    world_listen(&scene->world);
}

static void begin(struct scene *scene, uint64_t seed) {
    begin_with(scene, seed, &(tow_handler){0});
}

static void end(struct scene *scene) {
    if (scene->peer.used)
        peer_close(&scene->peer);
    if (scene->other.used)
        peer_close(&scene->other);
    world_end(&scene->world);
    tow_engineio_free(scene->engineio);
    assert_int_equal(heard.opens, heard.closes);
}

/* One request on a connection that stays. */

static void ask(
    struct scene *scene, struct peer *peer, const char *method, const char *query, const char *body) {
    char request[600];
    if (!peer->used)
        peer_connect(peer, &scene->world);
    snprintf(request, sizeof(request),
        "%s /echo/engine.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        method, query, strlen(body), body);
    peer->in.length = 0;
    peer_text(peer, request);
}

/* Its answer: the status, and the whole body. */
static void expect(struct peer *peer, const char *status, const char *body) {
    char line[32], length[40];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    snprintf(length, sizeof(length), "Content-Length: %zu\r\n", strlen(body));
    peer_expect(peer, line);
    peer_expect(peer, "\r\n\r\n");
    if (body[0] != '\0')
        peer_expect(peer, body);
    if (!peer_has(peer, length))
        print_error("%s\n", (const char *)peer->in.data);
    assert_true(peer_has(peer, length));
}

static void take_sid(struct scene *scene, struct peer *peer) {
    const char *found = strstr((const char *)peer->in.data, "{\"sid\":\"");
    assert_non_null(found);
    size_t length = strcspn(found + 8, "\"");
    assert_true(length >= 20 && length < sizeof(scene->sid));
    memcpy(scene->sid, found + 8, length);
    scene->sid[length] = '\0';
}

static void open_session(struct scene *scene, const char *query) {
    ask(scene, &scene->peer, "GET", query, "");
    peer_expect(&scene->peer, "}");
    take_sid(scene, &scene->peer);
    assert_int_equal(heard.closes, 0);
}

static const char *with_sid(const struct scene *scene, const char *more) {
    static char query[200];
    snprintf(query, sizeof(query), "&sid=%s%s", scene->sid, more);
    return query;
}

static void poll(struct scene *scene, struct peer *peer) {
    ask(scene, peer, "GET", with_sid(scene, ""), "");
}

static void post(struct scene *scene, struct peer *peer, const char *body) {
    ask(scene, peer, "POST", with_sid(scene, ""), body);
}

static void open_websocket(struct scene *scene, struct peer *peer, const char *query) {
    char request[600];
    if (!peer->used)
        peer_connect(peer, &scene->world);
    snprintf(request, sizeof(request),
        "GET /echo/engine.io/?EIO=4&transport=websocket%s HTTP/1.1\r\nHost: localhost\r\nUpgrade: "
        "websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: "
        "13\r\n\r\n",
        query);
    peer->in.length = 0;
    peer_text(peer, request);
}

/* Beginnings. */

static void the_open_packet_has_five_keys(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_session(&scene, "");
        assert_true(peer_has(&scene.peer, "Content-Type: text/plain; charset=UTF-8\r\n"));
        assert_true(peer_has(&scene.peer, "Cache-Control: no-store\r\n"));
        assert_true(peer_has(&scene.peer, "\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
                                          "\"pingTimeout\":200,\"maxPayload\":100000}"));
        assert_int_equal(heard.opens, 1);
        end(&scene);
    }
}

static void assert_refused(const char *method, const char *target, const char *error) {
    struct scene scene;
    char request[300];
    begin(&scene, 1);
    peer_connect(&scene.peer, &scene.world);
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        method, target);
    peer_text(&scene.peer, request);
    expect(&scene.peer, "400", error);
    assert_true(peer_has(&scene.peer, "Content-Type: application/json\r\n"));
    assert_int_equal(heard.opens, 0);
    end(&scene);
}

static void a_handler_sees_its_own_path(void **state) {
    static const char *const requests[] = {"/rooms/a/engine.io/", "/rooms/engine.io/", "/echo/engine.io/"};
    static const char *const paths[] = {"/rooms/a", "/rooms/", "/echo"};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        char request[200];
        begin(&scene, i);
        peer_connect(&scene.peer, &scene.world);
        snprintf(request, sizeof(request),
            "GET %s?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n", requests[i]);
        peer_text(&scene.peer, request);
        peer_expect(&scene.peer, "maxPayload");
        assert_string_equal(heard.path, paths[i]);
        end(&scene);
    }
}

static void errors_have_their_codes(void **state) {
    const char *polling = "/echo/engine.io/?EIO=4&transport=polling";
    assert_refused("GET", "/echo/engine.io/?EIO=4", "{\"code\":0,\"message\":\"Transport unknown\"}");
    assert_refused(
        "GET", "/echo/engine.io/?EIO=4&transport=abc", "{\"code\":0,\"message\":\"Transport unknown\"}");
    assert_refused("GET", "/echo/engine.io/?EIO=4&transport=polling&sid=abc",
        "{\"code\":1,\"message\":\"Session ID unknown\"}");
    assert_refused("GET",
        "/echo/engine.io/?EIO=4&transport=polling&sid=0000000010000002eabc589ea4049580a94aec8dcb762e",
        "{\"code\":1,\"message\":\"Session ID unknown\"}");
    assert_refused("GET",
        "/echo/engine.io/?EIO=4&transport=polling&sid=ffffffffffffffffeabc589ea4049580a94aec8dcb762e",
        "{\"code\":1,\"message\":\"Session ID unknown\"}");
    assert_refused("POST", polling, "{\"code\":2,\"message\":\"Bad handshake method\"}");
    assert_refused("PUT", polling, "{\"code\":2,\"message\":\"Bad handshake method\"}");
    assert_refused(
        "GET", "/echo/engine.io/?EIO=4&transport=websocket", "{\"code\":3,\"message\":\"Bad request\"}");
    assert_refused("GET", "/echo/engine.io/?EIO=3&transport=polling",
        "{\"code\":5,\"message\":\"Unsupported protocol version\"}");
    assert_refused("GET", "/echo/engine.io/?transport=polling",
        "{\"code\":5,\"message\":\"Unsupported protocol version\"}");
}

static void a_websocket_with_an_error_is_refused_before_the_upgrade(void **state) {
    struct scene scene;
    begin(&scene, 1);
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer, OPENING("/echo/engine.io/?EIO=3&transport=websocket"));
    peer_expect(&scene.peer, "HTTP/1.1 400 ");
    peer_expect(&scene.peer, "Unsupported protocol version");
    peer_expect_end(&scene.peer);
    end(&scene);
}

/* The worker's number is in the id: here there is one worker, so 1 is the first that is none. */
static void a_websocket_for_a_worker_that_is_none_is_refused(void **state) {
    static const char *const ids[] = {
        "ffffffffffffffffeabc589ea4049580a94aec8dcb762e", "0040000010000002eabc589ea4049580a94aec8dcb762e"};
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        char query[80];
        begin(&scene, i);
        snprintf(query, sizeof(query), "&sid=%s", ids[i]);
        open_websocket(&scene, &scene.peer, query);
        peer_expect(&scene.peer, "HTTP/1.1 400 ");
        peer_expect(&scene.peer, "Session ID unknown");
        end(&scene);
    }
}

static void a_route_that_is_websocket_only_is_refused_clearly(void **state) {
    struct scene scene;
    begin_with(&scene, 1, &(tow_handler){.websocket_only = true});
    ask(&scene, &scene.peer, "GET", "", "");
    expect(&scene.peer, "403", "{\"code\":4,\"message\":\"this path speaks WebSocket only\"}");
    end(&scene);
}

static void a_foreign_origin_is_refused_in_each_request(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    char request[400];
    snprintf(request, sizeof(request),
        "GET /echo/engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: localhost\r\nOrigin: "
        "http://evil.example\r\n\r\n",
        scene.sid);
    peer_connect(&scene.other, &scene.world);
    peer_text(&scene.other, request);
    peer_expect(&scene.other, "HTTP/1.1 403 ");
    assert_int_equal(heard.closes, 0);
    end(&scene);
}

static void an_allowed_origin_may_read_the_answers(void **state) {
    struct scene scene;
    begin_with(&scene, 1, &(tow_handler){.any_origin = true});
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer,
        "OPTIONS /echo/engine.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: localhost\r\nOrigin: "
        "http://example.com\r\n"
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a\r\n\r\n");
    peer_expect(&scene.peer, "HTTP/1.1 204 ");
    peer_expect(&scene.peer, "\r\n\r\n");
    assert_true(peer_has(&scene.peer, "Access-Control-Allow-Origin: http://example.com\r\n"));
    assert_true(peer_has(&scene.peer, "Access-Control-Allow-Headers: x-a\r\n"));
    scene.peer.in.length = 0;
    peer_text(&scene.peer,
        "GET /echo/engine.io/?EIO=4 HTTP/1.1\r\nHost: localhost\r\nOrigin: http://example.com\r\n\r\n");
    expect(&scene.peer, "400", "{\"code\":0,\"message\":\"Transport unknown\"}");
    assert_true(peer_has(&scene.peer, "Access-Control-Allow-Origin: http://example.com\r\n"));
    assert_true(peer_has(&scene.peer, "Vary: Origin\r\n"));
    end(&scene);
}

/* Polling. */

static void messages_come_back_by_polls(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_session(&scene, "");
        post(&scene, &scene.peer, "4hello");
        expect(&scene.peer, "200", "ok");
        poll(&scene, &scene.peer);
        expect(&scene.peer, "200", "4hello");
        post(&scene, &scene.peer,
            "4a\x1e"
            "4z\xc3\xbcrich\x1e"
            "bAQIDBA==");
        expect(&scene.peer, "200", "ok");
        poll(&scene, &scene.peer);
        expect(&scene.peer, "200",
            "4a\x1e"
            "4z\xc3\xbcrich\x1e"
            "bAQIDBA==");
        end(&scene);
    }
}

static void a_poll_waits_for_something(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_session(&scene, "");
        poll(&scene, &scene.peer);
        world_run(&scene.world, 100);
        assert_int_equal(scene.peer.in.length, 0);
        post(&scene, &scene.other,
            "4x\x1e"
            "4y");
        expect(&scene.other, "200", "ok");
        expect(&scene.peer, "200",
            "4x\x1e"
            "4y");
        end(&scene);
    }
}

static void a_packet_that_is_none_ends_the_session(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    post(&scene, &scene.peer, "abc");
    expect(&scene.peer, "400", "");
    poll(&scene, &scene.peer);
    expect(&scene.peer, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 1006);
    end(&scene);
}

static void a_second_poll_ends_the_session(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    poll(&scene, &scene.other);
    expect(&scene.peer, "200", "1");
    expect(&scene.other, "400", "");
    poll(&scene, &scene.other);
    expect(&scene.other, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    end(&scene);
}

static void a_poll_that_is_cut_ends_the_session(void **state) {
    for (int reset = 0; reset < 2; reset++) {
        struct scene scene;
        begin(&scene, 1);
        open_session(&scene, "");
        poll(&scene, &scene.peer);
        world_run(&scene.world, 10);
        (reset ? peer_reset : peer_close)(&scene.peer);
        poll(&scene, &scene.other);
        expect(&scene.other, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
        world_run(&scene.world, 10);
        assert_int_equal(heard.code, 1006);
        end(&scene);
    }
}

static void a_body_that_is_too_large_is_refused(void **state) {
    for (int more = 0; more < 2; more++) {
        struct scene scene;
        char *body = malloc(100002);
        memset(body, 'x', 100001);
        body[0] = '4';
        body[100000 + more] = '\0';
        begin(&scene, 1);
        open_session(&scene, "");
        char head[300];
        snprintf(head, sizeof(head),
            "POST /echo/engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: "
            "localhost\r\nContent-Length: %zu\r\n\r\n",
            scene.sid, strlen(body));
        peer_connect(&scene.other, &scene.world);
        peer_text(&scene.other, head);
        peer_text(&scene.other, body);
        peer_expect(&scene.other, more ? "HTTP/1.1 413 " : "HTTP/1.1 200 ");
        free(body);
        end(&scene);
    }
}

static void a_body_that_is_no_text_ends_the_session(void **state) {
    struct scene scene;
    char request[400];
    begin(&scene, 1);
    open_session(&scene, "");
    snprintf(request, sizeof(request),
        "POST /echo/engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 2\r\n\r\n4a",
        scene.sid);
    scene.peer.in.length = 0;
    peer_text(&scene.peer, request);
    expect(&scene.peer, "400", "");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    end(&scene);
}

static void many_packets_of_a_post_come_back_in_order(void **state) {
    struct scene scene;
    tow_buffer body = {0};
    begin(&scene, 3);
    open_session(&scene, "");
    for (int i = 0; i < 2000; i++)
        tow_buffer_append_format(&body, "%s4%d", i == 0 ? "" : "\x1e", i);
    char head[300];
    snprintf(head, sizeof(head),
        "POST /echo/engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "%zu\r\n\r\n",
        scene.sid, body.length);
    peer_connect(&scene.other, &scene.world);
    peer_text(&scene.other, head);
    peer_send(&scene.other, body.data, body.length);
    peer_expect(&scene.other, "ok");
    poll(&scene, &scene.peer);
    tow_buffer_append(&body, "", 1);
    peer_expect(&scene.peer, (const char *)body.data);
    tow_buffer_clear(&body);
    end(&scene);
}

/* A client that is not let go on waits with what it posts. */
static void a_paused_socket_has_posts_wait(void **state) {
    struct scene scene;
    begin(&scene, 2);
    open_session(&scene, "");
    heard.pauses = true;
    post(&scene, &scene.peer,
        "4a\x1e"
        "4b");
    world_run(&scene.world, 100);
    assert_int_equal(scene.peer.in.length, 0);
    heard.pauses = false;
    tow_websocket_resume(heard.socket);
    expect(&scene.peer, "200", "ok");
    poll(&scene, &scene.peer);
    expect(&scene.peer, "200",
        "4a\x1e"
        "4b");
    end(&scene);
}

/* Heartbeats. */

static void pings_come_and_their_answers_keep_the_session(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    for (int i = 0; i < 5; i++) {
        poll(&scene, &scene.peer);
        expect(&scene.peer, "200", "2");
        post(&scene, &scene.peer, "3");
        expect(&scene.peer, "200", "ok");
    }
    assert_int_equal(heard.closes, 0);
    end(&scene);
}

static void a_ping_without_its_answer_ends_the_session(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    world_run(&scene.world, PING + PONG - 10);
    assert_int_equal(heard.closes, 0);
    post(&scene, &scene.peer, "4data is no answer");
    expect(&scene.peer, "200", "ok");
    world_run(&scene.world, 20);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(heard.code, 1006);
    poll(&scene, &scene.peer);
    expect(&scene.peer, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    assert_int_equal(world_metric(&scene.world, "limit_reached_total{limit=\"engineio-pong-ms\"}"), 1);
    end(&scene);
}

/* Its answer would stand behind the post; but a client that is there takes the Pings. */
static void a_paused_session_lives_as_long_as_it_is_polled(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_session(&scene, "");
        heard.pauses = true;
        post(&scene, &scene.other, "4a\x1e\x34z");
        poll(&scene, &scene.peer);
        expect(&scene.peer, "200", "4a");
        for (int i = 0; i < 5; i++) {
            poll(&scene, &scene.peer);
            expect(&scene.peer, "200", "2");
        }
        poll(&scene, &scene.peer);
        expect(&scene.peer, "200", "2");
        assert_int_equal(heard.closes, 0);
        world_run(&scene.world, PING + PONG + 20);
        assert_int_equal(heard.closes, 1);
        assert_int_equal(heard.code, 1006);
        end(&scene);
    }
}

static void a_ping_of_the_client_ends_the_session(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    post(&scene, &scene.peer, "2");
    expect(&scene.peer, "400", "");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    end(&scene);
}

/* Ends. */

static void the_client_closes(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    post(&scene, &scene.other, "1");
    expect(&scene.other, "200", "ok");
    expect(&scene.peer, "200", "6");
    poll(&scene, &scene.peer);
    expect(&scene.peer, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 1005);
    end(&scene);
}

static void the_handler_closes(void **state) {
    for (int waits = 0; waits < 2; waits++) {
        struct scene scene;
        begin(&scene, 1);
        open_session(&scene, "");
        if (waits)
            poll(&scene, &scene.peer);
        world_run(&scene.world, 10);
        tow_websocket_send(heard.socket, TOW_TEXT, "bye", 3);
        assert_int_equal(tow_websocket_close(heard.socket, 4000, "enough"), 0);
        if (!waits)
            poll(&scene, &scene.peer);
        expect(&scene.peer, "200",
            "4bye\x1e"
            "1");
        world_run(&scene.world, 10);
        assert_int_equal(heard.closes, 1);
        assert_int_equal(heard.code, 1005);
        end(&scene);
    }
}

static void a_drain_tells_the_client(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    tow_server_stop(scene.world.server);
    expect(&scene.peer, "200", "1");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    end(&scene);
}

/* A quarter of drain_seconds is long enough for who can not be told, or not answer. */
static void a_drain_does_not_wait_for_who_does_not_poll(void **state) {
    static const char *const queries[] = {"", "&towline=1", "&towline=1"};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        begin(&scene, i);
        open_session(&scene, queries[i]);
        if (i == 2) {
            ask(&scene, &scene.peer, "GET", with_sid(&scene, "&ack=0"), "");
            world_run(&scene.world, 10);
        }
        tow_server_stop(scene.world.server);
        if (i == 2)
            expect(&scene.peer, "200", "11001");
        world_run(&scene.world, 750);
        assert_int_equal(heard.closes, 1);
        end(&scene);
    }
}

/* Its loop is the caller's, who may step it on, or free it at once. */
static void a_server_that_is_freed_ends_its_sessions(void **state) {
    for (int waits = 0; waits < 2; waits++) {
        struct scene scene;
        begin(&scene, 1);
        open_session(&scene, waits ? "" : "&towline=1");
        poll(&scene, &scene.peer);
        open_websocket(&scene, &scene.other, "");
        peer_expect(&scene.other, "}");
        tow_server_free(scene.world.server);
        scene.world.server = NULL;
        assert_int_equal(heard.closes, 2);
        assert_int_equal(heard.code, 1006);
        tow_engineio_free(scene.engineio);
        scene.engineio = NULL;
        end(&scene);
    }
}

static void too_many_that_nobody_comes_back_to_end_the_oldest(void **state) {
    struct scene scene;
    char first[64];
    begin(&scene, 1);
    open_session(&scene, "");
    memcpy(first, scene.sid, sizeof(first));
    for (int i = 0; i < 3; i++) {
        ask(&scene, &scene.peer, "GET", "", "");
        peer_expect(&scene.peer, "}");
        take_sid(&scene, &scene.peer);
    }
    world_run(&scene.world, 10);
    assert_int_equal(heard.opens, 4);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(world_metric(&scene.world, "limit_reached_total{limit=\"engineio-half-made\"}"), 1);
    assert_int_equal(world_metric(&scene.world, "engineio_sessions"), 3);
    assert_int_equal(world_metric(&scene.world, "engineio_half_made"), 3);
    assert_int_equal(world_metric(&scene.world, "engineio_polls"), 0);
    poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    assert_int_equal(scene.peer.in.length, 0);
    assert_int_equal(world_metric(&scene.world, "engineio_half_made"), 2);
    assert_int_equal(world_metric(&scene.world, "engineio_polls"), 1);
    memcpy(scene.sid, first, sizeof(first));
    poll(&scene, &scene.other);
    expect(&scene.other, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    end(&scene);
}

/* WebSocket. */

static void a_session_begins_on_websocket(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_websocket(&scene, &scene.peer, "");
        peer_expect(
            &scene.peer, "\"upgrades\":[],\"pingInterval\":300,\"pingTimeout\":200,\"maxPayload\":100000}");
        peer_frame(&scene.peer, 1, "4hello", 6);
        peer_expect_frame(&scene.peer, 1, "4hello", 6);
        peer_frame(&scene.peer, 2, "\1\2\3", 3);
        peer_expect_frame(&scene.peer, 2, "\1\2\3", 3);
        peer_frame(&scene.peer, 1, "bAQID", 5);
        scene.peer.in.length = 0;
        peer_expect_frame(&scene.peer, 2, "\1\2\3", 3);
        peer_expect_frame(&scene.peer, 1, "2", 1);
        peer_frame(&scene.peer, 1, "3", 1);
        world_run(&scene.world, PING + PONG - 20);
        assert_int_equal(heard.closes, 0);
        peer_frame(&scene.peer, 8, "\x03\xe8", 2);
        peer_expect_end(&scene.peer);
        peer_close(&scene.peer);
        world_run(&scene.world, 10);
        assert_int_equal(heard.code, 1000);
        end(&scene);
    }
}

static void binary_goes_as_text_for_who_asks_for_that(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_websocket(&scene, &scene.peer, "&b64=1");
    peer_expect(&scene.peer, "}");
    peer_frame(&scene.peer, 2, "\1\2\3", 3);
    peer_expect_frame(&scene.peer, 1, "bAQID", 5);
    end(&scene);
}

/* What a large packet was decoded in does not stay as long as the session. */
static void a_large_packet_leaves_nothing_behind(void **state) {
    struct scene scene;
    static char packet[96001];
    begin(&scene, 1);
    open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    memset(packet, 'A', sizeof(packet));
    packet[0] = 'b';
    peer_long_frame(&scene.peer, 1, packet, sizeof(packet));
    peer_frame(&scene.peer, 1, "4a", 2);
    peer_expect_frame(&scene.peer, 1, "4a", 2);
    const tow_engineio_session *session = heard.socket->carried;
    assert_in_range(session->room.capacity, 0, 65536);
    end(&scene);
}

static void a_websocket_that_vanishes_is_told(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    peer_reset(&scene.peer);
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 1006);
    end(&scene);
}

/* What the WebSocket has can't be dropped, so what comes over the limit is refused. */
static void a_websocket_that_is_not_read_holds_no_more_than_max_queue(void **state) {
    struct scene scene;
    static char bytes[1000];
    int refused = 0;
    begin_with(
        &scene, 1, &(tow_handler){.limits = {.max_queue = 10000, .overflow = TOW_OVERFLOW_DROP_OLDEST}});
    open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    tow_stream_pause(&scene.peer.stream);
    for (int i = 0; i < 100; i++)
        refused += tow_websocket_send(heard.socket, TOW_BINARY, bytes, sizeof(bytes)) == TOW_ERROR_QUEUE_FULL;
    assert_in_range(tow_websocket_buffered_amount(heard.socket), 10001, 12000);
    assert_in_range(refused, 80, 95);
    tow_stream_resume(&scene.peer.stream);
    peer_frame(&scene.peer, 1, "4a", 2);
    peer_expect_frame(&scene.peer, 1, "4a", 2);
    end(&scene);
}

static void the_handler_closes_a_websocket(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    assert_int_equal(tow_websocket_close(heard.socket, 4000, "enough"), 0);
    peer_expect_frame(&scene.peer, 8,
        "\x0f\xa0"
        "enough",
        8);
    peer_frame(&scene.peer, 8, "\x0f\xa0", 2);
    peer_expect_end(&scene.peer);
    peer_close(&scene.peer);
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 4000);
    end(&scene);
}

/* Upgrades. */

static void a_session_is_taken_over_by_a_websocket(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_session(&scene, "");
        poll(&scene, &scene.peer);
        world_run(&scene.world, 10);
        open_websocket(&scene, &scene.other, with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        peer_frame(&scene.other, 1, "2probe", 6);
        peer_expect_frame(&scene.other, 1, "3probe", 6);
        expect(&scene.peer, "200", "6");
        post(&scene, &scene.peer, "4late");
        expect(&scene.peer, "200", "ok");
        peer_frame(&scene.other, 1, "5", 1);
        peer_expect_frame(&scene.other, 1, "4late", 5);
        peer_frame(&scene.other, 1, "4a", 2);
        peer_expect_frame(&scene.other, 1, "4a", 2);
        poll(&scene, &scene.peer);
        expect(&scene.peer, "400", "{\"code\":3,\"message\":\"Bad request\"}");
        peer_expect_frame(&scene.other, 1, "2", 1);
        assert_int_equal(heard.opens, 1);
        end(&scene);
    }
}

static void probe_and_upgrade_may_come_together(void **state) {
    struct scene scene;
    uint8_t frames[64];
    begin(&scene, 1);
    open_session(&scene, "");
    open_websocket(&scene, &scene.other, with_sid(&scene, ""));
    peer_expect(&scene.other, "\r\n\r\n");
    size_t length = frame_write(frames, 1, "2probe", 6);
    length += frame_write(frames + length, 1, "5", 1);
    length += frame_write(frames + length, 1, "4x", 2);
    peer_send(&scene.other, frames, length);
    peer_expect_frame(&scene.other, 1, "3probe", 6);
    peer_expect_frame(&scene.other, 1, "4x", 2);
    end(&scene);
}

static void a_poll_during_an_upgrade_is_answered_soon(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "");
    open_websocket(&scene, &scene.other, with_sid(&scene, ""));
    peer_expect(&scene.other, "\r\n\r\n");
    peer_frame(&scene.other, 1, "2probe", 6);
    peer_expect_frame(&scene.other, 1, "3probe", 6);
    poll(&scene, &scene.peer);
    world_run(&scene.world, 120);
    expect(&scene.peer, "200", "6");
    end(&scene);
}

/* A session with more than the high mark waiting: the rest of the post is told when less waits. */
#define LONG_POST                                                                                            \
    "4aaaaaaaaaa\x1e"                                                                                        \
    "4bbbbbbbbbb\x1e"                                                                                        \
    "4c"

static void begin_with_marks(struct scene *scene, uint64_t seed) {
    begin_with(scene, seed, &(tow_handler){.limits.high_mark = 8, .limits.low_mark = 2});
    open_session(scene, "");
    open_websocket(scene, &scene->other, with_sid(scene, ""));
    peer_expect(&scene->other, "\r\n\r\n");
}

static void probe(struct scene *scene) {
    peer_frame(&scene->other, 1, "2probe", 6);
    peer_expect_frame(&scene->other, 1, "3probe", 6);
}

static void a_post_does_not_wait_for_polls_during_an_upgrade(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        uint8_t frames[64];
        begin_with_marks(&scene, seed);
        if (seed % 2 == 0)
            probe(&scene);
        post(&scene, &scene.peer, LONG_POST);
        if (seed % 2 == 1)
            probe(&scene);
        expect(&scene.peer, "200", "ok");
        size_t length = frame_write(frames, 1, "5", 1);
        length += frame_write(frames + length, 1, "4last", 5);
        peer_send(&scene.other, frames, length);
        peer_expect_frame(&scene.other, 1, "4aaaaaaaaaa", 11);
        peer_expect_frame(&scene.other, 1, "4bbbbbbbbbb", 11);
        peer_expect_frame(&scene.other, 1, "4c", 2);
        peer_expect_frame(&scene.other, 1, "4last", 5);
        end(&scene);
    }
}

static void after_an_upgrade_that_failed_posts_go_on(void **state) {
    struct scene scene;
    begin_with_marks(&scene, 1);
    probe(&scene);
    post(&scene, &scene.peer, LONG_POST);
    expect(&scene.peer, "200", "ok");
    peer_close(&scene.other);
    world_run(&scene.world, 10);
    post(&scene, &scene.peer, "4d");
    poll(&scene, &scene.other);
    expect(&scene.other, "200", "4aaaaaaaaaa");
    poll(&scene, &scene.other);
    expect(&scene.other, "200", "4bbbbbbbbbb");
    expect(&scene.peer, "200", "ok");
    poll(&scene, &scene.other);
    expect(&scene.other, "200",
        "4c\x1e"
        "4d");
    assert_int_equal(heard.closes, 0);
    end(&scene);
}

static void a_probe_that_says_anything_else_ends_alone(void **state) {
    static const char *const words[] = {"5", "4x", "2", "probe", ""};
    for (size_t i = 0; i < 5; i++) {
        struct scene scene;
        begin(&scene, i);
        open_session(&scene, "");
        open_websocket(&scene, &scene.other, with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        peer_frame(&scene.other, 1, words[i], strlen(words[i]));
        peer_expect_frame(&scene.other, 8, "", 0);
        post(&scene, &scene.peer, "4still there");
        expect(&scene.peer, "200", "ok");
        assert_int_equal(heard.closes, 0);
        end(&scene);
    }
}

static void a_second_websocket_is_closed_and_the_first_goes_on(void **state) {
    struct scene scene;
    struct peer third = {0};
    begin(&scene, 1);
    open_session(&scene, "");
    open_websocket(&scene, &scene.other, with_sid(&scene, ""));
    peer_expect(&scene.other, "\r\n\r\n");
    peer_frame(&scene.other, 1, "2probe", 6);
    peer_frame(&scene.other, 1, "5", 1);
    peer_expect_frame(&scene.other, 1, "3probe", 6);
    world_run(&scene.world, 10);
    open_websocket(&scene, &third, with_sid(&scene, ""));
    peer_expect_frame(&third, 8, "", 0);
    peer_frame(&scene.other, 1, "4first", 6);
    peer_expect_frame(&scene.other, 1, "4first", 6);
    peer_close(&third);
    end(&scene);
}

/* Between our own ends. */

static void a_poll_that_was_cut_is_answered_again(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        begin(&scene, seed);
        open_session(&scene, "&towline=1&protocols=soap,quiz");
        assert_true(peer_has(
            &scene.peer, "\"maxPayload\":100000,\"towline\":1,\"protocol\":\"quiz\",\"linger\":15000}"));
        assert_string_equal(heard.protocol, "quiz");
        ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=1"),
            "4a\x1e"
            "3\x1e"
            "tYR4x");
        expect(&scene.peer, "200", "ok");
        ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=1"),
            "4a\x1e"
            "3\x1e"
            "tYR4x");
        expect(&scene.peer, "200", "ok");
        for (int i = 0; i < 3; i++) {
            ask(&scene, &scene.other, "GET", with_sid(&scene, "&ack=0"), "");
            expect(&scene.other, "200",
                "4a\x1e"
                "tYR4x");
            peer_reset(&scene.other);
        }
        ask(&scene, &scene.peer, "GET", with_sid(&scene, "&ack=1"), "");
        world_run(&scene.world, 10);
        peer_reset(&scene.peer);
        assert_int_equal(heard.closes, 0);
        ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=2"), "4b");
        expect(&scene.peer, "200", "ok");
        ask(&scene, &scene.peer, "GET", with_sid(&scene, "&ack=1"), "");
        expect(&scene.peer, "200", "4b");
        end(&scene);
    }
}

static void code_and_reason_travel_both_ways(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "&towline=1");
    ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=1"), "14001too slow");
    expect(&scene.peer, "200", "ok");
    ask(&scene, &scene.peer, "GET", with_sid(&scene, "&ack=0"), "");
    expect(&scene.peer, "200", "14001");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 4001);
    assert_string_equal(heard.reason, "too slow");
    heard.closes = heard.opens = 0;
    open_session(&scene, "&towline=1");
    assert_int_equal(tow_websocket_close(heard.socket, 4002, "enough"), 0);
    ask(&scene, &scene.peer, "GET", with_sid(&scene, "&ack=0"), "");
    expect(&scene.peer, "200", "14002enough");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 0);
    ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=1"), "14002");
    expect(&scene.peer, "200", "ok");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 4002);
    end(&scene);
}

static void numbers_that_can_not_be_end_the_session(void **state) {
    static const struct {
        const char *method, *query;
    } wrong[] = {
        {"GET", ""}, {"GET", "&ack=1"}, {"GET", "&ack=x"}, {"POST", ""}, {"POST", "&n=0"}, {"POST", "&n=2"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct scene scene;
        begin(&scene, i);
        open_session(&scene, "&towline=1");
        ask(&scene, &scene.peer, wrong[i].method, with_sid(&scene, wrong[i].query), "");
        expect(&scene.peer, "400", "");
        world_run(&scene.world, 10);
        assert_int_equal(heard.closes, 1);
        end(&scene);
    }
}

static void without_a_poll_it_lives_for_some_seconds(void **state) {
    struct scene scene;
    begin(&scene, 1);
    open_session(&scene, "&towline=1");
    heard.pauses = true; /* no Ping ends it */
    ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=1"),
        "4a\x1e"
        "4b");
    world_run(&scene.world, 14900);
    assert_int_equal(heard.closes, 0);
    world_run(&scene.world, 200);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(heard.code, 1006);
    end(&scene);
}

static void what_the_last_answer_had_follows_over_the_websocket(void **state) {
    for (int had = 0; had < 2; had++) {
        struct scene scene;
        begin(&scene, 1);
        open_session(&scene, "&towline=1");
        ask(&scene, &scene.peer, "POST", with_sid(&scene, "&n=1"),
            "4a\x1e"
            "4b");
        expect(&scene.peer, "200", "ok");
        ask(&scene, &scene.peer, "GET", with_sid(&scene, "&ack=0"), "");
        expect(&scene.peer, "200",
            "4a\x1e"
            "4b");
        open_websocket(&scene, &scene.other, with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        peer_frame(&scene.other, 1, "2probe", 6);
        peer_expect_frame(&scene.other, 1, "3probe", 6);
        peer_frame(&scene.other, 1, had ? "51" : "50", 2);
        peer_frame(&scene.other, 1, "4c", 2);
        peer_expect_frame(&scene.other, 1, "4c", 2);
        assert_int_equal(peer_has_frame(&scene.other, 1, "4a", 2), !had);
        assert_int_equal(peer_has_frame(&scene.other, 1, "4b", 2), !had);
        end(&scene);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_open_packet_has_five_keys),
        cmocka_unit_test(a_handler_sees_its_own_path),
        cmocka_unit_test(errors_have_their_codes),
        cmocka_unit_test(a_websocket_with_an_error_is_refused_before_the_upgrade),
        cmocka_unit_test(a_websocket_for_a_worker_that_is_none_is_refused),
        cmocka_unit_test(a_route_that_is_websocket_only_is_refused_clearly),
        cmocka_unit_test(a_foreign_origin_is_refused_in_each_request),
        cmocka_unit_test(an_allowed_origin_may_read_the_answers),
        cmocka_unit_test(messages_come_back_by_polls),
        cmocka_unit_test(a_poll_waits_for_something),
        cmocka_unit_test(a_packet_that_is_none_ends_the_session),
        cmocka_unit_test(a_second_poll_ends_the_session),
        cmocka_unit_test(a_poll_that_is_cut_ends_the_session),
        cmocka_unit_test(a_body_that_is_too_large_is_refused),
        cmocka_unit_test(a_body_that_is_no_text_ends_the_session),
        cmocka_unit_test(many_packets_of_a_post_come_back_in_order),
        cmocka_unit_test(a_paused_socket_has_posts_wait),
        cmocka_unit_test(pings_come_and_their_answers_keep_the_session),
        cmocka_unit_test(a_ping_without_its_answer_ends_the_session),
        cmocka_unit_test(a_paused_session_lives_as_long_as_it_is_polled),
        cmocka_unit_test(a_ping_of_the_client_ends_the_session),
        cmocka_unit_test(the_client_closes),
        cmocka_unit_test(the_handler_closes),
        cmocka_unit_test(a_drain_tells_the_client),
        cmocka_unit_test(a_drain_does_not_wait_for_who_does_not_poll),
        cmocka_unit_test(a_server_that_is_freed_ends_its_sessions),
        cmocka_unit_test(too_many_that_nobody_comes_back_to_end_the_oldest),
        cmocka_unit_test(a_session_begins_on_websocket),
        cmocka_unit_test(binary_goes_as_text_for_who_asks_for_that),
        cmocka_unit_test(a_large_packet_leaves_nothing_behind),
        cmocka_unit_test(a_websocket_that_vanishes_is_told),
        cmocka_unit_test(a_websocket_that_is_not_read_holds_no_more_than_max_queue),
        cmocka_unit_test(the_handler_closes_a_websocket),
        cmocka_unit_test(a_session_is_taken_over_by_a_websocket),
        cmocka_unit_test(probe_and_upgrade_may_come_together),
        cmocka_unit_test(a_poll_during_an_upgrade_is_answered_soon),
        cmocka_unit_test(a_post_does_not_wait_for_polls_during_an_upgrade),
        cmocka_unit_test(after_an_upgrade_that_failed_posts_go_on),
        cmocka_unit_test(a_probe_that_says_anything_else_ends_alone),
        cmocka_unit_test(a_second_websocket_is_closed_and_the_first_goes_on),
        cmocka_unit_test(a_poll_that_was_cut_is_answered_again),
        cmocka_unit_test(code_and_reason_travel_both_ways),
        cmocka_unit_test(numbers_that_can_not_be_end_the_session),
        cmocka_unit_test(without_a_poll_it_lives_for_some_seconds),
        cmocka_unit_test(what_the_last_answer_had_follows_over_the_websocket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
