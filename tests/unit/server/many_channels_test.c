/* A socket that is subscribed to many channels: what it is given is bounded for it, not for each of them. */
#include "flood.h"

#include <towline/channel.h>

enum { SOME = 50 };

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

static void read_some(void) {
    size_t enough = peer.in.length + 16 * 1024;
    tow_stream_resume(&peer.stream);
    while (peer.in.length < enough)
        tow_loop_step(world.loop);
    tow_stream_pause(&peer.stream);
}

/* While there is more for all of them than it reads, none waits for ever. */
static void channels_take_turns(void **state) {
    (void)state;
    flood(TOW_SLOW_OLDEST);
    for (int i = 0; i < 700; i++) {
        if (i == 300) /* what all had before has come */
            peer.in.length = 0;
        read_some();
        flood_say(&world, "", SOME);
    }
    char name[64];
    for (int i = 0; i < SOME; i++) {
        flood_name(name, "", i);
        assert_true(peer_has(&peer, name));
    }
    peer_reset(&peer);
    world_end(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_nothing_is_closed),
        cmocka_unit_test(who_reads_again_gets_the_last_of_each),
        cmocka_unit_test(channels_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
