#include "stage.h"

static void a_client_gets_in_and_hears_its_id(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct stage stage;
        struct peer peer;
        char id[ID_LENGTH + 1];
        stage_begin(&stage, seed, NULL);
        peer_open(&peer, &stage);
        peer_say(&peer, "0{\"token\":\"123\"}");
        peer_expect_text(&peer, "2[\"auth\",{\"token\":\"123\"}]");
        peer_id(&peer, id);
        assert_string_equal(id, tow_socketio_id(stage.sockets[0]));
        assert_string_equal(tow_socketio_scope_name(stage.sockets[0]), "/");
        assert_true(stage_heard(&stage, "connect / {\"token\":\"123\"}"));
        peer_close(&peer);
        stage_expect(&stage, "disconnect / transport");
        stage_end(&stage);
    }
}

static void each_namespace_has_a_socket_of_its_own(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 1, NULL);
    peer_enter(&peer, &stage);
    peer_say(&peer, "0/custom,{\"a\":1}");
    peer_expect_text(&peer, "2/custom,[\"auth\",{\"a\":1}]");
    assert_string_not_equal(tow_socketio_id(stage.sockets[0]), tow_socketio_id(stage.sockets[1]));
    peer_say(&peer, "1/custom,");
    stage_expect(&stage, "disconnect /custom client");
    peer_say(&peer, "2[\"message\",1]");
    peer_expect_text(&peer, "2[\"message-back\",1]");
    peer_say(&peer, "0/custom");
    peer_expect_text(&peer, "2/custom,[\"auth\",{}]");
    peer_close(&peer);
    stage_expect(&stage, "disconnect / transport");
    stage_end(&stage);
}

static void an_unknown_namespace_is_refused_and_the_connection_stays(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 2, NULL);
    peer_enter(&peer, &stage);
    peer_say(&peer, "0/random");
    peer_expect_text(&peer, "4/random,{\"message\":\"Invalid namespace\"}");
    peer_say(&peer, "0/,");
    peer_say(&peer, "2[\"message\"]");
    peer_expect_close(&peer, 1002); /* "/" twice */
    peer_close(&peer);
    stage_end(&stage);
}

static void arguments_come_back_in_their_bytes(void **state) {
    (void)state;
    static const char *const arguments[] = {"1", "\"1\"", "{\"1\":true}", "1,2,3",
        "1e400,123456789012345678901234567890", "12.0,-0", "\"\\ud800\",\"\\u0000\"", "{\"a\":1,\"a\":2}",
        "[[],{} , null]"};
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 3, NULL);
    peer_enter(&peer, &stage);
    for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
        char text[128];
        snprintf(text, sizeof(text), "2[\"message\",%s]", arguments[i]);
        peer_say(&peer, text);
        snprintf(text, sizeof(text), "2[\"message-back\",%s]", arguments[i]);
        peer_expect_text(&peer, text);
        snprintf(text, sizeof(text), "2%zu[\"message-with-ack\",%s]", i * 1000, arguments[i]);
        peer_say(&peer, text);
        snprintf(text, sizeof(text), "3%zu[%s]", i * 1000, arguments[i]);
        peer_expect_text(&peer, text);
    }
    peer_close(&peer);
    stage_end(&stage);
}

static void events_without_a_listener_are_heard_by_name(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 4, NULL);
    peer_enter(&peer, &stage);
    peer_say(&peer, "2[\"gr\\u00fc\xc3\x9f\",1 , 2]");
    stage_expect(&stage, "gr\xc3\xbc\xc3\x9f 1 , 2");
    peer_say(&peer, "2[17]");
    stage_expect(&stage, "17 ");
    peer_say(&peer, "2[\"\\ud800\"]");
    stage_expect(&stage, "\"\\ud800\" ");
    peer_close(&peer);
    stage_end(&stage);
}

static const char one_binary[] = "51-[\"message-back\",{\"_placeholder\":true,\"num\":0}]";

