/* A socket that is subscribed to many channels: what it is given is bounded for it, not for each of them. */
#include "flood.h"

#include <towline/channel.h>

static struct world world;
static struct peer peer;
static tow_websocket *last;

static void enter(tow_websocket *socket) {
    char name[64];
    last = socket;
    for (int i = 0; i < FLOOD_CHANNELS; i++) {
        flood_name(name, "", i);
        assert_int_equal(tow_channel_subscribe(socket, name), 0);
    }
}

/* The peer is there, and reads nothing. */
static void flood(tow_channel_slow slow) {
    world_make(&world, &(tow_simulation_options){.seed = 1}, &flood_options);
    flood_set_policy(&world, slow);
    assert_int_equal(tow_server_route(world.server, "/", &(tow_handler){.on_open = enter}), 0);
    world_listen(&world);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/"));
    peer_expect(&peer, "\r\n\r\n");
    tow_stream_pause(&peer.stream);
    flood_say(&world, "", FLOOD_CHANNELS);
    flood_expect_bound(&world);
}

static void who_reads_nothing_is_closed(void **state) {
    (void)state;
    flood(TOW_SLOW_ENDS);
    assert_int_equal(tow_websocket_ready_state(last), TOW_CLOSING);
    peer_reset(&peer);
    world_end(&world);
}

static void who_reads_again_gets_the_last_of_each(void **state) {
    (void)state;
    for (tow_channel_slow slow = TOW_SLOW_OLDEST; slow <= TOW_SLOW_LATEST; slow++) {
        flood(slow);
        flood_expect_last(&world, &peer, FLOOD_CHANNELS);
        peer_close(&peer);
        world_end(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_nothing_is_closed),
        cmocka_unit_test(who_reads_again_gets_the_last_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
