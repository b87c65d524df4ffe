#include "stage.h"

#include "server/channels.h"

enum { PEERS = 3 };

static void begin(struct stage *stage, struct peer peers[PEERS], uint64_t seed) {
    stage_begin(stage, seed, NULL);
    for (size_t i = 0; i < PEERS; i++)
        peer_enter(&peers[i], stage);
}

static void end(struct stage *stage, struct peer peers[PEERS]) {
    for (size_t i = 0; i < PEERS; i++)
        peer_close(&peers[i]);
    stage_end(stage);
}

/* After all that was published before has come. */
static void settle(struct stage *stage) {
    world_run(&stage->world, 100);
}

static void who_is_in_a_room_gets_what_is_said_there(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct stage stage;
        struct peer peers[PEERS];
        begin(&stage, peers, seed);
        const tow_socketio_arguments hello = {.json = "\"hello\",1.0"};
        assert_int_equal(tow_socketio_join(stage.sockets[0], "a room"), 0);
        assert_int_equal(tow_socketio_join(stage.sockets[1], "a room"), 0);
        assert_int_equal(tow_socketio_join(stage.sockets[1], "a room"), 0);
        assert_true(tow_socketio_is_in(stage.sockets[1], "a room"));
        assert_false(tow_socketio_is_in(stage.sockets[2], "a room"));
        assert_int_equal(tow_socketio_to(stage.sockets[0], "a room", "say", &hello), 0);
        assert_int_equal(
            tow_socketio_broadcast(stage.io, &(tow_socketio_target){.room = "a room"}, "all", &hello), 0);
        settle(&stage);
        assert_true(peer_has_text(&peers[1], "2[\"say\",\"hello\",1.0]"));
        assert_false(peer_has(&peers[0], "say")); /* it said it */
        assert_true(peer_has_text(&peers[0], "2[\"all\",\"hello\",1.0]"));
        assert_true(peer_has_text(&peers[1], "2[\"all\",\"hello\",1.0]"));
        assert_false(peer_has(&peers[2], "hello"));
        assert_int_equal(tow_socketio_leave(stage.sockets[1], "a room"), 0);
        assert_int_equal(tow_socketio_leave(stage.sockets[1], "a room"), TOW_ERROR_ARGUMENT);
        assert_int_equal(tow_socketio_to(stage.sockets[0], "a room", "after", NULL), 0);
        settle(&stage);
        assert_false(peer_has(&peers[1], "after"));
        end(&stage, peers);
    }
}

static void a_socket_is_in_the_room_of_its_id(void **state) {
    (void)state;
    struct stage stage;
    struct peer peers[PEERS];
    begin(&stage, peers, 1);
    const char *id = tow_socketio_id(stage.sockets[1]);
    assert_true(tow_socketio_is_in(stage.sockets[1], id));
    assert_int_equal(tow_socketio_leave(stage.sockets[1], id), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_to(stage.sockets[0], id, "for one", NULL), 0);
    settle(&stage);
    assert_true(peer_has_text(&peers[1], "2[\"for one\"]"));
    assert_false(peer_has(&peers[0], "for one") || peer_has(&peers[2], "for one"));
    end(&stage, peers);
}

static void all_of_a_namespace_are_reached_but_one(void **state) {
    (void)state;
    struct stage stage;
    struct peer peers[PEERS];
    begin(&stage, peers, 2);
    peer_say(&peers[0], "0/custom");
    peer_expect_text(&peers[0], "2/custom,[\"auth\",{}]");
    tow_socketio_target target = {.except = tow_socketio_id(stage.sockets[0])};
    assert_int_equal(tow_socketio_broadcast(stage.io, &target, "but one", NULL), 0);
    assert_int_equal(tow_socketio_broadcast(stage.io, NULL, "everybody", NULL), 0);
    assert_int_equal(
        tow_socketio_broadcast(stage.io, &(tow_socketio_target){.scope = "/custom"}, "custom", NULL), 0);
    assert_int_equal(tow_socketio_broadcast(stage.io, &(tow_socketio_target){.scope = "/no"}, "x", NULL),
        TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_to(stage.sockets[1], NULL, "others", NULL), 0);
    settle(&stage);
    for (size_t i = 0; i < PEERS; i++) {
        assert_int_equal(peer_has_text(&peers[i], "2[\"but one\"]"), i != 0);
        assert_int_equal(peer_has_text(&peers[i], "2[\"others\"]"), i != 1);
        assert_true(peer_has_text(&peers[i], "2[\"everybody\"]"));
        assert_int_equal(peer_has_text(&peers[i], "2/custom,[\"custom\"]"), i == 0);
    }
    end(&stage, peers);
}

