#include "../server/flood.h"
#include "stage.h"

#include "../../../src/socketio/away.h"
#include "../../../src/socketio/socket.h"
#include "server/channels.h"

static const tow_socketio_options options = {.recovery_seconds = 10};

/* What a client has to remember. */
struct memory {
    char id[ID_LENGTH + 1];
    char secret[ID_LENGTH + 1];
    char offset[64];
};

static void copy_behind(const struct peer *peer, const char *mark, char *out, size_t length) {
    const char *found = NULL;
    const char *in = (const char *)peer->in.data;
    for (size_t i = 0; i + strlen(mark) + length <= peer->in.length; i++) {
        if (memcmp(in + i, mark, strlen(mark)) == 0)
            found = in + i + strlen(mark);
    }
    assert_non_null(found);
    memcpy(out, found, length);
    out[length] = '\0';
}

static void remember_ids(struct peer *peer, struct memory *memory) {
    world_run(peer->world, 50); /* until it is there to its end */
    copy_behind(peer, "{\"sid\":\"", memory->id, ID_LENGTH);
    copy_behind(peer, "\",\"pid\":\"", memory->secret, ID_LENGTH);
}

/* The offset of the last event of this name, which has no other arguments. */
static void remember_offset(struct peer *peer, const char *event, struct memory *memory) {
    char mark[64];
    world_run(peer->world, 50);
    snprintf(mark, sizeof(mark), "[\"%s\",\"", event);
    copy_behind(peer, mark, memory->offset, 15);
    *strchr(memory->offset, '"') = '\0';
}

static void enter(struct peer *peer, struct stage *stage, struct memory *memory) {
    peer_open(peer, stage);
    peer_say(peer, "0");
    peer_expect(peer, "2[\"auth\",{},\"");
    remember_ids(peer, memory);
}

static void come_back(struct peer *peer, struct stage *stage, const struct memory *memory) {
    char text[160];
    snprintf(text, sizeof(text), "0{\"pid\":\"%s\",\"offset\":\"%s\"}", memory->secret, memory->offset);
    peer_open(peer, stage);
    peer_say(peer, text);
    peer_expect(peer, "\"pid\":\"");
}

static void broadcast(struct stage *stage, const char *room, const char *event) {
    assert_int_equal(tow_socketio_broadcast(stage->io, &(tow_socketio_target){.room = room}, event, NULL), 0);
}

static bool has_event(const struct peer *peer, const char *event) {
    char mark[64];
    snprintf(mark, sizeof(mark), "2[\"%s\",\"", event);
    return peer_has(peer, mark);
}

/* Neither greets nor is counted: who is recovered has been. */
static void note_recovered(
    struct stage *stage, tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    (void)auth;
    assert_true(tow_socketio_was_recovered(socket));
    stage->sockets[stage->socket_count++] = socket;
}

