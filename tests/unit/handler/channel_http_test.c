/* Event streams and polls at a door to channels. */
#include "channel_world.h"

#include "transport/address.h"

enum { SEEDS = 8 };

#define EVENTS "Accept: text/event-stream\r\n"

static const tow_channel_settings settings[] = {
    {.name = "kept*", .history = 4},
    {.name = "shut", .subscribe = TOW_ACCESS_NOBODY},
    {.name = "slow", .slow_bytes = 100000},
    {.name = "dropping", .slow = TOW_SLOW_OLDEST, .slow_bytes = 100000},
    {0},
};

/* Event streams. */

static void a_stream_has_what_is_published(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct channels channels;
        struct peer peer;
        channels_begin(&channels, seed, settings, NULL, NULL);
        peer_request(&peer, &channels, "/channel/a", EVENTS);
        peer_expect(&peer, "\nid: ");
        assert_true(peer_has(&peer, "Content-Type: text/event-stream\r\n"));
        assert_true(peer_has(&peer, "Cache-Control: no-store\r\n"));
        channels_say(&channels, "a", "one\ntwo\r\nthree\rfour\n");
        peer_expect(&peer, ":1\ndata: one\ndata: two\ndata: three\ndata: four\ndata: \n\n");
        assert_int_equal(tow_channel_publish(channels.world.server, "a",
                             &(tow_publication){.event = "x\ny", .data = "d", .length = 1}),
            0);
        peer_expect(&peer, ":2\nevent: x y\ndata: d\n\n");
        assert_int_equal(tow_channel_publish(channels.world.server, "a",
                             &(tow_publication){.type = TOW_BINARY, .data = "\xff\0", .length = 2}),
            0);
        peer_expect(&peer, ":3\nevent: message;base64\ndata: /wA=\n\n");
        channels_say(&channels, "a", "");
        peer_expect(&peer, ":4\ndata: \n\n");
        peer_close(&peer);
        world_run(&channels.world, 100);
        assert_int_equal(tow_channel_subscribers(channels.world.server, "a"), 0);
        channels_end(&channels);
    }
}

static void what_only_the_server_says_is_no_name_of_an_event(void **state) {
    (void)state;
    static const char *const names[] = {"towline.gap", "towline.ended", "towline.", ";base64", "x;base64"};
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_request(&peer, &channels, "/channel/a", EVENTS);
    peer_expect(&peer, "\nid: ");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char expected[40];
        assert_int_equal(tow_channel_publish(channels.world.server, "a",
                             &(tow_publication){.event = names[i], .data = "d", .length = 1}),
            0);
        snprintf(expected, sizeof(expected), ":%zu\ndata: d\n\n", i + 1);
        peer_expect(&peer, expected);
    }
    peer_close(&peer);
    channels_end(&channels);
}

/* Where the epoch of what was received last stands. */
static void epoch_of(struct peer *peer, char out[12]) {
    peer_expect(peer, ":0\n\n"); /* all of it has come */
    const char *found = strstr((const char *)peer->in.data, "\nid: ");
    assert_non_null(found);
    memcpy(out, found + 5, 11);
    out[11] = '\0';
}

static void a_stream_goes_on_where_it_was(void **state) {
    (void)state;
    for (unsigned seen = 0; seen <= 10; seen++) {
        struct channels channels;
        struct peer peer;
        char epoch[12], fields[100], expected[60];
        channels_begin(&channels, seen, settings, NULL, NULL);
        peer_request(&peer, &channels, "/channel/kept", EVENTS);
        peer_expect(&peer, "\nid: ");
        epoch_of(&peer, epoch);
        peer_close(&peer);
        for (unsigned i = 1; i <= 10; i++)
            channels_say(&channels, "kept", "x");
        snprintf(fields, sizeof(fields), EVENTS "Last-Event-ID: %s:%u\r\n", epoch, seen);
        peer_request(&peer, &channels, "/channel/kept", fields);
        snprintf(expected, sizeof(expected), "id: %s:10\n", epoch);
        peer_expect(&peer, expected);
        world_run(&channels.world, 50);
        assert_int_equal(peer_has(&peer, "event: towline.gap\n"), seen < 6);
        assert_int_equal(peer_count(&peer, "data: x\n"), seen < 6 ? 4 : 10 - seen);
        peer_close(&peer);
        channels_end(&channels);
    }
}