static void binary_events_reach_rooms_whole(void **state) {
    (void)state;
    struct stage stage;
    struct peer peers[PEERS];
    static const tow_socketio_attachment two[] = {{"first", 5}, {"second", 6}};
    const tow_socketio_arguments arguments = {
        .json = "{\"_placeholder\":true,\"num\":1},[{\"_placeholder\":true,\"num\":0}]",
        .attachments = two,
        .attachment_count = 2};
    begin(&stage, peers, 3);
    assert_int_equal(tow_socketio_broadcast(stage.io, NULL, "b", &arguments), 0);
    settle(&stage);
    for (size_t i = 0; i < PEERS; i++) {
        static const char frames[] =
            "52-[\"b\",{\"_placeholder\":true,\"num\":1},[{\"_placeholder\":true,\"num\":0}]]"
            "\x82\x05"
            "first"
            "\x82\x06"
            "second";
        assert_true(peer_has(&peers[i], frames));
    }
    end(&stage, peers);
}

/* With recovery each has its position behind its arguments. */
static void an_event_is_the_same_in_another_namespace(void **state) {
    (void)state;
    static const char there[] =
        "52-/custom,[\"b[\",1.0,{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}";
    static const char back[] =
        "52-[\"back\",1.0,{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}";
    static const tow_socketio_attachment two[] = {{"first", 5}, {"second", 6}};
    const tow_socketio_arguments arguments = {
        .json = "1.0,{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}",
        .attachments = two,
        .attachment_count = 2};
    for (int recovery = 0; recovery < 2; recovery++) {
        struct stage stage;
        struct peer peers[2];
        stage_begin(&stage, 3, &(tow_socketio_options){.recovery_seconds = recovery * 60});
        for (size_t i = 0; i < 2; i++) {
            peer_open(&peers[i], &stage);
            peer_say(&peers[i], i == 0 ? "0" : "0/custom,");
            peer_expect(&peers[i], "[\"auth\",{}");
            assert_int_equal(tow_socketio_join(stage.sockets[i], "shared"), 0);
        }
        assert_int_equal(tow_socketio_to(stage.sockets[0], "shared", "none", NULL), 0);
        assert_int_equal(tow_socketio_to(stage.sockets[0], "shared", "b[", &arguments), 0);
        assert_int_equal(tow_socketio_to(stage.sockets[1], "shared", "back", &arguments), 0);
        settle(&stage);
        assert_true(peer_has(&peers[1], "2/custom,[\"none\""));
        assert_true(peer_has(&peers[1], there));
        assert_true(peer_has(&peers[0], back));
        for (size_t i = 0; i < 2; i++) {
            assert_true(peer_has_frame(&peers[i], 2, "first", 5));
            assert_true(peer_has_frame(&peers[i], 2, "second", 6));
            peer_close(&peers[i]);
        }
        stage_end(&stage);
    }
}

/* What others publish to the channel of a room. */
static void publish(struct stage *stage, const char *channel, const tow_draft *draft) {
    assert_int_equal(tow_hub_publish(tow_server_hub(stage->world.server), tow_slice_from(channel), draft), 0);
}

static void what_others_publish_reaches_rooms(void **state) {
    (void)state;
    struct stage stage;
    struct peer peers[PEERS];
    begin(&stage, peers, 4);
    assert_int_equal(tow_socketio_join(stage.sockets[0], "a"), 0);
    publish(&stage, "socketio/main/a", &(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("say \"hi\"")});
    publish(&stage, "socketio/main/a",
        &(tow_draft){.event = tow_slice_from("tick"),
            .type = TOW_TEXT,
            .form = TOW_DATA_JSON,
            .data = tow_slice_from("{\"a\":1e400}")});
    publish(&stage, "socketio/main/a",
        &(tow_draft){.event = tow_slice_from("bytes"), .type = TOW_BINARY, .data = {"\x01\x02", 2}});
    publish(&stage, "socketio/main",
        &(tow_draft){.event = tow_slice_from("all"), .type = TOW_TEXT, .data = tow_slice_from("")});
    settle(&stage);
    assert_true(peer_has_text(&peers[0], "2[\"message\",\"say \\\"hi\\\"\"]"));
    assert_true(peer_has_text(&peers[0], "2[\"tick\",{\"a\":1e400}]"));
    assert_true(peer_has_text(&peers[0], "51-[\"bytes\",{\"_placeholder\":true,\"num\":0}]"));
    assert_true(peer_has_frame(&peers[0], 2, "\x01\x02", 2));
    assert_true(peer_has_text(&peers[2], "2[\"all\",\"\"]"));
    assert_false(peer_has(&peers[1], "tick"));
    end(&stage, peers);
}

