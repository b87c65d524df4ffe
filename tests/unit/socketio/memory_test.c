#include "stage.h"

#include "../allocation.h"

/* An application that takes what it gets, and counts. */

static int connects;
static int disconnects;
static tow_socketio_socket *latest;

static void welcome(tow_socketio_socket *socket, const tow_socketio_arguments *auth) {
    (void)auth;
    if (tow_socketio_join(socket, "a") != 0)
        return; /* then it is not in, or in without the room: on_disconnect tells */
    latest = socket;
    connects++;
}

static void leave(tow_socketio_socket *socket, tow_socketio_reason reason) {
    (void)reason;
    if (socket == latest) {
        latest = NULL;
        disconnects++;
    }
}

static void answer(tow_socketio_socket *socket, const tow_socketio_event *event) {
    tow_socketio_acknowledge(socket, event->ack, &event->arguments);
    tow_socketio_emit(socket, "back", &event->arguments);
    tow_socketio_to(socket, "a", "to", &event->arguments);
    tow_socketio_emit_with_ack(socket, "ask", NULL, &(tow_socketio_wait){0});
}

static const tow_socketio_listener listeners[] = {{"event", answer}, {0}};

/* What the test itself needs is there before allocations begin to fail. */
static void prepare(struct peer *peer, struct world *world) {
    peer_connect(peer, world);
    assert_int_equal(tow_buffer_reserve(&peer->in, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&peer->out, 10000), 0);
    assert_int_equal(tow_buffer_reserve(&world->log, 100000), 0);
    peer_text(peer, OPENING("/socket.io"));
    peer_expect(peer, "\r\n\r\n");
}

static void converse(struct peer *peer, struct world *world, tow_socketio *io) {
    static const char *const said[] = {
        "0", "21[\"event\",1e400]", "51-2[\"event\",{\"_placeholder\":true,\"num\":0}]"};
    for (size_t i = 0; i < 3 && peer->used && !peer->failed; i++) {
        peer_say(peer, said[i]);
        if (i == 2)
            peer_bytes(peer, "bytes", 5);
        world_run(world, 10);
    }
    int error = tow_socketio_broadcast(
        io, &(tow_socketio_target){.room = "a"}, "room", &(tow_socketio_arguments){.json = "1,2"});
    assert_true(error == 0 || error == TOW_ERROR_MEMORY);
    world_run(world, 10);
}

/* Whether the allocation was reached. */
static bool play(size_t failing, int recovery_seconds) {
    struct world world;
    struct peer peer;
    tow_socketio *io;
    world_make(&world, &(tow_simulation_options){.seed = failing}, &(tow_server_options){0});
    assert_int_equal(
        tow_socketio_new(&io, world.server, &(tow_socketio_options){.recovery_seconds = recovery_seconds}),
        0);
    assert_int_equal(
        tow_socketio_namespace(io, "/",
            &(tow_socketio_handler){.on_connect = welcome, .listeners = listeners, .on_disconnect = leave}),
        0);
    world_listen(&world);
    prepare(&peer, &world);
    allocation_fail_at(failing);
    converse(&peer, &world, io);
    bool reached = allocation_count() >= failing;
    allocation_fail_at(0);
    if (!reached)
        assert_true(peer_has(&peer, "61-2[") && peer_has(&peer, "[\"room\",1,2"));
    peer_reset(&peer);
    world_run(&world, 2000);
    assert_int_equal(connects, disconnects);
    world_end(&world);
    tow_socketio_free(io);
    return reached;
}

static void a_conversation_survives_each_failure(void **state) {
    (void)state;
    for (int recovery = 0; recovery < 2; recovery++) {
        long before = allocation_outstanding();
        size_t failing = 1;
        while (play(failing, recovery))
            failing++;
        assert_true(failing > 20);
        assert_int_equal(allocation_outstanding(), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_conversation_survives_each_failure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
