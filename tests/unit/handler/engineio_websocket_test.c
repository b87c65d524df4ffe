/* Engine.IO 4 over a WebSocket: from the beginning, or when it takes a session over. */
#include "engineio_scene.h"

#include "../../../src/server/state.h"
#include "engineio/session.h"

#include <towline/error.h>

/* WebSocket. */

static void a_session_begins_on_websocket(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open_websocket(&scene, &scene.peer, "");
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
        scene_end(&scene);
    }
}

/* As long as bytes come, though no message does, and no Pong; whichever worker the WebSocket is on. */
static void what_comes_slowly_is_life(void **state) {
    size_t apart = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        tow_websocket_id id;
        uint8_t secret[TOW_ENGINEIO_SECRET];
        scene_begin_on_two(&scene, seed);
        scene_open(&scene, "");
        scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
        peer_expect(&scene.other, "101 ");
        peer_frame(&scene.other, 1, "2probe", 6);
        peer_expect_frame(&scene.other, 1, "3probe", 6);
        peer_frame(&scene.other, 1, "5", 1);
        assert_true(tow_engineio_read_sid(scene.sid, &id, secret));
        apart += scene.world.server->workers[1 - tow_websocket_id_worker(id)].slots.used > 0;
        peer_send(&scene.other, "\x81\xfe\x10\0\0\0\0\0", 8);
        for (int i = 0; i < 30; i++) {
            peer_send(&scene.other, "4", 1);
            world_run(&scene.world, PONG / 2);
        }
        assert_int_equal(heard.closes, 0);
        world_run(&scene.world, 2 * PONG);
        assert_int_equal(heard.closes, 1);
        assert_int_equal(world_metric(&scene.world, "limit_reached_total{limit=\"engineio-pong-ms\"}"), 1);
        scene_end(&scene);
    }
    assert_true(apart > 0);
}

static void binary_goes_as_text_for_who_asks_for_that(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open_websocket(&scene, &scene.peer, "&b64=1");
    peer_expect(&scene.peer, "}");
    peer_frame(&scene.peer, 2, "\1\2\3", 3);
    peer_expect_frame(&scene.peer, 1, "bAQID", 5);
    scene_end(&scene);
}

/* What a large packet was decoded in does not stay as long as the session. */
static void a_large_packet_leaves_nothing_behind(void **state) {
    struct scene scene;
    static char packet[96001];
    scene_begin(&scene, 1);
    scene_open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    memset(packet, 'A', sizeof(packet));
    packet[0] = 'b';
    peer_long_frame(&scene.peer, 1, packet, sizeof(packet));
    peer_frame(&scene.peer, 1, "4a", 2);
    peer_expect_frame(&scene.peer, 1, "4a", 2);
    const tow_engineio_session *session = heard.socket->carried;
    assert_in_range(session->room.capacity, 0, 65536);
    scene_end(&scene);
}

static void a_websocket_that_vanishes_is_told(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    peer_reset(&scene.peer);
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 1006);
    scene_end(&scene);
}

/* What the WebSocket has can't be dropped, so what comes over the limit is refused. */
static void a_websocket_that_is_not_read_holds_no_more_than_max_queue(void **state) {
    struct scene scene;
    static char bytes[1000];
    int refused = 0;
    scene_begin_with(
        &scene, 1, &(tow_handler){.limits = {.max_queue = 10000, .overflow = TOW_OVERFLOW_DROP_OLDEST}});
    scene_open_websocket(&scene, &scene.peer, "");
    peer_expect(&scene.peer, "}");
    tow_stream_pause(&scene.peer.stream);
    for (int i = 0; i < 100; i++)
        refused += tow_websocket_send(heard.socket, TOW_BINARY, bytes, sizeof(bytes)) == TOW_ERROR_QUEUE_FULL;
    assert_in_range(tow_websocket_buffered_amount(heard.socket), 10001, 12000);
    assert_in_range(refused, 80, 95);
    tow_stream_resume(&scene.peer.stream);
    peer_frame(&scene.peer, 1, "4a", 2);
    peer_expect_frame(&scene.peer, 1, "4a", 2);
    scene_end(&scene);
}

static void the_handler_closes_a_websocket(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open_websocket(&scene, &scene.peer, "");
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
    scene_end(&scene);
}

/* Upgrades. */

static void a_session_is_taken_over_by_a_websocket(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open(&scene, "");
        scene_poll(&scene, &scene.peer);
        world_run(&scene.world, 10);
        scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        peer_frame(&scene.other, 1, "2probe", 6);
        peer_expect_frame(&scene.other, 1, "3probe", 6);
        peer_expect_answer(&scene.peer, "200", "6");
        scene_post(&scene, &scene.peer, "4late");
        peer_expect_answer(&scene.peer, "200", "ok");
        peer_frame(&scene.other, 1, "5", 1);
        peer_expect_frame(&scene.other, 1, "4late", 5);
        peer_frame(&scene.other, 1, "4a", 2);
        peer_expect_frame(&scene.other, 1, "4a", 2);
        scene_poll(&scene, &scene.peer);
        peer_expect_answer(&scene.peer, "400", "{\"code\":3,\"message\":\"Bad request\"}");
        peer_expect_frame(&scene.other, 1, "2", 1);
        assert_int_equal(heard.opens, 1);
        scene_end(&scene);
    }
}

static void probe_and_upgrade_may_come_together(void **state) {
    struct scene scene;
    uint8_t frames[64];
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
    peer_expect(&scene.other, "\r\n\r\n");
    size_t length = frame_write(frames, 1, "2probe", 6);
    length += frame_write(frames + length, 1, "5", 1);
    length += frame_write(frames + length, 1, "4x", 2);
    peer_send(&scene.other, frames, length);
    peer_expect_frame(&scene.other, 1, "3probe", 6);
    peer_expect_frame(&scene.other, 1, "4x", 2);
    scene_end(&scene);
}