/* socket.io-client takes them for a broken packet, and leaves. */
static void events_with_reserved_names_come_as_messages(void **state) {
    (void)state;
    static const char *const names[] = {
        "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"};
    struct stage stage;
    struct peer peers[PEERS];
    begin(&stage, peers, 4);
    assert_int_equal(tow_socketio_join(stage.sockets[0], "a"), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const tow_slice event = tow_slice_from(names[i]);
        char expected[64];
        publish(&stage, "socketio/main/a", &(tow_draft){.event = event, .type = TOW_TEXT, .data = event});
        settle(&stage);
        snprintf(expected, sizeof(expected), "2[\"message\",\"%s\"]", names[i]);
        assert_true(peer_has_text(&peers[0], expected));
    }
    publish(&stage, "socketio/main/a",
        &(tow_draft){.event = tow_slice_from("connect"), .type = TOW_BINARY, .data = {"\x01\x02", 2}});
    settle(&stage);
    assert_true(peer_has_text(&peers[0], "51-[\"message\",{\"_placeholder\":true,\"num\":0}]"));
    end(&stage, peers);
}

/* A plain subscriber of the hub. */
struct listener {
    tow_subscription subscription; /* first */
    tow_buffer heard;
};

static void hear(tow_subscription *subscription, tow_burst *burst) {
    struct listener *self = (struct listener *)subscription;
    for (size_t i = 0; i < tow_burst_count(burst); i++) {
        const tow_published *published = tow_burst_at(burst, i);
        tow_slice event = tow_published_event(published);
        tow_slice data = tow_published_data(published);
        assert_int_equal(tow_buffer_append_format(&self->heard, "%s%d %.*s %.*s\n",
                             tow_published_type(published) == TOW_BINARY ? "b" : "t",
                             (int)tow_published_form_of(published), (int)event.length, event.data,
                             (int)data.length, data.data),
            0);
    }
}

static void over(tow_subscription *subscription, tow_subscription_end why) {
    (void)subscription, (void)why;
}

