/* Engine.IO 4: how sessions begin and end. The rules are those of the protocol's own suite, and those that it
 * does not look at. */
#include "engineio_scene.h"

#include <stdlib.h>

/* Beginnings. */

static void the_open_packet_has_five_keys(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open(&scene, "");
        assert_true(peer_has(&scene.peer, "Content-Type: text/plain; charset=UTF-8\r\n"));
        assert_true(peer_has(&scene.peer, "Cache-Control: no-store\r\n"));
        assert_true(peer_has(&scene.peer, "\",\"upgrades\":[\"websocket\"],\"pingInterval\":300,"
                                          "\"pingTimeout\":200,\"maxPayload\":100000}"));
        assert_int_equal(heard.opens, 1);
        scene_end(&scene);
    }
}

static void assert_refused(const char *method, const char *target, const char *error) {
    struct scene scene;
    char request[300];
    scene_begin(&scene, 1);
    peer_connect(&scene.peer, &scene.world);
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        method, target);
    peer_text(&scene.peer, request);
    peer_expect_answer(&scene.peer, "400", error);
    assert_true(peer_has(&scene.peer, "Content-Type: application/json\r\n"));
    assert_int_equal(heard.opens, 0);
    scene_end(&scene);
}

static void a_handler_sees_its_own_path(void **state) {
    static const char *const requests[] = {"/rooms/a/engine.io/", "/rooms/engine.io/", "/echo/engine.io/"};
    static const char *const paths[] = {"/rooms/a", "/rooms/", "/echo"};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        char request[200];
        scene_begin(&scene, i);
        peer_connect(&scene.peer, &scene.world);
        snprintf(request, sizeof(request),
            "GET %s?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n", requests[i]);
        peer_text(&scene.peer, request);
        peer_expect(&scene.peer, "maxPayload");
        assert_string_equal(heard.path, paths[i]);
        scene_end(&scene);
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
    scene_begin(&scene, 1);
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer, OPENING("/echo/engine.io/?EIO=3&transport=websocket"));
    peer_expect(&scene.peer, "HTTP/1.1 400 ");
    peer_expect(&scene.peer, "Unsupported protocol version");
    peer_expect_end(&scene.peer);
    scene_end(&scene);
}

/* The worker's number is in the id: here there is one worker, so 1 is the first that is none. */
static void a_websocket_for_a_worker_that_is_none_is_refused(void **state) {
    static const char *const ids[] = {
        "ffffffffffffffffeabc589ea4049580a94aec8dcb762e", "0040000010000002eabc589ea4049580a94aec8dcb762e"};
    for (size_t i = 0; i < 2; i++) {
        struct scene scene;
        char query[80];
        scene_begin(&scene, i);
        snprintf(query, sizeof(query), "&sid=%s", ids[i]);
        scene_open_websocket(&scene, &scene.peer, query);
        peer_expect(&scene.peer, "HTTP/1.1 400 ");
        peer_expect(&scene.peer, "Session ID unknown");
        scene_end(&scene);
    }
}

static void a_route_that_is_websocket_only_is_refused_clearly(void **state) {
    struct scene scene;
    scene_begin_with(&scene, 1, &(tow_handler){.websocket_only = true});
    scene_ask(&scene, &scene.peer, "GET", "", "");
    peer_expect_answer(&scene.peer, "403", "{\"code\":4,\"message\":\"this path speaks WebSocket only\"}");
    scene_end(&scene);
}

static void a_foreign_origin_is_refused_in_each_request(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    char request[400];
    snprintf(request, sizeof(request),
        "GET /echo/engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: localhost\r\nOrigin: "
        "http://evil.example\r\n\r\n",
        scene.sid);
    peer_connect(&scene.other, &scene.world);
    peer_text(&scene.other, request);
    peer_expect(&scene.other, "HTTP/1.1 403 ");
    assert_int_equal(heard.closes, 0);
    scene_end(&scene);
}

static void an_allowed_origin_may_read_the_answers(void **state) {
    struct scene scene;
    scene_begin_with(&scene, 1, &(tow_handler){.any_origin = true});
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
    peer_expect_answer(&scene.peer, "400", "{\"code\":0,\"message\":\"Transport unknown\"}");
    assert_true(peer_has(&scene.peer, "Access-Control-Allow-Origin: http://example.com\r\n"));
    assert_true(peer_has(&scene.peer, "Vary: Origin\r\n"));
    scene_end(&scene);
}

static void refuse(tow_exchange *exchange, const tow_request *request) {
    (void)request;
    tow_exchange_reject(exchange, 401, "who are you?");
}

static void a_refusal_can_be_read_by_whom_its_origin_lets_in(void **state) {
    struct scene scene;
    scene_begin_with(&scene, 1, &(tow_handler){.any_origin = true, .on_admit = refuse});
    peer_connect(&scene.peer, &scene.world);
    peer_text(&scene.peer,
        "GET /echo/engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\nOrigin: "
        "http://example.com\r\n\r\n");
    peer_expect(&scene.peer, "HTTP/1.1 401 ");
    peer_expect(&scene.peer, "\r\n\r\n");
    assert_true(peer_has(&scene.peer, "Access-Control-Allow-Origin: http://example.com\r\n"));
    assert_true(peer_has(&scene.peer, "Vary: Origin\r\n"));
    scene_end(&scene);
}