static void attachments_come_back_in_their_order(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct stage stage;
        struct peer peer;
        stage_begin(&stage, seed, NULL);
        peer_enter(&peer, &stage);
        peer_say(&peer, "51-[\"message\",{\"_placeholder\":true,\"num\":0}]");
        peer_bytes(&peer, "\x01\x02\x03", 3);
        peer_expect_text(&peer, one_binary);
        peer_expect_frame(&peer, 2, "\x01\x02\x03", 3);
        peer_say(&peer, "52-789[\"message-with-ack\",{\"_placeholder\":true,\"num\":1},[{\"_placeholder\":"
                        "true,\"num\":0}]]");
        peer_bytes(&peer, "", 0);
        peer_bytes(&peer, "\xff", 1);
        peer_expect_text(
            &peer, "62-789[{\"_placeholder\":true,\"num\":1},[{\"_placeholder\":true,\"num\":0}]]");
        peer_expect(&peer, "\xff");
        assert_memory_equal(peer.in.data + peer.in.length - 5, "\x82\x00\x82\x01\xff", 5);
        peer_say(&peer, "50-[\"message\",1]");
        peer_expect_text(&peer, "2[\"message-back\",1]");
        peer_close(&peer);
        stage_end(&stage);
    }
}

/* Each breaks the protocol, and ends the whole connection without a word. */
static void what_breaks_the_protocol_ends_the_connection(void **state) {
    (void)state;
    static const char *const texts[] = {"", "abc", "0", "0/custom,[]", "2{}", "2[]", "2[\"disconnect\"]",
        "2[\"connect\"]", "2/custom,[\"message\"]", "2/random,[\"message\"]", "3/custom,0[]", "1/custom,",
        "4\"no\"", "2-1[\"message\"]", "3[]", "3x[]", "511-[\"message\"]", "51[\"message\"]",
        "51-[\"message\",{\"_placeholder\":true,\"num\":1}]", "7"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct stage stage;
        struct peer peer;
        stage_begin(&stage, i, NULL);
        peer_enter(&peer, &stage);
        peer_say(&peer, texts[i]);
        peer_say(&peer, "2[\"message\",\"still here\"]");
        peer_expect_close(&peer, 1002);
        stage_expect(&stage, "disconnect / parse error");
        assert_false(peer_has(&peer, "still here"));
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void attachments_are_expected_and_nothing_else_is(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct stage stage;
        struct peer peer;
        stage_begin(&stage, (uint64_t)which, NULL);
        peer_enter(&peer, &stage);
        if (which == 1)
            peer_say(&peer, "51-[\"message\",{\"_placeholder\":true,\"num\":0}]");
        if (which == 2) {
            peer_say(&peer,
                "52-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]");
            peer_bytes(&peer, "1", 1);
        }
        if (which == 3)
            peer_say(&peer, "51-/custom,[\"message\",{\"_placeholder\":true,\"num\":0}]");
        if (which == 0 || which == 3)
            peer_bytes(&peer, "2", 1);
        else
            peer_say(&peer, "2[\"message\",1]");
        peer_expect_close(&peer, 1002);
        stage_expect(&stage, "disconnect / parse error");
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void events_before_the_first_answer_end_the_connection(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 5, NULL);
    peer_open(&peer, &stage);
    peer_say(&peer, "2[\"message\"]");
    peer_expect_close(&peer, 1002);
    peer_close(&peer);
    assert_int_equal(stage.heard.length, 0);
    stage_end(&stage);
}

static void who_connects_to_nothing_has_its_time(void **state) {
    (void)state;
    struct stage stage;
    struct peer idle;
    struct peer refused;
    struct peer good;
    stage_begin(&stage, 6, &(tow_socketio_options){.connect_timeout_milliseconds = 1000});
    peer_open(&idle, &stage);
    peer_open(&refused, &stage);
    peer_say(&refused, "0/random");
    peer_enter(&good, &stage);
    world_run(&stage.world, 700);
    assert_false(idle.ended || refused.ended);
    peer_expect_close(&idle, 1008);
    peer_expect_close(&refused, 1008);
    world_run(&stage.world, 3000);
    peer_say(&good, "2[\"message\"]");
    peer_expect_text(&good, "2[\"message-back\"]");
    peer_close(&idle);
    peer_close(&refused);
    peer_close(&good);
    stage_end(&stage);
}

/* A socket that is made to leave hears it, and what was on its way to us is nothing. */
static void a_kicked_client_may_have_said_more(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 7, NULL);
    peer_enter(&peer, &stage);
    peer_say(&peer, "0/custom");
    peer_expect_text(&peer, "2/custom,[\"auth\",{}]");
    assert_int_equal(tow_socketio_disconnect(stage.sockets[1], false), 0);
    assert_true(stage_heard(&stage, "disconnect /custom server"));
    peer_say(&peer, "2/custom,[\"on the way\"]");
    peer_say(&peer, "1/custom,");
    peer_expect_text(&peer, "1/custom,");
    peer_say(&peer, "2[\"message\",1]");
    peer_expect_text(&peer, "2[\"message-back\",1]");
    peer_say(&peer, "0/custom");
    stage_expect(&stage, "connect /custom ");
    world_run(&stage.world, 10);
    peer_say(&peer, "2/custom,[\"again\"]");
    stage_expect(&stage, "again ");
    assert_false(stage_heard(&stage, "on the way "));
    peer_close(&peer);
    stage_end(&stage);
}

static void a_kicked_connection_ends_with_all_its_sockets(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 8, NULL);
    peer_enter(&peer, &stage);
    peer_say(&peer, "0/custom");
    peer_expect_text(&peer, "2/custom,[\"auth\",{}]");
    assert_int_equal(tow_socketio_disconnect(stage.sockets[0], true), 0);
    assert_int_equal(stage.socket_count, 0);
    peer_expect_text(&peer, "1");
    peer_expect_text(&peer, "1/custom,");
    peer_expect_close(&peer, 1000);
    peer_close(&peer);
    stage_end(&stage);
}

