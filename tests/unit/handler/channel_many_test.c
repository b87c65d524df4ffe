/* At each door to channels, who reads nothing is given no more than its connection may hold: however many
 * channels that has. */
#include "../server/flood.h"
#include "channel_world.h"

#include "handler/engineio.h"

static const tow_channel_slow slows[] = {TOW_SLOW_ENDS, TOW_SLOW_OLDEST, TOW_SLOW_LATEST};
static struct channels channels;
static struct peer peer;
static tow_engineio *engineio;

static void begin(tow_channel_slow slow) {
    channels_begin(&channels, 1, NULL, NULL, &flood_options);
    flood_set_policy(&channels.world, slow);
    assert_int_equal(
        tow_engineio_new(&engineio, channels.world.server, &(tow_engineio_settings){0}, NULL), 0);
}

static void end(void) {
    peer_reset(&peer);
    channels_end(&channels);
    tow_engineio_free(engineio);
}

static void flood(int count) {
    tow_stream_pause(&peer.stream);
    flood_say(&channels.world, "", count);
    flood_expect_bound(&channels.world);
}

static void subscribe_to_all(void) {
    char name[64], text[200];
    for (int i = 0; i < FLOOD_CHANNELS; i++) {
        flood_name(name, "", i);
        snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"id\":%d,\"channel\":\"%s\"}", i, name);
        peer_say(&peer, text);
    }
    snprintf(text, sizeof(text), "{\"type\":\"subscribed\",\"id\":%d,", FLOOD_CHANNELS - 1);
    peer_expect(&peer, text);
}

static void talk_is_told_of_each_channel(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin(slows[i]);
        peer_talk(&peer, &channels, "/channel/");
        subscribe_to_all();
        flood(FLOOD_CHANNELS);
        if (slows[i] != TOW_SLOW_ENDS) {
            flood_expect_last(&channels.world, &peer, FLOOD_CHANNELS);
        } else {
            tow_stream_resume(&peer.stream);
            peer_expect(&peer, "{\"type\":\"ended\",\"channel\":\"c999\",\"code\":\"slow\"}");
        }
        end();
    }
}

/* What has one channel alone. */
static void flood_one(void) {
    for (int i = 0; i < 6; i++)
        flood(1);
    tow_stream_resume(&peer.stream);
}

static void a_plain_socket_is_closed_or_goes_on(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin(slows[i]);
        peer_open(&peer, &channels, "/channel/c000");
        flood_one();
        if (slows[i] == TOW_SLOW_ENDS)
            peer_expect_close(&peer, 1008, "too slow for its channel");
        else
            flood_expect_last(&channels.world, &peer, 1);
        end();
    }
}

static void a_stream_of_events_ends_or_has_a_gap(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin(slows[i]);
        peer_request(&peer, &channels, "/channel/c000", "Accept: text/event-stream\r\n");
        peer_expect(&peer, "id: ");
        flood_one();
        peer_expect(&peer, slows[i] == TOW_SLOW_ENDS ? "event: towline.ended" : "event: towline.gap");
        end();
    }
}

/* Over Engine.IO, where it asks for nothing. */

static char session[100];
static int polls;

static void ask(const char *method, const char *query, tow_slice body) {
    char head[500];
    snprintf(head, sizeof(head),
        "%s /channel/engine.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Length: %zu\r\n\r\n",
        method, query, body.length);
    peer.in.length = 0;
    peer_text(&peer, head);
    peer_send(&peer, body.data, body.length);
}

static void open_session(void) {
    peer_connect(&peer, &channels.world);
    ask("GET", "&towline=1&protocols=towline.v1", (tow_slice){0});
    peer_expect(&peer, "}");
    const char *found = strstr((const char *)peer.in.data, "{\"sid\":\"");
    assert_non_null(found);
    snprintf(session, sizeof(session), "&sid=%.*s", (int)strcspn(found + 8, "\""), found + 8);
    polls = 0;
}

static void post_subscriptions(int first, int count) {
    tow_buffer body = {0};
    char name[64], query[120];
    for (int i = first; i < first + count; i++) {
        flood_name(name, "", i);
        assert_int_equal(tow_buffer_append_format(&body, "%s4{\"type\":\"subscribe\",\"channel\":\"%s\"}",
                             i > first ? "\x1e" : "", name),
            0);
    }
    snprintf(query, sizeof(query), "%s&n=%d", session, 1 + first / count);
    ask("POST", query, (tow_slice){(const char *)body.data, body.length});
    peer_expect(&peer, "\r\n\r\nok");
    tow_buffer_clear(&body);
}

static void poll_for(const char *text) {
    char query[120];
    peer.in.length = 0;
    while (!peer_has(&peer, text)) {
        snprintf(query, sizeof(query), "%s&ack=%d", session, polls++);
        ask("GET", query, (tow_slice){0});
        peer_expect(&peer, "\r\n\r\n");
        world_run(&channels.world, 10);
    }
}

static void who_does_not_poll_is_given_no_more(void **state) {
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        begin(slows[i]);
        open_session();
        for (int first = 0; first < FLOOD_CHANNELS; first += 50) {
            post_subscriptions(first, 50);
            poll_for("{\"type\":\"subscribed\"");
        }
        flood_say(&channels.world, "", FLOOD_CHANNELS);
        flood_expect_bound(&channels.world);
        poll_for(slows[i] == TOW_SLOW_ENDS ? "{\"type\":\"ended\",\"channel\":\"c999\",\"code\":\"slow\"}"
                                           : "{\"type\":\"gap\",\"channel\":\"c999\"");
        end();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talk_is_told_of_each_channel),
        cmocka_unit_test(a_plain_socket_is_closed_or_goes_on),
        cmocka_unit_test(a_stream_of_events_ends_or_has_a_gap),
        cmocka_unit_test(who_does_not_poll_is_given_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
