#include "stage.h"

static const char binary_event[] =
    "52-[\"message\",{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]";

/* An event and its attachments are one message to the limit. */
static void an_event_with_its_attachments_is_bounded(void **state) {
    (void)state;
    for (int extra = -1; extra < 2; extra++) {
        struct stage stage;
        struct peer peer;
        size_t length = 10000 - (sizeof(binary_event) - 1);
        char *bytes = calloc(1, length);
        stage_begin(&stage, 1, &(tow_socketio_options){.max_message = 10000});
        peer_enter(&peer, &stage);
        peer_say(&peer, binary_event);
        peer_bytes(&peer, bytes, 5000);
        peer_bytes(&peer, bytes, length - 5000 + (size_t)(extra + 1) - 1);
        if (extra < 1) {
            peer_expect(&peer, "52-[\"message-back\"");
        } else {
            peer_expect_close(&peer, 1009);
            stage_expect(&stage, "disconnect / transport");
        }
        free(bytes);
        peer_close(&peer);
        stage_end(&stage);
    }
}

/* What is gathered counts among the messages that have not ended, and is no more counted when it has, or when
 * its connection is gone. */
static void what_is_gathered_is_counted(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    char bytes[50000] = {0};
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 2},
        &(tow_server_options){
            .listens = (const char *const[]){"127.0.0.1:9998", NULL}, .status = "127.0.0.1:9999"},
        NULL);
    peer_enter(&peer, &stage);
    for (int which = 0; which < 2; which++) {
        peer_say(&peer, binary_event);
        peer_bytes(&peer, bytes, sizeof(bytes));
        world_run(&stage.world, 100);
        assert_true(world_metric(&stage.world, "unfinished_bytes") > 50000);
        if (which == 0)
            peer_bytes(&peer, "x", 1);
        else
            peer_reset(&peer);
        world_run(&stage.world, 100);
        assert_int_equal(world_metric(&stage.world, "unfinished_bytes"), 0);
    }
    stage_end(&stage);
}

static void who_gathers_more_than_the_server_has_room_for_is_ended(void **state) {
    (void)state;
    struct stage stage;
    struct peer peers[3];
    char *bytes = calloc(1, 400000);
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 3},
        &(tow_server_options){.max_unfinished = 1000000, .max_unfinished_per_address = TOW_OFF}, NULL);
    for (size_t i = 0; i < 3; i++) {
        peer_enter(&peers[i], &stage);
        peer_say(&peers[i], binary_event);
        peer_bytes(&peers[i], bytes, 400000);
        world_run(&stage.world, 500);
    }
    peer_expect_close(&peers[2], 1013);
    peer_bytes(&peers[0], "x", 1);
    peer_expect(&peers[0], "52-[\"message-back\"");
    for (size_t i = 0; i < 3; i++)
        peer_close(&peers[i]);
    free(bytes);
    stage_end(&stage);
}

/* A flood of namespaces that are not there costs answers, and no memory. */
static void unknown_namespaces_cost_nothing(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 4, NULL);
    peer_enter(&peer, &stage);
    for (int i = 0; i < 1000; i++)
        peer_say(&peer, "0/nowhere");
    peer_say(&peer, "2[\"message\",\"after all\"]");
    peer_expect_text(&peer, "2[\"message-back\",\"after all\"]");
    assert_int_equal(stage.socket_count, 1);
    peer_close(&peer);
    stage_end(&stage);
}

/* Who does not read what is said in its room is ended, and what others hear is whole. */
static void who_is_too_slow_for_a_room_is_ended(void **state) {
    (void)state;
    struct stage stage;
    struct peer slow;
    struct peer good;
    char text[2000];
    memset(text, 'x', sizeof(text));
    text[0] = text[1998] = '"';
    text[1999] = '\0';
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 5, .stream_capacity = 4096},
        &(tow_server_options){0}, NULL);
    peer_enter(&slow, &stage);
    peer_enter(&good, &stage);
    tow_stream_pause(&slow.stream);
    for (int i = 0; i < 2500; i++) {
        assert_int_equal(
            tow_socketio_broadcast(stage.io, NULL, "flood", &(tow_socketio_arguments){.json = text}), 0);
        world_run(&stage.world, 5);
    }
    assert_int_equal(tow_socketio_broadcast(stage.io, NULL, "last", NULL), 0);
    peer_expect_text(&good, "2[\"last\"]");
    stage_expect(&stage, "disconnect / transport");
    assert_int_equal(stage.socket_count, 1);
    peer_reset(&slow);
    peer_close(&good);
    stage_end(&stage);
}

static void what_waits_makes_volatile_events_go_nowhere(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    char text[60000];
    memset(text, 'x', sizeof(text));
    text[0] = text[59998] = '"';
    text[59999] = '\0';
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 6, .stream_capacity = 4096},
        &(tow_server_options){0}, NULL);
    peer_enter(&peer, &stage);
    tow_stream_pause(&peer.stream);
    assert_int_equal(tow_socketio_emit_volatile(stage.sockets[0], "first", NULL), 0);
    assert_int_equal(tow_socketio_emit(stage.sockets[0], "big", &(tow_socketio_arguments){.json = text}), 0);
    world_run(&stage.world, 10);
    assert_int_equal(tow_socketio_emit_volatile(stage.sockets[0], "second", NULL), TOW_ERROR_QUEUE_FULL);
    tow_stream_resume(&peer.stream);
    world_run(&stage.world, 1000);
    assert_int_equal(tow_socketio_emit_volatile(stage.sockets[0], "third", NULL), 0);
    peer_expect_text(&peer, "2[\"third\"]");
    assert_true(peer_has_text(&peer, "2[\"first\"]"));
    assert_false(peer_has(&peer, "second"));
    peer_close(&peer);
    stage_end(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_with_its_attachments_is_bounded),
        cmocka_unit_test(what_is_gathered_is_counted),
        cmocka_unit_test(who_gathers_more_than_the_server_has_room_for_is_ended),
        cmocka_unit_test(unknown_namespaces_cost_nothing),
        cmocka_unit_test(who_is_too_slow_for_a_room_is_ended),
        cmocka_unit_test(what_waits_makes_volatile_events_go_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
