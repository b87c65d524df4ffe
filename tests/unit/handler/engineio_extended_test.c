/* Engine.IO between our own ends: nothing is lost with a connection, and a Close has code and reason. */
#include "engineio_scene.h"

static void a_poll_that_was_cut_is_answered_again(void **state) {
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct scene scene;
        scene_begin(&scene, seed);
        scene_open(&scene, "&towline=1&protocols=soap,quiz");
        assert_true(peer_has(
            &scene.peer, "\"maxPayload\":100000,\"towline\":1,\"protocol\":\"quiz\",\"linger\":15000}"));
        assert_string_equal(heard.protocol, "quiz");
        scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=1"),
            "4a\x1e"
            "3\x1e"
            "tYR4x");
        peer_expect_answer(&scene.peer, "200", "ok");
        scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=1"),
            "4a\x1e"
            "3\x1e"
            "tYR4x");
        peer_expect_answer(&scene.peer, "200", "ok");
        for (int i = 0; i < 3; i++) {
            scene_ask(&scene, &scene.other, "GET", scene_with_sid(&scene, "&ack=0"), "");
            peer_expect_answer(&scene.other, "200",
                "4a\x1e"
                "tYR4x");
            peer_reset(&scene.other);
        }
        scene_ask(&scene, &scene.peer, "GET", scene_with_sid(&scene, "&ack=1"), "");
        world_run(&scene.world, 10);
        peer_reset(&scene.peer);
        assert_int_equal(heard.closes, 0);
        scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=2"), "4b");
        peer_expect_answer(&scene.peer, "200", "ok");
        scene_ask(&scene, &scene.peer, "GET", scene_with_sid(&scene, "&ack=1"), "");
        peer_expect_answer(&scene.peer, "200", "4b");
        scene_end(&scene);
    }
}

static void code_and_reason_travel_both_ways(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "&towline=1");
    scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=1"), "14001too slow");
    peer_expect_answer(&scene.peer, "200", "ok");
    scene_ask(&scene, &scene.peer, "GET", scene_with_sid(&scene, "&ack=0"), "");
    peer_expect_answer(&scene.peer, "200", "14001");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 4001);
    assert_string_equal(heard.reason, "too slow");
    heard.closes = heard.opens = 0;
    scene_open(&scene, "&towline=1");
    assert_int_equal(tow_websocket_close(heard.socket, 4002, "enough"), 0);
    scene_ask(&scene, &scene.peer, "GET", scene_with_sid(&scene, "&ack=0"), "");
    peer_expect_answer(&scene.peer, "200", "14002enough");
    world_run(&scene.world, 10);
    assert_int_equal(heard.closes, 0);
    scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=1"), "14002");
    peer_expect_answer(&scene.peer, "200", "ok");
    world_run(&scene.world, 10);
    assert_int_equal(heard.code, 4002);
    scene_end(&scene);
}

static void numbers_that_can_not_be_end_the_session(void **state) {
    static const struct {
        const char *method, *query;
    } wrong[] = {
        {"GET", ""}, {"GET", "&ack=1"}, {"GET", "&ack=x"}, {"POST", ""}, {"POST", "&n=0"}, {"POST", "&n=2"}};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct scene scene;
        scene_begin(&scene, i);
        scene_open(&scene, "&towline=1");
        scene_ask(&scene, &scene.peer, wrong[i].method, scene_with_sid(&scene, wrong[i].query), "");
        peer_expect_answer(&scene.peer, "400", "");
        world_run(&scene.world, 10);
        assert_int_equal(heard.closes, 1);
        scene_end(&scene);
    }
}

static void without_a_poll_it_lives_for_some_seconds(void **state) {
    struct scene scene;
    scene_begin(&scene, 1);
    scene_open(&scene, "&towline=1");
    heard.pauses = true; /* no Ping ends it */
    scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=1"),
        "4a\x1e"
        "4b");
    world_run(&scene.world, 14900);
    assert_int_equal(heard.closes, 0);
    world_run(&scene.world, 200);
    assert_int_equal(heard.closes, 1);
    assert_int_equal(heard.code, 1006);
    scene_end(&scene);
}

static void what_the_last_answer_had_follows_over_the_websocket(void **state) {
    for (int had = 0; had < 2; had++) {
        struct scene scene;
        scene_begin(&scene, 1);
        scene_open(&scene, "&towline=1");
        scene_ask(&scene, &scene.peer, "POST", scene_with_sid(&scene, "&n=1"),
            "4a\x1e"
            "4b");
        peer_expect_answer(&scene.peer, "200", "ok");
        scene_ask(&scene, &scene.peer, "GET", scene_with_sid(&scene, "&ack=0"), "");
        peer_expect_answer(&scene.peer, "200",
            "4a\x1e"
            "4b");
        scene_open_websocket(&scene, &scene.other, scene_with_sid(&scene, ""));
        peer_expect(&scene.other, "\r\n\r\n");
        peer_frame(&scene.other, 1, "2probe", 6);
        peer_expect_frame(&scene.other, 1, "3probe", 6);
        peer_frame(&scene.other, 1, had ? "51" : "50", 2);
        peer_frame(&scene.other, 1, "4c", 2);
        peer_expect_frame(&scene.other, 1, "4c", 2);
        assert_int_equal(peer_has_frame(&scene.other, 1, "4a", 2), !had);
        assert_int_equal(peer_has_frame(&scene.other, 1, "4b", 2), !had);
        scene_end(&scene);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_poll_that_was_cut_is_answered_again),
        cmocka_unit_test(code_and_reason_travel_both_ways),
        cmocka_unit_test(numbers_that_can_not_be_end_the_session),
        cmocka_unit_test(without_a_poll_it_lives_for_some_seconds),
        cmocka_unit_test(what_the_last_answer_had_follows_over_the_websocket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