static void what_is_no_event_here_is_left_out(void **state) {
    (void)state;
    for (int recovery = 0; recovery < 2; recovery++) {
        struct stage stage;
        struct peer peer;
        stage_begin(&stage, 4, &(tow_socketio_options){.recovery_seconds = 30 * recovery});
        peer_open(&peer, &stage);
        peer_say(&peer, "0");
        settle(&stage);
        const tow_draft broken = {
            .type = TOW_TEXT, .form = TOW_DATA_JSON, .data = tow_slice_from("{\"no\":")};
        publish(&stage, "socketio/main", &broken);
        settle(&stage);
        publish(&stage, "socketio/main", &broken); /* several at once are joined */
        publish(&stage, "socketio/main", &broken);
        settle(&stage);
        publish(&stage, "socketio/main", &broken);
        publish(&stage, "socketio/main", &(tow_draft){.type = TOW_TEXT, .data = tow_slice_from("yes")});
        settle(&stage);
        assert_true(peer_has(&peer, "2[\"message\",\"yes\""));
        assert_false(peer_has(&peer, "{\"no\""));
        peer_say(&peer, "2[\"message\",\"still there\"]");
        settle(&stage);
        assert_true(peer_has(&peer, "still there"));
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void what_rooms_say_reaches_others(void **state) {
    (void)state;
    static const tow_subscriber kind = {.deliver = hear, .ended = over};
    static const tow_socketio_attachment bytes = {"bytes", 5};
    struct stage stage;
    struct peer peers[PEERS];
    struct listener listener = {0};
    begin(&stage, peers, 5);
    assert_int_equal(tow_subscribe(tow_hub_part_at(tow_server_hub(stage.world.server), 0),
                         &listener.subscription, &kind, tow_slice_from("socketio/main/a"), NULL),
        0);
    const tow_socketio_target target = {.room = "a"};
    assert_int_equal(
        tow_socketio_broadcast(stage.io, &target, "one", &(tow_socketio_arguments){.json = "\"x\""}), 0);
    assert_int_equal(
        tow_socketio_broadcast(stage.io, &target, "two", &(tow_socketio_arguments){.json = "1,[2]"}), 0);
    assert_int_equal(tow_socketio_broadcast(stage.io, &target, "none", NULL), 0);
    assert_int_equal(
        tow_socketio_broadcast(stage.io, &target, "binary",
            &(tow_socketio_arguments){
                .json = "{\"_placeholder\":true,\"num\":0}", .attachments = &bytes, .attachment_count = 1}),
        0);
    settle(&stage);
    assert_int_equal(tow_buffer_append(&listener.heard, "", 1), 0);
    assert_string_equal(
        (const char *)listener.heard.data, "t1 one \"x\"\nt1 two [1,[2]]\nt1 none []\nb1 binary bytes\n");
    tow_unsubscribe(&listener.subscription);
    tow_buffer_clear(&listener.heard);
    end(&stage, peers);
}

static void rooms_are_bounded(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    char name[102];
    stage_begin(&stage, 6, &(tow_socketio_options){.max_rooms = 2});
    peer_enter(&peer, &stage);
    tow_socketio_socket *socket = stage.sockets[0];
    memset(name, 'r', sizeof(name));
    name[101] = '\0';
    assert_int_equal(tow_socketio_join(socket, name), TOW_ERROR_ARGUMENT);
    name[100] = '\0';
    assert_int_equal(tow_socketio_join(socket, name), 0);
    assert_int_equal(tow_socketio_join(socket, ""), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_join(socket, "a\nb"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_join(socket, "\xff"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_socketio_join(socket, "two"), 0);
    assert_int_equal(tow_socketio_join(socket, "three"), TOW_ERROR_LIMIT);
    assert_int_equal(tow_socketio_join(socket, "two"), 0);
    assert_int_equal(tow_socketio_leave(socket, "two"), 0);
    assert_int_equal(tow_socketio_join(socket, "three"), 0);
    peer_close(&peer);
    stage_end(&stage);
}

static void who_is_gone_is_in_no_room(void **state) {
    (void)state;
    struct stage stage;
    struct peer peers[PEERS];
    begin(&stage, peers, 7);
    tow_hub *hub = tow_server_hub(stage.world.server);
    for (size_t i = 0; i < PEERS; i++)
        assert_int_equal(tow_socketio_join(stage.sockets[i], "a"), 0);
    assert_int_equal(tow_hub_subscriber_count(hub, tow_slice_from("socketio/main/a")), 3);
    assert_int_equal(tow_hub_subscriber_count(hub, tow_slice_from("socketio/main")), 3);
    peer_say(&peers[0], "1");
    stage_expect(&stage, "disconnect / client");
    peer_say(&peers[1], "nonsense");
    stage_expect(&stage, "disconnect / parse error");
    assert_int_equal(tow_hub_subscriber_count(hub, tow_slice_from("socketio/main/a")), 1);
    assert_int_equal(tow_hub_subscriber_count(hub, tow_slice_from("socketio/main")), 1);
    end(&stage, peers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_in_a_room_gets_what_is_said_there),
        cmocka_unit_test(a_socket_is_in_the_room_of_its_id),
        cmocka_unit_test(all_of_a_namespace_are_reached_but_one),
        cmocka_unit_test(binary_events_reach_rooms_whole),
        cmocka_unit_test(an_event_is_the_same_in_another_namespace),
        cmocka_unit_test(what_others_publish_reaches_rooms),
        cmocka_unit_test(events_with_reserved_names_come_as_messages),
        cmocka_unit_test(what_is_no_event_here_is_left_out),
        cmocka_unit_test(what_rooms_say_reaches_others),
        cmocka_unit_test(rooms_are_bounded),
        cmocka_unit_test(who_is_gone_is_in_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