static void a_quiet_stream_has_comments(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_request(&peer, &channels, "/channel/a", EVENTS);
    peer_expect(&peer, "\nid: ");
    world_run(&channels.world, 14000);
    assert_int_equal(peer_count(&peer, "\n:\n\n"), 0);
    world_run(&channels.world, 2000);
    assert_int_equal(peer_count(&peer, ":\n\n"), 1);
    world_run(&channels.world, 15000);
    assert_int_equal(peer_count(&peer, ":\n\n"), 2);
    peer_close(&peer);
    channels_end(&channels);
}

static void a_stream_ends_when_the_server_does(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_request(&peer, &channels, "/channel/a", EVENTS);
    peer_expect(&peer, "\nid: ");
    tow_server_stop(channels.world.server);
    peer_expect_end(&peer);
    assert_true(peer_has(&peer, "\r\n0\r\n\r\n"));
    peer_close(&peer);
    channels_end(&channels);
}

/* Who takes nothing costs what may wait, and no more. */
static void a_stream_that_is_not_read_ends(void **state) {
    (void)state;
    static char text[2000];
    struct channels channels;
    struct peer peer, other;
    memset(text, 'x', sizeof(text) - 1);
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_request(&peer, &channels, "/channel/slow", EVENTS);
    peer_request(&other, &channels, "/channel/slow", EVENTS);
    peer_expect(&peer, "\nid: ");
    peer_expect(&other, "\nid: ");
    tow_stream_pause(&peer.stream);
    for (unsigned i = 0; i < 400; i++) {
        channels_say(&channels, "slow", text);
        world_run(&channels.world, 5);
    }
    assert_int_equal(tow_channel_subscribers(channels.world.server, "slow"), 1);
    assert_int_equal(peer_count(&other, "\nid: "), 401);
    tow_stream_resume(&peer.stream);
    peer_expect(&peer, "event: towline.ended\ndata: {\"code\":\"slow\"}\n\n");
    peer_close(&peer);
    peer_close(&other);
    channels_end(&channels);
}

static void where_the_oldest_are_dropped_a_stream_is_told(void **state) {
    (void)state;
    static char text[2000];
    struct channels channels;
    struct peer peer;
    memset(text, 'x', sizeof(text) - 1);
    channels_begin(&channels, 1, settings, NULL, NULL);
    peer_request(&peer, &channels, "/channel/dropping", EVENTS);
    peer_expect(&peer, "\nid: ");
    tow_stream_pause(&peer.stream);
    for (unsigned i = 0; i < 400; i++) {
        channels_say(&channels, "dropping", text);
        world_run(&channels.world, 5);
    }
    channels_say(&channels, "dropping", "last");
    tow_stream_resume(&peer.stream);
    peer_expect(&peer, "data: last\n");
    assert_int_equal(peer_count(&peer, "event: towline.gap\n"), 1);
    assert_true(peer_count(&peer, "data: xxx") < 400);
    peer_close(&peer);
    channels_end(&channels);
}

/* Polls. */

static void a_poll_tells_where_it_is(void **state) {
    (void)state;
    struct channels channels;
    char position[64];
    channels_begin(&channels, 1, settings, NULL, NULL);
    channels_position(&channels, "a", position);
    assert_string_equal(position + 11, ":0");
    channels_say(&channels, "kept", "x");
    channels_position(&channels, "kept", position);
    assert_string_equal(position + 11, ":1");
    channels_end(&channels);
}

static void a_poll_waits_for_what_comes(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct channels channels;
        struct peer peer;
        char position[64], target[120], expected[200];
        channels_begin(&channels, seed, settings, NULL, NULL);
        channels_position(&channels, "kept", position);
        snprintf(target, sizeof(target), "/channel/kept?since=%s", position);
        peer_request(&peer, &channels, target, "");
        world_run(&channels.world, 20000);
        assert_int_equal(peer.in.length, 0);
        channels_say(&channels, "kept", "a\"b");
        peer_expect(&peer, "]}\n");
        snprintf(expected, sizeof(expected),
            "{\"position\":\"%.11s:1\",\"whole\":true,\"messages\":[{\"type\":\"message\",\"channel\":"
            "\"kept\","
            "\"event\":\"message\",\"data\":\"a\\\"b\",\"position\":\"%.11s:1\",\"time\":",
            position, position);
        assert_true(peer_has(&peer, expected));
        assert_true(peer_has(&peer, "Content-Type: application/json\r\n"));
        peer_close(&peer);
        channels_end(&channels);
    }
}

