/* Channels as C programs see them (towline/channel.h). */
#include "world.h"

#include "../../../src/server/slot.h"
#include "server/channels.h"

#include <towline/channel.h>
#include <towline/error.h>

enum { SEEDS = 10 };

static struct world world;
static tow_websocket *last;
static tow_websocket_id last_id;
static bool subscribes;

static void enter(tow_websocket *socket) {
    last = socket;
    last_id = tow_websocket_identify(socket);
    if (subscribes)
        assert_int_equal(tow_channel_subscribe(socket, "news"), 0);
}

static int publish(const char *channel, const char *text) {
    return tow_channel_publish(
        world.server, channel, &(tow_publication){.data = text, .length = strlen(text)});
}

static void begin_with(uint64_t seed, const tow_server_options *options) {
    last = NULL;
    subscribes = true;
    world_make(&world, &(tow_simulation_options){.seed = seed, .whole = seed == 0}, options);
    const tow_handler handler = {.on_open = enter};
    assert_int_equal(tow_server_route(world.server, "/news", &handler), 0);
    world_listen(&world);
}

static void begin(uint64_t seed) {
    begin_with(seed, &(tow_server_options){.status = "127.0.0.1:9999"});
}

static void join(struct peer *peer) {
    peer_connect(peer, &world);
    peer_text(peer, OPENING("/news"));
    peer_expect(peer, "\r\n\r\n");
}

static void what_is_published_reaches_all_who_subscribed(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct peer peers[3] = {0};
        begin(seed);
        for (int i = 0; i < 3; i++)
            join(&peers[i]);
        assert_int_equal(tow_channel_subscribers(world.server, "news"), 3);
        assert_int_equal(publish("news", "hello"), 0);
        assert_int_equal(publish("sports", "other"), 0);
        assert_int_equal(publish("news", "world"), 0);
        for (int i = 0; i < 3; i++) {
            peer_expect(&peers[i], "\x81\x05hello\x81\x05world");
            assert_false(peer_has(&peers[i], "other"));
            peer_close(&peers[i]);
        }
        world_run(&world, 100);
        assert_int_equal(tow_channel_subscribers(world.server, "news"), 0);
        world_end(&world);
    }
}

static void a_round_goes_out_in_one_write(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(0);
    join(&peer);
    world_run(&world, 10);
    uint64_t writes = tow_loop_count(world.loop)->writes;
    for (int i = 0; i < 16; i++)
        assert_int_equal(publish("news", "0123456789"), 0);
    world_run(&world, 10);
    assert_int_equal(tow_loop_count(world.loop)->writes - writes, 1);
    assert_int_equal(peer.in.length - strcspn((char *)peer.in.data, "\x81"), 16 * 12);
    peer_close(&peer);
    world_end(&world);
}

static void a_subscription_is_gone_when_the_close_is_read(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(1);
    join(&peer);
    assert_int_equal(tow_channel_subscribers(world.server, "news"), 1);
    peer_frame(&peer, 8, "\x03\xe8", 2);
    while (tow_websocket_ready_state(last) == TOW_OPEN)
        world_run(&world, 1);
    assert_int_equal(tow_channel_subscribers(world.server, "news"), 0);
    assert_int_equal(tow_channel_subscribe(last, "news"), TOW_ERROR_CLOSED);
    peer_close(&peer);
    world_end(&world);
}

static void subscribing_twice_is_once(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(1);
    join(&peer);
    assert_int_equal(tow_channel_subscribe(last, "news"), 0);
    assert_int_equal(tow_channel_subscribe(last, "sports"), 0);
    assert_int_equal(tow_socket_subscription_count(last), 2);
    assert_int_equal(tow_channel_subscribe(last, "weather"), 0);
    assert_int_equal(tow_socket_subscription_count(last), 3);
    assert_int_equal(tow_channel_unsubscribe(last, "weather"), 0);
    assert_int_equal(tow_socket_subscription_count(last), 2);
    assert_int_equal(publish("news", "once"), 0);
    peer_expect(&peer, "\x81\x04once");
    assert_int_equal(tow_channel_unsubscribe(last, "news"), 0);
    assert_int_equal(tow_channel_unsubscribe(last, "news"), TOW_ERROR_STATE);
    assert_int_equal(publish("news", "twice"), 0);
    assert_int_equal(publish("sports", "goal"), 0);
    peer_expect(&peer, "goal");
    assert_false(peer_has(&peer, "twice"));
    peer_close(&peer);
    world_end(&world);
}

static void who_said_it_is_left_out(void **state) {
    (void)state;
    struct peer one = {0};
    struct peer two = {0};
    begin(1);
    join(&one);
    join(&two);
    const tow_publication publication = {.data = "mine", .length = 4, .leave_out = last_id};
    assert_int_equal(tow_channel_publish(world.server, "news", &publication), 0);
    assert_int_equal(publish("news", "all"), 0);
    peer_expect(&one, "\x81\x04mine\x81\x03"
                      "all");
    peer_expect(&two, "all");
    assert_false(peer_has(&two, "mine"));
    peer_close(&one);
    peer_close(&two);
    world_end(&world);
}

