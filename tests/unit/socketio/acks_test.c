#include "stage.h"

/* What became of acknowledgements, in lines. */
struct answers {
    tow_buffer heard;
    tow_socketio_socket *socket;
};

static void on_ack(tow_socketio_socket *socket, void *user, const tow_socketio_arguments *answer, int error) {
    struct answers *answers = user;
    assert_ptr_equal(socket, answers->socket);
    assert_true((answer == NULL) == (error != 0));
    assert_int_equal(
        tow_buffer_append_format(&answers->heard, "%s %.*s\n", error == 0 ? "answer" : tow_error_name(error),
            error == 0 ? (int)answer->length : 0, error == 0 && answer->json != NULL ? answer->json : ""),
        0);
}

static void check_heard(const struct answers *answers, const char *lines) {
    assert_int_equal(answers->heard.length, strlen(lines));
    if (answers->heard.length > 0)
        assert_memory_equal(answers->heard.data, lines, answers->heard.length);
}

static int ask(struct answers *answers, const char *event, int milliseconds) {
    return tow_socketio_emit_with_ack(answers->socket, event, NULL,
        &(tow_socketio_wait){.on_ack = on_ack, .user = answers, .timeout_milliseconds = milliseconds});
}

static void begin(
    struct stage *stage, struct peer *peer, struct answers *answers, const tow_socketio_options *options) {
    stage_begin(stage, 1, options);
    peer_enter(peer, stage);
    *answers = (struct answers){.socket = stage->sockets[0]};
}

static void end(struct stage *stage, struct peer *peer, struct answers *answers) {
    peer_close(peer);
    stage_end(stage);
    tow_buffer_clear(&answers->heard);
}

static void each_answer_goes_to_who_asked(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct answers answers;
    begin(&stage, &peer, &answers, NULL);
    assert_int_equal(ask(&answers, "one", 0), 0);
    assert_int_equal(ask(&answers, "two", TOW_OFF), 0);
    peer_expect_text(&peer, "20[\"one\"]");
    peer_expect_text(&peer, "21[\"two\"]");
    peer_say(&peer, "31[\"second\",2]");
    peer_say(&peer, "30[]");
    peer_say(&peer, "30[\"twice\"]");
    peer_say(&peer, "39007199254740991[\"nobody asked\"]");
    peer_say(&peer, "2[\"message\"]");
    peer_expect_text(&peer, "2[\"message-back\"]");
    check_heard(&answers, "answer \"second\",2\nanswer \n");
    end(&stage, &peer, &answers);
}

static void an_answer_that_does_not_come_in_time_is_missed(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct answers answers;
    begin(&stage, &peer, &answers, NULL);
    assert_int_equal(ask(&answers, "slow", 500), 0);
    world_run(&stage.world, 400);
    check_heard(&answers, "");
    world_run(&stage.world, 200);
    check_heard(&answers, "TOW_ERROR_TIMED_OUT \n");
    peer_say(&peer, "30[\"late\"]");
    world_run(&stage.world, 100);
    check_heard(&answers, "TOW_ERROR_TIMED_OUT \n");
    end(&stage, &peer, &answers);
}

static void who_leaves_answers_nothing(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct answers answers;
    begin(&stage, &peer, &answers, NULL);
    assert_int_equal(ask(&answers, "one", TOW_OFF), 0);
    assert_int_equal(ask(&answers, "two", 0), 0);
    peer_say(&peer, "1");
    stage_expect(&stage, "disconnect / client");
    check_heard(&answers, "TOW_ERROR_CLOSED \nTOW_ERROR_CLOSED \n");
    end(&stage, &peer, &answers);
}

static void what_is_waited_for_is_bounded(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct answers answers;
    begin(&stage, &peer, &answers, &(tow_socketio_options){.max_acks = 3});
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&answers, "x", 0), 0);
    assert_int_equal(ask(&answers, "x", 0), TOW_ERROR_LIMIT);
    peer_say(&peer, "31[]");
    world_run(&stage.world, 50);
    assert_int_equal(ask(&answers, "x", 0), 0);
    peer_expect_text(&peer, "23[\"x\"]");
    assert_int_equal(ask(&answers, "x", 0), TOW_ERROR_LIMIT);
    end(&stage, &peer, &answers);
}

static void what_can_not_be_sent_is_not_waited_for(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct answers answers;
    begin(&stage, &peer, &answers, &(tow_socketio_options){.max_acks = 1});
    const tow_socketio_arguments bad = {.json = "1,"};
    const tow_socketio_wait wait = {.on_ack = on_ack, .user = &answers};
    assert_int_equal(tow_socketio_emit_with_ack(answers.socket, "x", &bad, &wait), TOW_ERROR_ARGUMENT);
    assert_int_equal(ask(&answers, "connect", 0), TOW_ERROR_ARGUMENT);
    assert_int_equal(ask(&answers, "x", -2), TOW_ERROR_ARGUMENT);
    assert_int_equal(ask(&answers, "x", 0), 0);
    check_heard(&answers, "");
    end(&stage, &peer, &answers);
}

static void a_binary_answer_brings_its_bytes(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct answers answers;
    begin(&stage, &peer, &answers, NULL);
    assert_int_equal(ask(&answers, "x", 0), 0);
    peer_say(&peer, "61-0[{\"_placeholder\":true,\"num\":0}]");
    world_run(&stage.world, 50);
    check_heard(&answers, "");
    peer_bytes(&peer, "123", 3);
    world_run(&stage.world, 50);
    check_heard(&answers, "answer {\"_placeholder\":true,\"num\":0}\n");
    end(&stage, &peer, &answers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_answer_goes_to_who_asked),
        cmocka_unit_test(an_answer_that_does_not_come_in_time_is_missed),
        cmocka_unit_test(who_leaves_answers_nothing),
        cmocka_unit_test(what_is_waited_for_is_bounded),
        cmocka_unit_test(what_can_not_be_sent_is_not_waited_for),
        cmocka_unit_test(a_binary_answer_brings_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