static void a_poll_has_all_that_was_missed(void **state) {
    (void)state;
    for (unsigned seen = 0; seen <= 10; seen++) {
        struct channels channels;
        struct peer peer;
        char position[64], target[120];
        channels_begin(&channels, seen, settings, NULL, NULL);
        channels_position(&channels, "kept", position);
        for (unsigned i = 1; i <= 10; i++)
            channels_say(&channels, "kept", "x");
        snprintf(target, sizeof(target), "/channel/kept?since=%.11s:%u&wait=1", position, seen);
        peer_request(&peer, &channels, target, "");
        peer_expect(&peer, "]}\n");
        assert_int_equal(peer_count(&peer, "\"data\":\"x\""), seen < 6 ? 4 : 10 - seen);
        assert_int_equal(peer_has(&peer, "\"whole\":true"), seen >= 6);
        assert_true(peer_has(&peer, ":10\",\"whole\""));
        peer_close(&peer);
        channels_end(&channels);
    }
}

static void a_poll_ends_when_its_time_is_over(void **state) {
    (void)state;
    static const struct {
        const char *query;
        int milliseconds;
    } waits[] = {{"", 25000}, {"&wait=0", 0}, {"&wait=1", 1000}, {"&wait=60", 60000}};
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        struct channels channels;
        struct peer peer;
        char position[64], target[120];
        channels_begin(&channels, i, settings, NULL, NULL);
        channels_position(&channels, "a", position);
        snprintf(target, sizeof(target), "/channel/a?since=%s%s", position, waits[i].query);
        peer_request(&peer, &channels, target, "");
        if (waits[i].milliseconds > 0) {
            world_run(&channels.world, waits[i].milliseconds - 500);
            assert_int_equal(peer.in.length, 0);
        }
        peer_expect(&peer, ":0\",\"whole\":true,\"messages\":[]}\n");
        assert_int_equal(tow_channel_subscribers(channels.world.server, "a"), 0);
        peer_close(&peer);
        channels_end(&channels);
    }
}

static void the_last_messages_can_be_asked_for(void **state) {
    (void)state;
    struct channels channels;
    struct peer peer;
    channels_begin(&channels, 1, settings, NULL, NULL);
    channels_say(&channels, "kept", "one");
    channels_say(&channels, "kept", "two");
    channels_say(&channels, "kept", "three");
    peer_request(&peer, &channels, "/channel/kept?last=2", "");
    peer_expect(&peer, "]}\n");
    assert_false(peer_has(&peer, "one"));
    assert_true(peer_has(&peer, "\"two\""));
    assert_true(peer_has(&peer, "\"three\""));
    peer_close(&peer);
    channels_end(&channels);
}

static void answers(const char *method, const char *target, const char *fields, const char *expected) {
    struct channels channels;
    struct peer peer;
    char request[1000];
    static const char *const origins[] = {"https://friend.example", NULL};
    channels_begin(&channels, 1, settings, NULL, &(tow_server_options){.allow_origins = origins});
    snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, target, fields);
    peer_connect(&peer, &channels.world);
    peer_text(&peer, request);
    peer_expect(&peer, expected);
    peer_close(&peer);
    channels_end(&channels);
}

static void what_is_wrong_is_refused(void **state) {
    (void)state;
    answers("GET", "/channel/a?since=x", "", "HTTP/1.1 400 ");
    answers("GET", "/channel/a?since=x", EVENTS, "HTTP/1.1 400 ");
    answers("GET", "/channel/a", EVENTS "Last-Event-ID: x\r\n", "HTTP/1.1 400 ");
    answers("GET", "/channel/a?wait=61", "", "HTTP/1.1 400 ");
    answers("GET", "/channel/a?wait=-1", "", "HTTP/1.1 400 ");
    answers("GET", "/channel/a?wait=", "", "HTTP/1.1 400 ");
    answers("GET", "/channel/a?last=1001", "", "HTTP/1.1 400 ");
    answers("GET", "/channel/a?last=1000", "", "HTTP/1.1 200 ");
    answers("GET", "/channel/%FF", "", "HTTP/1.1 400 ");
    answers("GET", "/channel/", "", "HTTP/1.1 404 ");
    answers("GET", "/channel/shut", "", "HTTP/1.1 403 ");
    answers("GET", "/channel/shut", EVENTS, "HTTP/1.1 403 ");
    answers("GET", "/channel/private-a", EVENTS, "HTTP/1.1 403 ");
    answers("POST", "/channel/a", "Content-Length: 0\r\n", "HTTP/1.1 405 ");
    answers("HEAD", "/channel/a", "", "HTTP/1.1 200 ");
}

