/* Engine.IO 4 by polls and posts. */
#include "engineio_scene.h"

#include <stdlib.h>

/* Polling. */

static void messages_come_back_by_polls(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open(&scene, "");
        scene_post(&scene, &scene.peer, "4hello");
        peer_expect_answer(&scene.peer, "200", "ok");
        scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "200", "4hello");
        scene_post(&scene, &scene.peer,
            "4a\x1e"
            "4z\xc3\xbcrich\x1e"
            "bAQIDBA==");
        peer_expect_answer(&scene.peer, "200", "ok");
        scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "200",
            "4a\x1e"
            "4z\xc3\xbcrich\x1e"
            "bAQIDBA==");
        scene_end(&scene);
    }
}

static void a_poll_waits_for_something(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open(&scene, "");
        scene_poll(&scene, &scene.peer);
        world_run(&scene.world, 100);
        assert_int_equal(scene.peer.in.length, 0);
        scene_post(&scene, &scene.other,
            "4x\x1e"
            "4y");
        peer_expect_answer(&scene.other, "200", "ok");
        peer_expect_answer(&scene.peer, "200",
            "4x\x1e"
            "4y");
        scene_end(&scene);
    }
}

static void a_packet_that_is_none_ends_the_session(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_post(&scene, &scene.peer, "abc");
    peer_expect_answer(&scene.peer, "400", "");
    scene_poll(&scene, &scene.peer);
    peer_expect_answer(&scene.peer, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 1006);
    scene_end(&scene);
}