/* Admission. */

static void refuse_in_it(
    struct stage *stage, tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    const tow_socketio_arguments data = {.json = "{\"code\":1e400}"};
    assert_int_equal(tow_socketio_acknowledge(socket, 0, auth), TOW_ERROR_STATE);
    assert_int_equal(tow_socketio_refuse(socket, "who \"are\" you?", auth->length > 0 ? &data : NULL), 0);
    assert_int_equal(tow_socketio_accept(socket), TOW_ERROR_STATE);
}

static void a_refused_client_hears_why(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 9, NULL);
    stage.then_connect = refuse_in_it;
    peer_open(&peer, &stage);
    peer_say(&peer, "0");
    peer_expect_text(&peer, "4{\"message\":\"who \\\"are\\\" you?\"}");
    peer_say(&peer, "0{}");
    peer_expect_text(&peer, "4{\"message\":\"who \\\"are\\\" you?\",\"data\":{\"code\":1e400}}");
    peer_say(&peer, "2[\"message\"]");
    peer_expect_close(&peer, 1002);
    peer_close(&peer);
    assert_false(stage_heard(&stage, "disconnect / parse error"));
    stage_end(&stage);
}

static void forget_deferred(tow_socketio_socket *socket) {
    struct stage *stage = tow_socketio_user(socket);
    stage->socket_count--;
}

static void defer(struct stage *stage, tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    (void)auth;
    assert_int_equal(tow_socketio_defer(socket, forget_deferred), 0);
    assert_int_equal(tow_socketio_emit(socket, "early", NULL), TOW_ERROR_STATE);
    assert_int_equal(tow_socketio_join(socket, "early"), TOW_ERROR_STATE);
    stage->sockets[stage->socket_count++] = socket;
}