static void a_head_says_the_type_that_a_get_would_have(void **state) {
    (void)state;
    answers("HEAD", "/channel/a", "", "Content-Type: application/json\r\n");
    answers("HEAD", "/channel/a", EVENTS, "Content-Type: text/event-stream\r\n");
}

static void pages_of_other_origins_are_kept_out(void **state) {
    (void)state;
    static const char foreign[] = "Origin: https://evil.example\r\n";
    answers("GET", "/channel/a", foreign, "HTTP/1.1 403 ");
    answers("GET", "/channel/a", "Origin: https://evil.example\r\n" EVENTS, "HTTP/1.1 403 ");
    answers("OPTIONS", "/channel/a", foreign, "HTTP/1.1 403 ");
}

static void pages_that_may_can_read(void **state) {
    (void)state;
    static const char friendly[] = "Origin: https://friend.example\r\n";
    answers("GET", "/channel/a", friendly,
        "Access-Control-Allow-Origin: https://friend.example\r\n"
        "Access-Control-Allow-Credentials: true\r\nVary: Origin\r\n");
    answers("GET", "/channel/a", "Origin: https://friend.example\r\n" EVENTS,
        "Access-Control-Allow-Origin: https://friend.example\r\n");
    answers(
        "OPTIONS", "/channel/a", friendly, "Access-Control-Allow-Headers: Authorization, Last-Event-ID\r\n");
    answers("GET", "/channel/shut", friendly, "Access-Control-Allow-Origin: https://friend.example\r\n");
    answers("GET", "/channel/%FF", friendly, "Access-Control-Allow-Origin: https://friend.example\r\n");
    answers("GET", "/channel/a", "Origin: http://localhost\r\n", "HTTP/1.1 200 ");
}

/* A thousand polls that never end, of which half are cut off. */
static void polls_leave_nothing_behind(void **state) {
    (void)state;
    enum { POLLS = 1000 };
    struct channels channels;
    static struct peer peers[POLLS];
    char position[64], target[120];
    channels_begin(&channels, 1, settings, NULL, &(tow_server_options){.max_connections = 2 * POLLS});
    channels_position(&channels, "kept", position);
    snprintf(target, sizeof(target), "/channel/kept?since=%s", position);
    for (size_t i = 0; i < POLLS; i++)
        peer_request(&peers[i], &channels, target, "");
    world_run(&channels.world, 500);
    assert_int_equal(tow_channel_subscribers(channels.world.server, "kept"), POLLS);
    for (size_t i = 0; i < POLLS; i += 2)
        peer_reset(&peers[i]);
    world_run(&channels.world, 500);
    assert_int_equal(tow_channel_subscribers(channels.world.server, "kept"), POLLS / 2);
    channels_say(&channels, "kept", "x");
    for (size_t i = 1; i < POLLS; i += 2) {
        peer_expect(&peers[i], "]}\n");
        peer_close(&peers[i]);
    }
    assert_int_equal(tow_channel_subscribers(channels.world.server, "kept"), 0);
    channels_end(&channels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_has_what_is_published),
        cmocka_unit_test(what_only_the_server_says_is_no_name_of_an_event),
        cmocka_unit_test(a_stream_goes_on_where_it_was),
        cmocka_unit_test(a_quiet_stream_has_comments),
        cmocka_unit_test(a_stream_ends_when_the_server_does),
        cmocka_unit_test(a_stream_that_is_not_read_ends),
        cmocka_unit_test(where_the_oldest_are_dropped_a_stream_is_told),
        cmocka_unit_test(a_poll_tells_where_it_is),
        cmocka_unit_test(a_poll_waits_for_what_comes),
        cmocka_unit_test(a_poll_has_all_that_was_missed),
        cmocka_unit_test(a_poll_ends_when_its_time_is_over),
        cmocka_unit_test(the_last_messages_can_be_asked_for),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_head_says_the_type_that_a_get_would_have),
        cmocka_unit_test(pages_of_other_origins_are_kept_out),
        cmocka_unit_test(pages_that_may_can_read),
        cmocka_unit_test(polls_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
