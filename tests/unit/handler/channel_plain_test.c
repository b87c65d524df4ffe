/* Plain WebSocket at a door to channels. */
#include "channel_world.h"

enum { SEEDS = 8 };

static const tow_channel_settings settings[] = {
    {.name = "open*", .publish = TOW_ACCESS_SAME_ORIGIN},
    {.name = "kept*", .history = 4},
    {.name = "dropping", .slow = TOW_SLOW_OLDEST, .slow_bytes = 100000},
    {.name = "shut", .subscribe = TOW_ACCESS_NOBODY},
    {.name = "token*", .subscribe = TOW_ACCESS_TOKEN},
    {0},
};

static void a_message_reaches_who_is_subscribed(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct channels channels;
        struct peer one, other, elsewhere;
        channels_begin(&channels, seed, settings, NULL, NULL);
        peer_open(&one, &channels, "/channel/a");
        peer_open(&other, &channels, "/channel/a");
        peer_open(&elsewhere, &channels, "/channel/b");
        channels_say(&channels, "a", "hello");
        peer_expect_frame(&one, 1, "hello", 5);
        peer_expect_frame(&other, 1, "hello", 5);
        assert_int_equal(tow_channel_publish(channels.world.server, "a",
                             &(tow_publication){.type = TOW_BINARY, .data = "\xff\0", .length = 2}),
            0);
        peer_expect_frame(&one, 2, "\xff\0", 2);
        assert_false(peer_has(&elsewhere, "hello"));
        peer_close(&one);
        peer_close(&other);
        peer_close(&elsewhere);
        channels_end(&channels);
    }
}

static void the_path_says_which_channel(void **state) {
    (void)state;
    static const struct {
        const char *target, *channel;
    } paths[] = {{"/channel/a/b", "a/b"}, {"/channel/a%2Fb", "a/b"}, {"/channel/%C3%A9", "\xc3\xa9"},
        {"/channel/a+b", "a+b"}, {"/channel/a%2520b", "a%20b"}, {"/one", "one"}, {"/channel/a?x=y", "a"}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct channels channels;
        struct peer peer;
        channels_begin(&channels, i, NULL, NULL, NULL);
        peer_open(&peer, &channels, paths[i].target);
        channels_say(&channels, paths[i].channel, "hello");
        peer_expect_frame(&peer, 1, "hello", 5);
        peer_close(&peer);
        channels_end(&channels);
    }
}

static void refused(const char *target, const char *status) {
    struct channels channels;
    struct peer peer;
    char request[1200];
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_connect(&peer, &channels.world);
    snprintf(request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        target);
    peer_text(&peer, request);
    peer_expect(&peer, status);
    peer_close(&peer);
    channels_end(&channels);
}

static void what_is_no_name_is_refused(void **state) {
    (void)state;
    refused("/channel/%00", "HTTP/1.1 400 ");
    refused("/channel/%FF", "HTTP/1.1 400 ");
    refused("/channel/%1", "HTTP/1.1 400 ");
    refused("/channel/%C2%80", "HTTP/1.1 400 ");
    refused("/channel/%01pusher", "HTTP/1.1 400 ");
}

static void names_have_a_length(void **state) {
    (void)state;
    char target[300] = "/channel/";
    memset(target + 9, 'a', 201);
    refused(target, "HTTP/1.1 400 ");
    target[9 + 200] = '\0';
    refused(target, "HTTP/1.1 101 ");
    target[9 + 199] = '\0';
    refused(target, "HTTP/1.1 101 ");
}

static void who_may_not_subscribe_is_refused(void **state) {
    (void)state;
    refused("/channel/shut", "HTTP/1.1 403 ");
    refused("/channel/token", "HTTP/1.1 403 ");
    refused("/channel/private-a", "HTTP/1.1 403 ");
    refused("/channel/x/presence-a", "HTTP/1.1 403 ");
    refused("/channel/private-a/b", "HTTP/1.1 403 ");
    refused("/channel/my-private-a", "HTTP/1.1 101 ");
}

static void without_leave_a_message_closes(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer, other;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_open(&other, &channels, "/channel/a");
    peer_open(&peer, &channels, "/channel/a");
    peer_say(&peer, "hello");
    peer_expect_close(&peer, 1008, "publishing is not allowed here");
    world_run(&channels.world, 100);
    assert_false(peer_has(&other, "hello"));
    assert_int_equal(tow_channel_subscribers(channels.world.server, "a"), 1);
    peer_close(&peer);
    peer_close(&other);
    channels_end(&channels);
}

static void with_leave_a_message_is_published(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct channels channels;
        struct peer peer, other;
        channels_begin(&channels, seed, settings, NULL, NULL);
        peer_open(&other, &channels, "/channel/open");
        peer_open(&peer, &channels, "/channel/open");
        peer_say(&peer, "hello");
        peer_expect_frame(&other, 1, "hello", 5);
        peer_expect_frame(&peer, 1, "hello", 5);
        peer_frame(&peer, 2, "\xfe", 1);
        peer_expect_frame(&other, 2, "\xfe", 1);
        peer_close(&peer);
        peer_close(&other);
        channels_end(&channels);
    }
}