static void arguments_are_checked(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(1);
    join(&peer);
    const tow_publication bad = {.data = "\xff", .length = 1};
    const tow_publication none = {.length = 1};
    assert_int_equal(publish("", "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(publish("a\nb", "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(publish(NULL, "x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_publish(NULL, "news", &bad), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_publish(world.server, "news", NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_publish(world.server, "news", &bad), TOW_ERROR_UTF8);
    assert_int_equal(tow_channel_publish(world.server, "news", &none), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_subscribe(NULL, "news"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_subscribe(last, NULL), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_subscribe(last, "\x01x"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_unsubscribe(NULL, "news"), TOW_ERROR_ARGUMENT);
    assert_int_equal(tow_channel_subscribers(NULL, "news"), 0);
    assert_int_equal(tow_channel_list(NULL, "", NULL, NULL), TOW_ERROR_ARGUMENT);
    peer_close(&peer);
    world_end(&world);
}

static void nothing_is_published_before_the_server_listens(void **state) {
    (void)state;
    tow_server *server;
    assert_int_equal(tow_server_new(&server, NULL), 0);
    const tow_publication publication = {.data = "x", .length = 1};
    assert_int_equal(tow_channel_publish(server, "news", &publication), TOW_ERROR_STATE);
    tow_server_free(server);
}

static char listed[200];

static void note_channel(void *user, const char *name, size_t subscribers) {
    (void)user;
    size_t length = strlen(listed);
    snprintf(listed + length, sizeof(listed) - length, "%s=%zu ", name, subscribers);
}

static void channels_are_listed_in_order(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(1);
    join(&peer);
    assert_int_equal(tow_channel_subscribe(last, "room/b"), 0);
    assert_int_equal(tow_channel_subscribe(last, "room/a"), 0);
    assert_int_equal(tow_channel_subscribe(last, "room"), 0);
    listed[0] = '\0';
    assert_int_equal(tow_channel_list(world.server, "", note_channel, NULL), 4);
    assert_string_equal(listed, "news=1 room=1 room/a=1 room/b=1 ");
    listed[0] = '\0';
    assert_int_equal(tow_channel_list(world.server, "room/", note_channel, NULL), 2);
    assert_string_equal(listed, "room/a=1 room/b=1 ");
    peer_close(&peer);
    world_end(&world);
}

/* The peer reads nothing, so that the network takes no more. */
static void a_subscriber_that_is_too_slow_is_closed(void **state) {
    (void)state;
    struct peer fast = {0};
    begin_with(
        1, &(tow_server_options){.limits = {.high_mark = 8192, .low_mark = 4096, .stall_seconds = TOW_OFF}});
    join(&fast);
    struct peer slow = {0};
    join(&slow);
    tow_stream_pause(&slow.stream);
    char text[1000];
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 2000; i++) {
        const tow_publication publication = {.data = text, .length = sizeof(text)};
        assert_int_equal(tow_channel_publish(world.server, "news", &publication), 0);
        world_run(&world, 1);
    }
    assert_int_equal(tow_channel_subscribers(world.server, "news"), 1);
    assert_int_equal(tow_websocket_ready_state(last), TOW_CLOSING);
    world_run(&world, 1000);
    assert_true(fast.in.length > 2000 * sizeof(text));
    peer_close(&fast);
    peer_reset(&slow);
    world_end(&world);
}

static void status_counts_channels(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(1);
    join(&peer);
    assert_int_equal(publish("news", "hello"), 0);
    peer_expect(&peer, "hello");
    assert_int_equal(world_metric(&world, "channels"), 1);
    assert_int_equal(world_metric(&world, "channel_subscriptions"), 1);
    assert_int_equal(world_metric(&world, "channel_published_total"), 1);
    assert_int_equal(world_metric(&world, "channel_deliveries_total"), 1);
    peer_close(&peer);
    world_end(&world);
}

static void a_server_that_is_freed_leaves_nothing(void **state) {
    (void)state;
    struct peer peer = {0};
    begin(1);
    join(&peer);
    assert_int_equal(publish("news", "hello"), 0);
    tow_server_free(world.server);
    peer_expect_end(&peer);
    peer_reset(&peer);
    tow_timer_cancel(world.loop, &world.clock);
    tow_loop_free(world.loop);
    tow_buffer_clear(&world.log);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_published_reaches_all_who_subscribed),
        cmocka_unit_test(a_round_goes_out_in_one_write),
        cmocka_unit_test(a_subscription_is_gone_when_the_close_is_read),
        cmocka_unit_test(subscribing_twice_is_once),
        cmocka_unit_test(who_said_it_is_left_out),
        cmocka_unit_test(arguments_are_checked),
        cmocka_unit_test(nothing_is_published_before_the_server_listens),
        cmocka_unit_test(channels_are_listed_in_order),
        cmocka_unit_test(a_subscriber_that_is_too_slow_is_closed),
        cmocka_unit_test(status_counts_channels),
        cmocka_unit_test(a_server_that_is_freed_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
