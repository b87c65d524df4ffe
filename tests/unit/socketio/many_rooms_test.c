/* A socket that is in many rooms: what its connection is given is bounded for all of them together. */
#include "stage.h"

#include "../server/flood.h"

#define PREFIX "socketio/main/"

static struct stage stage;
static struct peer peer;

static void enter_all(tow_socketio_socket *socket) {
    char name[64];
    for (int i = 0; i < FLOOD_CHANNELS; i++) {
        flood_name(name, "", i);
        assert_int_equal(tow_socketio_join(socket, name), 0);
    }
}

/* The peer is in all of the rooms, and reads nothing. */
static void flood(tow_channel_slow slow) {
    stage_begin_with(&stage, &(tow_simulation_options){.seed = 1}, &flood_options, NULL);
    flood_set_policy(&stage.world, slow);
    peer_enter(&peer, &stage);
    enter_all(stage.sockets[0]);
    tow_stream_pause(&peer.stream);
    flood_say(&stage.world, PREFIX, FLOOD_CHANNELS);
    flood_expect_bound(&stage.world);
}

static void who_reads_nothing_is_closed(void **state) {
    (void)state;
    flood(TOW_SLOW_ENDS);
    assert_true(stage_heard(&stage, "disconnect / transport"));
    tow_stream_resume(&peer.stream);
    peer_expect_close(&peer, 1008);
    peer_close(&peer);
    stage_end(&stage);
}

static void who_reads_again_gets_the_last_of_each(void **state) {
    (void)state;
    for (tow_channel_slow slow = TOW_SLOW_OLDEST; slow <= TOW_SLOW_LATEST; slow++) {
        flood(slow);
        flood_expect_last(&stage.world, &peer, FLOOD_CHANNELS);
        peer_close(&peer);
        stage_end(&stage);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_nothing_is_closed),
        cmocka_unit_test(who_reads_again_gets_the_last_of_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