static void a_client_may_be_let_in_later(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 10, NULL);
    stage.then_connect = defer;
    peer_open(&peer, &stage);
    peer_say(&peer, "0");
    stage_expect(&stage, "connect / ");
    peer_say(&peer, "0/custom");
    stage_expect(&stage, "connect /custom ");
    assert_false(peer_has(&peer, "sid"));
    assert_int_equal(tow_socketio_accept(stage.sockets[0]), 0);
    assert_int_equal(tow_socketio_accept(stage.sockets[0]), TOW_ERROR_STATE);
    peer_expect(&peer, "{\"sid\":\"");
    peer_say(&peer, "2[\"message\"]");
    peer_expect_text(&peer, "2[\"message-back\"]");
    assert_int_equal(tow_socketio_refuse(stage.sockets[1], "no", NULL), 0);
    stage.socket_count--;
    peer_expect_text(&peer, "4/custom,{\"message\":\"no\"}");
    peer_close(&peer);
    stage_expect(&stage, "disconnect / transport");
    stage_end(&stage);
}

static void a_client_may_leave_before_it_is_let_in(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct stage stage;
        struct peer peer;
        stage_begin(&stage, 11, NULL);
        stage.then_connect = defer;
        peer_open(&peer, &stage);
        peer_say(&peer, "0");
        stage_expect(&stage, "connect / ");
        if (which == 0)
            peer_say(&peer, "2[\"too early\"]");
        else
            peer_reset(&peer);
        for (int i = 0; i < 100 && stage.socket_count > 0; i++)
            world_run(&stage.world, 10);
        assert_int_equal(stage.socket_count, 0);
        if (which == 0)
            peer_close(&peer);
        stage_end(&stage);
    }
}

static void leave_in_it(struct stage *stage, tow_socketio_socket *socket, const tow_socketio_event *event) {
    bool whole = strcmp(event->name, "kick all") == 0;
    assert_int_equal(tow_socketio_disconnect(socket, whole), 0);
    assert_int_equal(tow_socketio_disconnect(socket, whole), TOW_ERROR_CLOSED);
    assert_int_equal(tow_socketio_emit(socket, "x", NULL), TOW_ERROR_CLOSED);
    assert_int_equal(tow_socketio_acknowledge(socket, 1, NULL), TOW_ERROR_CLOSED);
    assert_int_equal(strlen(tow_socketio_id(socket)), ID_LENGTH); /* it is there until its callback returns */
}

static void a_socket_may_be_ended_in_its_own_event(void **state) {
    (void)state;
    for (int which = 0; which < 2; which++) {
        struct stage stage;
        struct peer peer;
        stage_begin(&stage, 12, NULL);
        stage.then_event = leave_in_it;
        peer_enter(&peer, &stage);
        peer_say(&peer, which == 0 ? "2[\"kick\"]" : "2[\"kick all\"]");
        peer_expect_text(&peer, "1");
        assert_int_equal(stage.socket_count, 0);
        if (which == 1)
            peer_expect_close(&peer, 1000);
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void a_drained_server_ends_all_sockets(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 13, NULL);
    peer_enter(&peer, &stage);
    tow_server_stop(stage.world.server);
    world_run(&stage.world, 6000);
    stage_expect(&stage, "disconnect / transport");
    peer_close(&peer);
    stage_end(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_in_and_hears_its_id),
        cmocka_unit_test(each_namespace_has_a_socket_of_its_own),
        cmocka_unit_test(an_unknown_namespace_is_refused_and_the_connection_stays),
        cmocka_unit_test(arguments_come_back_in_their_bytes),
        cmocka_unit_test(events_without_a_listener_are_heard_by_name),
        cmocka_unit_test(attachments_come_back_in_their_order),
        cmocka_unit_test(what_breaks_the_protocol_ends_the_connection),
        cmocka_unit_test(attachments_are_expected_and_nothing_else_is),
        cmocka_unit_test(events_before_the_first_answer_end_the_connection),
        cmocka_unit_test(who_connects_to_nothing_has_its_time),
        cmocka_unit_test(a_kicked_client_may_have_said_more),
        cmocka_unit_test(a_kicked_connection_ends_with_all_its_sockets),
        cmocka_unit_test(a_refused_client_hears_why),
        cmocka_unit_test(a_client_may_be_let_in_later),
        cmocka_unit_test(a_client_may_leave_before_it_is_let_in),
        cmocka_unit_test(a_socket_may_be_ended_in_its_own_event),
        cmocka_unit_test(a_drained_server_ends_all_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
