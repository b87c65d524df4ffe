/* The tunnel when memory runs out: at each allocation in turn, whatever happens to the connection, nothing is
 * left of it. */
#include "../allocation.h"
#include "../server/world.h"

#include "handler/tunnel.h"

#include <stdlib.h>
#include <towline/error.h>
#include <towline/stream.h>

static void echo(tow_byte_stream *stream, void *bytes, size_t length) {
    tow_byte_stream_write(stream, &(tow_bytes){bytes, length}, 1);
}

static void leave(tow_byte_stream *stream) {
    tow_byte_stream_close(stream);
}

static void leave_broken(tow_byte_stream *stream, int error, const char *text) {
    tow_byte_stream_close(stream);
}

static void accepted(tow_byte_listener *listener, tow_byte_stream *stream) {
}

static const tow_byte_stream_options target = {.on_bytes = echo, .on_end = leave, .on_error = leave_broken};

static bool converse(size_t number) {
    struct world world;
    struct peer peer;
    tow_tunnel *tunnel;
    tow_byte_listener *listener;
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_tunnel_options options = {.target = "tcp:127.0.0.1:7000", .send_proxy = 2};
    world_make(&world, &(tow_simulation_options){.seed = number}, &(tow_server_options){0});
    assert_int_equal(tow_tunnel_new(&tunnel, &options, why), 0);
    tow_handler handler = tow_tunnel_handler(tunnel);
    assert_int_equal(tow_server_route(world.server, "/", &handler), 0);
    assert_int_equal(tow_byte_listener_new(&listener, world.loop, "127.0.0.1:7000", accepted, &target), 0);
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/"));
    /* the test's own memory is there */
    assert_int_equal(tow_buffer_reserve(&peer.in, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&peer.out, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&world.log, 100000), 0);
    allocation_fail_at(number);
    for (int i = 0; i < 5; i++) {
        peer_frame(&peer, 2, "hello", 5);
        world_run(&world, 20);
    }
    bool reached = allocation_count() >= number;
    allocation_fail_at(0);
    peer_close(&peer);
    world_run(&world, 3000);
    tow_byte_listener_free(listener);
    world_end(&world);
    tow_tunnel_free(tunnel);
    return reached;
}

static void each_allocation_may_fail(void **state) {
    long before = allocation_outstanding();
    size_t number = 1;
    while (converse(number)) {
        assert_int_equal(allocation_outstanding(), before);
        number++;
    }
    assert_true(number > 5);
    assert_int_equal(allocation_outstanding(), before);
}

static void a_tunnel_is_made_whole_or_not_at_all(void **state) {
    char why[TOW_HANDLER_TEXT_MAX];
    long before = allocation_outstanding();
    const tow_tunnel_options options = {.map = "/dev/null"};
    for (size_t number = 1;; number++) {
        tow_tunnel *tunnel = NULL;
        allocation_fail_at(number);
        int error = tow_tunnel_new(&tunnel, &options, why);
        bool reached = allocation_count() >= number;
        allocation_fail_at(0);
        tow_tunnel_free(tunnel);
        assert_int_equal(allocation_outstanding(), before);
        assert_int_equal(error, reached ? TOW_ERROR_MEMORY : 0);
        if (!reached)
            return;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_tunnel_is_made_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
