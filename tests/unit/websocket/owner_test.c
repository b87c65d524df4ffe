/* What owns a socket is asked through the behaviour, wherever the socket lies in it. */
#include "world.h"

typedef struct holder {
    char before[40];
    int abandoned, freed;
    tow_websocket socket; /* not first */
} holder;

static holder *holder_of(const tow_websocket *socket) {
    return (holder *)((uintptr_t)socket - offsetof(holder, socket));
}

static tow_websocket_id identify(const tow_websocket *socket) {
    return (tow_websocket_id)holder_of(socket)->before[0];
}

static const tow_request *request(const tow_websocket *socket) {
    return (const tow_request *)(const void *)holder_of(socket)->before;
}

static int peer(const tow_websocket *socket, char *text, size_t size) {
    return snprintf(text, size, "%s", holder_of(socket)->before + 1) < (int)size ? 0 : TOW_ERROR_ARGUMENT;
}

static void abandon(tow_websocket *socket) {
    holder_of(socket)->abandoned++;
}

static void free_holder(tow_websocket *socket) {
    holder_of(socket)->freed++;
}

static const tow_socket_owner owner = {
    .identify = identify, .request = request, .peer = peer, .abandon = abandon, .free = free_holder};

static void the_owner_answers_for_its_socket(void **state) {
    static const tow_behaviour behaviour = {.role = TOW_ROLE_CLIENT, .owner = &owner};
    holder it = {.before = "7a name", .socket.behaviour = &behaviour};
    char text[16];
    assert_int_equal(tow_websocket_identify(&it.socket), '7');
    assert_ptr_equal(tow_websocket_request(&it.socket), it.before);
    assert_int_equal(tow_websocket_peer(&it.socket, text, sizeof(text)), 0);
    assert_string_equal(text, "a name");
    assert_int_equal(tow_websocket_peer(&it.socket, text, 6), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_websocket_close(&it.socket, 0, NULL), 0); /* CONNECTING */
    assert_int_equal(it.abandoned, 1);
    tow_websocket_free(&it.socket);
    assert_int_equal(it.freed, 1);
}

static void an_owner_may_say_nothing(void **state) {
    static const tow_socket_owner silent;
    static const tow_behaviour behaviours[] = {{.role = TOW_ROLE_SERVER, .owner = &silent}, {0}};
    for (size_t i = 0; i < 2; i++) {
        tow_websocket socket = {.behaviour = &behaviours[i]};
        assert_int_equal(tow_websocket_identify(&socket), 0);
        assert_null(tow_websocket_request(&socket));
        assert_int_equal(tow_websocket_close(&socket, 0, NULL), 0);
        tow_websocket_free(&socket);
    }
    assert_int_equal(tow_websocket_identify(NULL), 0);
    assert_null(tow_websocket_request(NULL));
    tow_websocket_free(NULL);
}

static void the_peer_of_a_socket_is_its_streams_where_the_owner_says_nothing(void **state) {
    test_world world = {.simulation.whole = true};
    world_open(&world);
    world_connect_peer(&world);
    char said[64];
    char streams[64];
    assert_int_equal(tow_websocket_peer(&world.server.socket, said, sizeof(said)), 0);
    assert_int_equal(tow_stream_peer_text(&world.server.socket.stream, streams, sizeof(streams)), 0);
    assert_string_equal(said, streams);
    world_close(&world);
}

/* A server's socket is the library's. */
static void a_socket_that_goes_by_itself_is_not_freed(void **state) {
    test_world world = {.simulation.whole = true, .server.echoes = true};
    world_open(&world);
    world_connect_peer(&world);
    tow_websocket_free(&world.server.socket);
    peer_frame(&world.peer, 0x82, "abc", 3);
    world_until(&world, peer_payload_bytes(&world.peer) == 3);
    assert_int_equal(tow_websocket_ready_state(&world.server.socket), TOW_OPEN);
    world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_answers_for_its_socket),
        cmocka_unit_test(an_owner_may_say_nothing),
        cmocka_unit_test(the_peer_of_a_socket_is_its_streams_where_the_owner_says_nothing),
        cmocka_unit_test(a_socket_that_goes_by_itself_is_not_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