static void who_comes_back_is_who_it_was_and_gets_what_it_missed(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct stage stage;
        struct peer peer;
        struct memory memory;
        struct memory now;
        stage_begin(&stage, seed, &options);
        enter(&peer, &stage, &memory);
        assert_int_equal(tow_socketio_join(stage.sockets[0], "a"), 0);
        assert_int_equal(tow_socketio_emit(stage.sockets[0], "one", NULL), 0);
        broadcast(&stage, "a", "two");
        broadcast(&stage, NULL, "three");
        peer_expect(&peer, "2[\"three\",\"");
        remember_offset(&peer, "two", &memory);
        peer_reset(&peer);
        stage_expect(&stage, "disconnect / transport");
        broadcast(&stage, "a", "four");
        broadcast(&stage, "b", "nothing");
        broadcast(&stage, memory.id, "five");
        world_run(&stage.world, 5000);
        stage.then_connect = note_recovered;
        come_back(&peer, &stage, &memory);
        remember_ids(&peer, &now);
        assert_memory_equal(&now, &memory, 42);
        peer_expect(&peer, "2[\"five\",\"");
        assert_true(has_event(&peer, "three") && has_event(&peer, "four"));
        assert_false(has_event(&peer, "one") || has_event(&peer, "two") || peer_has(&peer, "nothing"));
        assert_true(tow_socketio_is_in(stage.sockets[0], "a"));
        broadcast(&stage, "a", "six");
        peer_expect(&peer, "2[\"six\",\"");
        assert_int_equal(
            tow_hub_subscriber_count(tow_server_hub(stage.world.server), tow_slice_from("socketio/main")), 1);
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void check_is_new(struct peer *peer, struct stage *stage, const struct memory *memory) {
    struct memory now;
    come_back(peer, stage, memory);
    remember_ids(peer, &now);
    assert_memory_not_equal(now.id, memory->id, ID_LENGTH);
    assert_memory_not_equal(now.secret, memory->secret, ID_LENGTH);
    world_run(&stage->world, 50);
    assert_false(tow_socketio_was_recovered(stage->sockets[stage->socket_count - 1]));
}

static void who_comes_too_late_is_new(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct memory memory;
    stage_begin(&stage, 1, &options);
    enter(&peer, &stage, &memory);
    broadcast(&stage, NULL, "one");
    peer_expect(&peer, "2[\"one\",\"");
    remember_offset(&peer, "one", &memory);
    peer_reset(&peer);
    world_run(&stage.world, 11000);
    assert_int_equal(
        tow_hub_subscriber_count(tow_server_hub(stage.world.server), tow_slice_from("socketio/main")), 0);
    check_is_new(&peer, &stage, &memory);
    peer_close(&peer);
    stage_end(&stage);
}

static void a_wrong_secret_or_offset_is_of_no_use(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct stage stage;
        struct peer peer;
        struct memory memory;
        stage_begin(&stage, 2, &options);
        enter(&peer, &stage, &memory);
        broadcast(&stage, NULL, "one");
        peer_expect(&peer, "2[\"one\",\"");
        remember_offset(&peer, "one", &memory);
        peer_reset(&peer);
        world_run(&stage.world, 100);
        if (which == 0)
            memory.secret[0] ^= 1;
        if (which == 1)
            memory.offset[0] ^= 1;
        if (which == 2)
            strcpy(memory.offset, "nonsense");
        if (which == 3)
            memset(memory.offset, 'x', sizeof(memory.offset) - 1),
                memory.offset[sizeof(memory.offset) - 1] = '\0';
        check_is_new(&peer, &stage, &memory);
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void who_left_or_was_made_to_is_not_kept(void **state) {
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct stage stage;
        struct peer peer;
        struct memory memory;
        stage_begin(&stage, 3, &options);
        enter(&peer, &stage, &memory);
        broadcast(&stage, NULL, "one");
        peer_expect(&peer, "2[\"one\",\"");
        remember_offset(&peer, "one", &memory);
        if (which == 0)
            peer_say(&peer, "1");
        if (which == 1)
            peer_say(&peer, "nonsense");
        if (which > 1)
            tow_socketio_disconnect(stage.sockets[0], which == 3);
        world_run(&stage.world, 100);
        peer_reset(&peer);
        assert_int_equal(stage.socket_count, 0);
        check_is_new(&peer, &stage, &memory);
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void more_than_is_kept_is_not_recovered(void **state) {
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct stage stage;
        struct peer peer;
        struct memory memory;
        struct memory now;
        stage_begin(&stage, 4, &options);
        enter(&peer, &stage, &memory);
        broadcast(&stage, NULL, "one");
        peer_expect(&peer, "2[\"one\",\"");
        remember_offset(&peer, "one", &memory);
        peer_reset(&peer);
        for (int i = 0; i < 127 + extra; i++)
            broadcast(&stage, NULL, "more");
        world_run(&stage.world, 100);
        if (extra == 0)
            stage.then_connect = note_recovered;
        come_back(&peer, &stage, &memory);
        remember_ids(&peer, &now);
        assert_int_equal(memcmp(&now, &memory, 42) == 0, extra == 0);
        world_run(&stage.world, 100);
        assert_int_equal(has_event(&peer, "more"), extra == 0);
        peer_close(&peer);
        stage_end(&stage);
    }
}

static void lose_while_much_waits(struct stage *stage, struct peer *peer, struct memory *memory, int count) {
    char event[16];
    enter(peer, stage, memory);
    broadcast(stage, NULL, "first");
    remember_offset(peer, "first", memory);
    tow_stream_pause(&peer->stream);
    for (int i = 0; i < count; i++) {
        char json[2000];
        memset(json, '1', sizeof(json));
        json[sizeof(json) - 1] = '\0';
        snprintf(event, sizeof(event), "e%d", i);
        assert_int_equal(
            tow_socketio_broadcast(stage->io, NULL, event, &(tow_socketio_arguments){.json = json}), 0);
        world_run(&stage->world, 1);
    }
    peer_reset(peer);
    stage_expect(stage, "disconnect / transport");
    world_run(&stage->world, 100);
}

static void what_waited_for_who_was_slow_is_not_lost(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct memory memory;
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 1}, &flood_options, &options);
    lose_while_much_waits(&stage, &peer, &memory, 60);
    stage.then_connect = note_recovered;
    come_back(&peer, &stage, &memory);
    peer_expect(&peer, "[\"e59\",");
    peer_close(&peer);
    stage_end(&stage);
}

