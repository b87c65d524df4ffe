/* Doors to channels when memory runs out: at each allocation in turn, whatever happens to the client, nothing
 * is left of it, and the next one is served. */
#include "../allocation.h"
#include "channel_world.h"

static const tow_channel_settings settings[] = {
    {.name = "room", .publish = TOW_ACCESS_SAME_ORIGIN, .presence = true, .history = 4}, {0}};

static struct channels channels;
static struct peer peer;

static void publish(const char *text) {
    (void)tow_channel_publish(
        channels.world.server, "room", &(tow_publication){.data = text, .length = strlen(text)});
}

/* The test's own memory is there. */
static void make_room(void) {
    assert_int_equal(tow_buffer_reserve(&peer.in, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&peer.out, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&channels.world.log, 100000), 0);
}

static void be_plain(void) {
    peer_text(&peer, OPENING("/channel/room"));
    world_run(&channels.world, 20);
    peer_frame(&peer, 1, "hello", 5);
}

static void talk(void) {
    peer_text(&peer, OPENING_WITH("/channel/room", "Sec-WebSocket-Protocol: towline.v1\r\n"));
    world_run(&channels.world, 20);
    peer_say(&peer, "{\"type\":\"publish\",\"id\":1,\"channel\":\"room\",\"data\":\"a\"}");
    peer_say(&peer, "{\"type\":\"subscribe\",\"id\":2,\"channel\":\"b\"}");
    world_run(&channels.world, 20);
    peer_say(&peer, "{\"type\":\"history\",\"id\":3,\"channel\":\"room\"}");
    peer_say(&peer, "{\"type\":\"presence\",\"id\":4,\"channel\":\"room\"}");
    peer_say(&peer, "{\"type\":\"unsubscribe\",\"id\":5,\"channel\":\"b\"}");
}

static void listen_to_events(void) {
    peer_text(&peer, "GET /channel/room HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n");
}

static void poll(void) {
    peer_text(&peer, "GET /channel/room?last=2 HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

static void (*const ways[])(void) = {be_plain, talk, listen_to_events, poll};

static bool converse(void (*way)(void), size_t number) {
    channels_begin(&channels, number, settings, NULL, NULL);
    publish("before");
    peer_connect(&peer, &channels.world);
    make_room();
    world_run(&channels.world, 20);
    allocation_fail_at(number);
    way();
    world_run(&channels.world, 20);
    publish("one");
    publish("two");
    world_run(&channels.world, 20);
    bool reached = allocation_count() >= number;
    allocation_fail_at(0);
    peer_close(&peer);
    world_run(&channels.world, 100);
    peer_open(&peer, &channels, "/channel/room");
    channels_say(&channels, "room", "after");
    peer_expect_frame(&peer, 1, "after", 5);
    peer_close(&peer);
    channels_end(&channels);
    return reached;
}

static void each_allocation_may_fail(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        long before = allocation_outstanding();
        size_t number = 1;
        for (; converse(ways[i], number); number++)
            assert_int_equal(allocation_outstanding(), before);
        assert_true(number > 5);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