static void a_second_poll_ends_the_session(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_poll(&scene, &scene.peer);
    world_run(&scene.world, 10);
    scene_poll(&scene, &scene.other);
    peer_expect_answer(&scene.peer, "200", "1");
    peer_expect_answer(&scene.other, "400", "");
    scene_poll(&scene, &scene.other);
    peer_expect_answer(&scene.other, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    scene_end(&scene);
}

static void a_poll_that_is_cut_ends_the_session(void **state) {
    for (int reset = 0; reset < 2; reset++) {
        struct scene scene;
        scene_begin(&scene, 1);
        scene_open(&scene, "");
        scene_poll(&scene, &scene.peer);
        world_run(&scene.world, 10);
        (reset ? peer_reset : peer_close)(&scene.peer);
        scene_poll(&scene, &scene.other);
        peer_expect_answer(&scene.other, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
        world_run(&scene.world, 10);
        assert_int_equal(heard.code, 1006);
        scene_end(&scene);
    }
}

static void a_body_that_is_too_large_is_refused(void **state) {
    for (int more = 0; more < 2; more++) {
        struct scene scene;
        char *body = malloc(100002);
        memset(body, 'x', 100001);
        body[0] = '4';
        body[100000 + more] = '\0';
        scene_begin(&scene, 1);
        scene_open(&scene, "");
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
        scene_end(&scene);
    }
}

static void a_body_that_is_no_text_ends_the_session(void **state) {
    struct scene scene;
    char request[400];
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    snprintf(request, sizeof(request),
        "POST /echo/engine.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 2\r\n\r\n4a",
        scene.sid);
    scene.peer.in.length = 0;
    peer_text(&scene.peer, request);
    peer_expect_answer(&scene.peer, "400", "");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    scene_end(&scene);
}

static void many_packets_of_a_post_come_back_in_order(void **state) {
    struct scene scene;
    tow_buffer body = {0};
    scene_begin(&scene, 3);
    scene_open(&scene, "");
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
    scene_poll(&scene, &scene.peer);
    tow_buffer_append(&body, "", 1);
    peer_expect(&scene.peer, (const char *)body.data);
    tow_buffer_clear(&body);
    scene_end(&scene);
}

static void packets_of_a_post_that_cost_much_are_few_a_round(void **state) {
    struct scene scene;
    scene_begin(&scene, 3);
    scene_open(&scene, "");
    heard.work = 1000;
    peer_connect(&scene.other, &scene.world);
    scene_post(&scene, &scene.other,
        "4a\x1e"
        "4b\x1e"
        "4c\x1e"
        "4d\x1e"
        "4e\x1e"
        "4f\x1e"
        "4g\x1e"
        "4h\x1e"
        "4i\x1e"
        "4j");
    while (heard.messages < 10) {
        int before = heard.messages;
        assert_true(tow_loop_step(scene.world.loop) >= 0);
        assert_in_range(heard.messages - before, 0, 5);
    }
    scene_end(&scene);
}

/* A client that is not let go on waits with what it posts. */
static void a_paused_socket_has_posts_wait(void **state) {
    struct scene scene;
    scene_begin(&scene, 2);
    scene_open(&scene, "");
    heard.pauses = true;
    scene_post(&scene, &scene.peer,
        "4a\x1e"
        "4b");
    world_run(&scene.world, 100);
    assert_int_equal(scene.peer.in.length, 0);
    heard.pauses = false;
    tow_websocket_resume(heard.socket);
    peer_expect_answer(&scene.peer, "200", "ok");
    scene_poll(&scene, &scene.peer);
    peer_expect_answer(&scene.peer, "200",
        "4a\x1e"
        "4b");
    scene_end(&scene);
}

/* Heartbeats. */

static void pings_come_and_their_answers_keep_the_session(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    for (int i = 0; i < 5; i++) {
        scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "200", "2");
        scene_post(&scene, &scene.peer, "3");
        peer_expect_answer(&scene.peer, "200", "ok");
    }
    assert_int_equal(heard.closes, 0);
    scene_end(&scene);
}

static void a_ping_without_its_answer_ends_the_session(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    world_run(&scene.world, PING + PONG - 10);
    assert_int_equal(heard.closes, 0);
    scene_post(&scene, &scene.peer, "4data is no answer");
    peer_expect_answer(&scene.peer, "200", "ok");
    world_run(&scene.world, 20);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(heard.code, 1006);
    scene_poll(&scene, &scene.peer);
    peer_expect_answer(&scene.peer, "400", "{\"code\":1,\"message\":\"Session ID unknown\"}");
    assert_int_equal(world_metric(&scene.world, "limit_reached_total{limit=\"engineio-pong-ms\"}"), 1);
    scene_end(&scene);
}

/* The client can't answer before it has it. */
static void a_long_answer_has_time_to_arrive(void **state) {
    enum { LENGTH = 32000, ARRIVAL = LENGTH / 16 };
    static char text[LENGTH];
    struct scene scene;
    memset(text, 'x', LENGTH);
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_poll(&scene, &scene.peer);
    assert_true(tow_websocket_send(heard.socket, TOW_TEXT, text, LENGTH) >= 0);
    peer_expect(&scene.peer, "xxx");
    world_run(&scene.world, ARRIVAL - 50);
    assert_int_equal(heard.closes, 0);
    world_run(&scene.world, PONG + 100);
    assert_int_equal(heard.closes, 1);
    scene_end(&scene);
}

/* Its answer would stand behind the post; but a client that is there takes the Pings. */
static void a_paused_session_lives_as_long_as_it_is_polled(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open(&scene, "");
        heard.pauses = true;
        scene_post(&scene, &scene.other, "4a\x1e\x34z");
        scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "200", "4a");
        for (int i = 0; i < 5; i++) {
            scene_poll(&scene, &scene.peer);
            peer_expect_answer(&scene.peer, "200", "2");
        }
        scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "200", "2");
        assert_int_equal(heard.closes, 0);
        world_run(&scene.world, PING + PONG + 20);
        assert_int_equal(heard.closes, 1);
        assert_int_equal(heard.code, 1006);
        scene_end(&scene);
    }
}

static void a_ping_of_the_client_ends_the_session(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_post(&scene, &scene.peer, "2");
    peer_expect_answer(&scene.peer, "400", "");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 1);
    scene_end(&scene);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_back_by_polls),
        cmocka_unit_test(a_poll_waits_for_something),
        cmocka_unit_test(a_packet_that_is_none_ends_the_session),
        cmocka_unit_test(a_second_poll_ends_the_session),
        cmocka_unit_test(a_poll_that_is_cut_ends_the_session),
        cmocka_unit_test(a_body_that_is_too_large_is_refused),
        cmocka_unit_test(a_body_that_is_no_text_ends_the_session),
        cmocka_unit_test(many_packets_of_a_post_come_back_in_order),
        cmocka_unit_test(packets_of_a_post_that_cost_much_are_few_a_round),
        cmocka_unit_test(a_paused_socket_has_posts_wait),
        cmocka_unit_test(pings_come_and_their_answers_keep_the_session),
        cmocka_unit_test(a_ping_without_its_answer_ends_the_session),
        cmocka_unit_test(a_long_answer_has_time_to_arrive),
        cmocka_unit_test(a_paused_session_lives_as_long_as_it_is_polled),
        cmocka_unit_test(a_ping_of_the_client_ends_the_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