static void who_lost_something_before_is_not_recovered(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    struct memory memory;
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 1}, &flood_options, &options);
    flood_set_policy(&stage.world, TOW_SLOW_OLDEST);
    lose_while_much_waits(&stage, &peer, &memory, 60);
    check_is_new(&peer, &stage, &memory);
    peer_close(&peer);
    stage_end(&stage);
}

/* From behind a proxy, which says who it is. */
static void enter_from(struct peer *peer, struct stage *stage, int address, struct memory *memory) {
    char request[400];
    snprintf(request, sizeof(request), OPENING_WITH("/socket.io", "X-Forwarded-For: 10.0.0.%d\r\n"), address);
    peer_connect(peer, &stage->world);
    peer_text(peer, request);
    peer_say(peer, "0");
    peer_expect(peer, "2[\"auth\",{},\"");
    remember_ids(peer, memory);
}

static void one_address_leaves_places_for_others(void **state) {
    (void)state;
    enum { PLACES = 8, GREEDY = 12 };
    static const char *const proxies[] = {"127.0.0.1", NULL};
    struct stage stage;
    struct peer peers[GREEDY], peer, last;
    struct memory memory, greedy, none;
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 1},
        &(tow_server_options){.trusted_proxies = proxies, .status = "127.0.0.1:9999"}, &options);
    tow_socketio_away_free(stage.io->away);
    stage.io->away = tow_socketio_away_new(PLACES, tow_socketio_socket_forget);
    for (int i = 0; i < GREEDY; i++)
        enter_from(&peers[i], &stage, 1, i == 0 ? &greedy : &none);
    enter_from(&peer, &stage, 2, &memory);
    enter_from(&last, &stage, 1, &none);
    broadcast(&stage, NULL, "one");
    remember_offset(&peers[0], "one", &greedy);
    remember_offset(&peer, "one", &memory);
    remember_offset(&last, "one", &none);
    for (int i = 0; i < GREEDY; i++)
        peer_reset(&peers[i]);
    peer_reset(&peer);
    peer_reset(&last);
    world_run(&stage.world, 100);
    assert_int_equal(world_metric(&stage.world, "socketio_away"), PLACES / 2 + 1);
    stage.then_connect = note_recovered;
    come_back(&peer, &stage, &memory);
    peer_close(&peer);
    come_back(&peer, &stage, &greedy);
    stage.then_connect = NULL;
    check_is_new(&last, &stage, &none);
    peer_close(&peer);
    peer_close(&last);
    stage_end(&stage);
}

static void without_it_there_are_no_secrets_and_offsets(void **state) {
    (void)state;
    struct stage stage;
    struct peer peer;
    stage_begin(&stage, 5, NULL);
    peer_enter(&peer, &stage);
    assert_false(peer_has(&peer, "pid"));
    broadcast(&stage, NULL, "one");
    peer_expect_text(&peer, "2[\"one\"]");
    peer_close(&peer);
    stage_end(&stage);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_comes_back_is_who_it_was_and_gets_what_it_missed),
        cmocka_unit_test(who_comes_too_late_is_new),
        cmocka_unit_test(a_wrong_secret_or_offset_is_of_no_use),
        cmocka_unit_test(who_left_or_was_made_to_is_not_kept),
        cmocka_unit_test(more_than_is_kept_is_not_recovered),
        cmocka_unit_test(what_waited_for_who_was_slow_is_not_lost),
        cmocka_unit_test(who_lost_something_before_is_not_recovered),
        cmocka_unit_test(one_address_leaves_places_for_others),
        cmocka_unit_test(without_it_there_are_no_secrets_and_offsets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