/* Ends. */

static void the_client_closes(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    scene_post(&scene, &scene.other, "1");
    peer_expect_answer(&scene.other, "200", "ok");
    peer_expect_answer(&scene.peer, "200", "6");
    scene_poll(&scene, &scene.peer);
    peer_expect_answer(&scene.peer, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 1005);
    scene_end(&scene);
}

static void the_handler_closes(void **state) {
    for (int waits = 0; waits < 2; waits++) {
        struct scene scene;
        scene_begin(&scene, 1);
        scene_open(&scene, "");
        if (waits)
            scene_poll(&scene, &scene.peer);
        world_run(&scene.world, 10);
        tow_websocket_send(heard.socket, TOW_TEXT, "bye", 3);
        assert_int_equal(tow_websocket_close(heard.socket, 4000, "enough"), 0);
        if (!waits)
            scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "200",
            "4bye\x1e"
            "1");
        world_run(&scene.world, 10);
        assert_int_equal(heard.closes, 1);
        assert_int_equal(heard.code, 1005);
        scene_end(&scene);
    }
}

static void a_drain_tells_the_client(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    tow_server_stop(scene.world.server);
    peer_expect_answer(&scene.peer, "200", "1");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    scene_end(&scene);
}

/* A quarter of drain_seconds is long enough for who can not be told, or not answer. */
static void a_drain_does_not_wait_for_who_does_not_poll(void **state) {
    static const char *const queries[] = {"", "&towline=1", "&towline=1"};
    for (size_t i = 0; i < 3; i++) {
        struct scene scene;
        scene_begin(&scene, i);
        scene_open(&scene, queries[i]);
        if (i == 2) {
            scene_ask(&scene, &scene.peer, "GET", scene_with_sid(&scene, "&ack=0"), "");
            world_run(&scene.world, 10);
        }
        tow_server_stop(scene.world.server);
        if (i == 2)
            peer_expect_answer(&scene.peer, "200", "11001");
        world_run(&scene.world, 750);
        assert_int_equal(heard.closes, 1);
        scene_end(&scene);
    }
}

/* Its loop is the caller's, who may step it on, or free it at once. */
static void a_server_that_is_freed_ends_its_sessions(void **state) {
    for (int waits = 0; waits < 2; waits++) {
        struct scene scene;
        scene_begin(&scene, 1);
        scene_open(&scene, waits ? "" : "&towline=1");
        scene_poll(&scene, &scene.peer);
        scene_open_websocket(&scene, &scene.other, "");
        peer_expect(&scene.other, "}");
        tow_server_free(scene.world.server);
        scene.world.server = NULL;
        assert_int_equal(heard.closes, 2);
        assert_int_equal(heard.code, 1006);
        tow_engineio_free(scene.engineio);
        scene.engineio = NULL;
        scene_end(&scene);
    }
}

static void too_many_that_nobody_comes_back_to_end_the_oldest(void **state) {
    struct scene scene;
    char first[64];
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    memcpy(first, scene.sid, sizeof(first));
    for (int i = 0; i < 3; i++) {
        scene_ask(&scene, &scene.peer, "GET", "", "");
        peer_expect(&scene.peer, "}");
        scene_take_sid(&scene, &scene.peer);
    }
    world_run(&scene.world, 10);
    assert_int_equal(heard.opens, 4);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(world_metric(&scene.world, "limit_reached_total{limit=\"engineio-half-made\"}"), 1);
    assert_int_equal(world_metric(&scene.world, "engineio_sessions"), 3);
    assert_int_equal(world_metric(&scene.world, "engineio_half_made"), 3);
    assert_int_equal(world_metric(&scene.world, "engineio_polls"), 0);
    scene_poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    assert_int_equal(scene.peer.in.length, 0);
    assert_int_equal(world_metric(&scene.world, "engineio_half_made"), 2);
    assert_int_equal(world_metric(&scene.world, "engineio_polls"), 1);
    memcpy(scene.sid, first, sizeof(first));
    scene_poll(&scene, &scene.other);
    peer_expect_answer(&scene.other, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    scene_end(&scene);
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
        cmocka_unit_test(a_refusal_can_be_read_by_whom_its_origin_lets_in),
        cmocka_unit_test(the_client_closes),
        cmocka_unit_test(the_handler_closes),
        cmocka_unit_test(a_drain_tells_the_client),
        cmocka_unit_test(a_drain_does_not_wait_for_who_does_not_poll),
        cmocka_unit_test(a_server_that_is_freed_ends_its_sessions),
        cmocka_unit_test(too_many_that_nobody_comes_back_to_end_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