static void a_poll_during_an_upgrade_is_answered_soon(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
    peer_expect(&scene.other, "\r\n\r\n");
    peer_frame(&scene.other, 1, "2probe", 6);
    peer_expect_frame(&scene.other, 1, "3probe", 6);
    scene_poll(&scene, &scene.peer);
    world_run(&scene.world, 120);
    peer_expect_answer(&scene.peer, "200", "6");
    scene_end(&scene);
}

/* A session with more than the high mark waiting: the rest of the post is told when less waits. */
#define LONG_POST                                                                                            \
    "4aaaaaaaaaa\x1e"                                                                                        \
    "4bbbbbbbbbb\x1e"                                                                                        \
    "4c"

static void begin_with_marks(struct scene *scene, uint64_t seed) {
    scene_begin_with(scene, seed, &(tow_handler){.limits.high_mark = 8, .limits.low_mark = 2});
    scene_open(scene, "");
    scene_open_websocket(scene, &scene->other, scene_with_sid(scene, ""));
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
        scene_post(&scene, &scene.peer, LONG_POST);
        if (seed % 2 == 1)
            probe(&scene);
        peer_expect_answer(&scene.peer, "200", "ok");
        size_t length = frame_write(frames, 1, "5", 1);
        length += frame_write(frames + length, 1, "4last", 5);
        peer_send(&scene.other, frames, length);
        peer_expect_frame(&scene.other, 1, "4aaaaaaaaaa", 11);
        peer_expect_frame(&scene.other, 1, "4bbbbbbbbbb", 11);
        peer_expect_frame(&scene.other, 1, "4c", 2);
        peer_expect_frame(&scene.other, 1, "4last", 5);
        scene_end(&scene);
    }
}

static void after_an_upgrade_that_failed_posts_go_on(void **state) {
    struct scene scene;
    begin_with_marks(&scene, 1);
    probe(&scene);
    scene_post(&scene, &scene.peer, LONG_POST);
    peer_expect_answer(&scene.peer, "200", "ok");
    peer_close(&scene.other);
    world_run(&scene.world, 10);
    scene_post(&scene, &scene.peer, "4d");
    scene_poll(&scene, &scene.other);
    peer_expect_answer(&scene.other, "200", "4aaaaaaaaaa");
    scene_poll(&scene, &scene.other);
    peer_expect_answer(&scene.other, "200", "4bbbbbbbbbb");
    peer_expect_answer(&scene.peer, "200", "ok");
    scene_poll(&scene, &scene.other);
    peer_expect_answer(&scene.other, "200",
        "4c\x1e"
        "4d");
    assert_int_equal(heard.closes, 0);
    scene_end(&scene);
}

static void a_probe_that_says_anything_else_ends_alone(void **state) {
    static const char *const words[] = {"5", "4x", "2", "probe", ""};
    for (size_t i = 0; i < 5; i++) {
        struct scene scene;
        scene_begin(&scene, i);
        scene_open(&scene, "");
        scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        peer_frame(&scene.other, 1, words[i], strlen(words[i]));
        peer_expect_frame(&scene.other, 8, "", 0);
        scene_post(&scene, &scene.peer, "4still there");
        peer_expect_answer(&scene.peer, "200", "ok");
        assert_int_equal(heard.closes, 0);
        scene_end(&scene);
    }
}

static void a_second_websocket_is_closed_and_the_first_goes_on(void **state) {
    struct scene scene;
    struct peer third = {0};
    scene_begin(&scene, 1);
    scene_open(&scene, "");
    scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
    peer_expect(&scene.other, "\r\n\r\n");
    peer_frame(&scene.other, 1, "2probe", 6);
    peer_frame(&scene.other, 1, "5", 1);
    peer_expect_frame(&scene.other, 1, "3probe", 6);
    world_run(&scene.world, 10);
    scene_open_websocket(&scene, &third, scene_with_sid(&scene, ""));
    peer_expect_frame(&third, 8, "", 0);
    peer_frame(&scene.other, 1, "4first", 6);
    peer_expect_frame(&scene.other, 1, "4first", 6);
    peer_close(&third);
    scene_end(&scene);
}

/* What the application says before its session is closed comes before the Close, on whichever workers the two
 * are. */
static void a_drain_closes_a_websocket_behind_what_was_said(void **state) {
    for (uint64_t seed = 0; seed < 4 * SEEDS; seed++) {
        struct scene scene;
        char last[16] = "4none";
        scene_begin_on_two(&scene, seed);
        scene_open(&scene, "");
        scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        probe(&scene);
        peer_frame(&scene.other, 1, "5", 1);
        peer_frame(&scene.other, 1, "4a", 2);
        peer_expect_frame(&scene.other, 1, "4a", 2);
        tow_server_stop(scene.world.server);
        for (int i = 0; heard.socket != NULL && tow_websocket_ready_state(heard.socket) == TOW_OPEN; i++) {
            int length = snprintf(last, sizeof(last), "4%d", i);
            assert_true(tow_websocket_send(heard.socket, TOW_TEXT, last + 1, (size_t)length - 1) >= 0);
            world_run_a_little(&scene.world, 1);
        }
        peer_expect_frame(&scene.other, 8, "\x03\xe9", 2);
        assert_true(peer_has(&scene.other, last));
        peer_frame(&scene.other, 8, "\x03\xe9", 2);
        peer_expect_end(&scene.other);
        scene_end(&scene);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_begins_on_websocket),
        cmocka_unit_test(what_comes_slowly_is_life),
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
        cmocka_unit_test(a_drain_closes_a_websocket_behind_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