static void who_wants_no_echo_gets_none(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer, other;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_open(&other, &channels, "/channel/open");
    peer_open(&peer, &channels, "/channel/open?echo=false");
    peer_say(&peer, "hello");
    peer_expect_frame(&other, 1, "hello", 5);
    world_run(&channels.world, 100);
    assert_false(peer_has(&peer, "hello"));
    peer_close(&peer);
    peer_close(&other);
    channels_end(&channels);
}

static void no_path_without_a_name_is_for_plain_sockets(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, NULL, NULL, NULL);
    peer_open(&peer, &channels, "/channel/");
    peer_expect_close(&peer, 1008, "the path names no channel: that is for towline.v1");
    peer_close(&peer);
    channels_end(&channels);
}

/* Of ten messages four are kept: from each position on all that came after it, or that it is gone. */
static void who_comes_back_gets_what_it_missed(void **state) {
    (void)state;
    for (unsigned seen = 0; seen <= 10; seen++) {
        struct channels channels;
        struct peer peer, watcher;
        char position[64], target[100], text[2] = "0";
        channels_begin(&channels, seen, settings, NULL, NULL);
        peer_open(&watcher, &channels, "/channel/kept");
        for (unsigned i = 1; i <= 10; i++) {
            text[0] = (char)('0' + i % 10);
            channels_say(&channels, "kept", text);
        }
        channels_position(&channels, "kept", position);
        snprintf(target, sizeof(target), "/channel/kept?since=%.11s:%u", position, seen);
        peer_open(&peer, &channels, target);
        if (seen < 6) {
            snprintf(text, sizeof(text), "x");
            char reason[100];
            snprintf(reason, sizeof(reason), "gone, now at %.11s:10", position);
            peer_expect_close(&peer, 4410, reason);
        } else {
            for (unsigned i = seen + 1; i <= 10; i++) {
                text[0] = (char)('0' + i % 10);
                peer_expect_frame(&peer, 1, text, 1);
            }
            channels_say(&channels, "kept", "new");
            peer_expect_frame(&peer, 1, "new", 3);
        }
        peer_close(&peer);
        peer_close(&watcher);
        channels_end(&channels);
    }
}

static void a_wrong_position_is_refused(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_open(&peer, &channels, "/channel/kept?since=abc");
    peer_expect_close(&peer, 1008, "since: a position such as EPOCH:NUMBER");
    peer_close(&peer);
    peer_open(&peer, &channels, "/channel/kept?since=AAAAAAAAAAB:1");
    peer_expect(&peer, "gone, now at ");
    peer_close(&peer);
    channels_end(&channels);
}

/* Of a peer that does not read the oldest are dropped: it is told where it has asked for that. */
static void who_asks_for_it_is_told_of_a_gap(void **state) {
    (void)state;
    static char text[2000];
    static const char *const targets[] = {"/channel/dropping", "/channel/dropping?gap=close"};
    memset(text, 'x', sizeof(text) - 1);
    for (size_t i = 0; i < 2; i++) {
        struct channels channels;
        struct peer peer;
        channels_begin(&channels, i, settings, NULL, NULL);
        peer_open(&peer, &channels, targets[i]);
        tow_stream_pause(&peer.stream);
        for (unsigned j = 0; j < 400; j++) {
            channels_say(&channels, "dropping", text);
            world_run(&channels.world, 5);
        }
        channels_say(&channels, "dropping", "last");
        tow_stream_resume(&peer.stream);
        if (i == 0)
            peer_expect_frame(&peer, 1, "last", 4);
        else
            peer_expect_close(&peer, 4410, "messages are missing");
        peer_close(&peer);
        channels_end(&channels);
    }
}

static void other_rules_hold_for_who_is_there(void **state) {
    (void)state;
    static const tow_channel_settings nobody[] = {{.name = "*", .subscribe = TOW_ACCESS_NOBODY}, {0}};
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, NULL, NULL, NULL);
    peer_open(&peer, &channels, "/channel/a");
    channels_set(&channels, nobody);
    peer_expect(&peer, "\x88");
    assert_true(memmem(peer.in.data, peer.in.length, "\x03\xf0", 2) != NULL); /* 1008 */
    peer_close(&peer);
    channels_end(&channels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_reaches_who_is_subscribed),
        cmocka_unit_test(the_path_says_which_channel),
        cmocka_unit_test(what_is_no_name_is_refused),
        cmocka_unit_test(names_have_a_length),
        cmocka_unit_test(who_may_not_subscribe_is_refused),
        cmocka_unit_test(without_leave_a_message_closes),
        cmocka_unit_test(with_leave_a_message_is_published),
        cmocka_unit_test(who_wants_no_echo_gets_none),
        cmocka_unit_test(no_path_without_a_name_is_for_plain_sockets),
        cmocka_unit_test(who_comes_back_gets_what_it_missed),
        cmocka_unit_test(a_wrong_position_is_refused),
        cmocka_unit_test(who_asks_for_it_is_told_of_a_gap),
        cmocka_unit_test(other_rules_hold_for_who_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
