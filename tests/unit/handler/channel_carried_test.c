/* Doors to channels where WebSocket is blocked: over Engine.IO; and by SockJS's name for WebSocket. */
#include "channel_world.h"

#include "handler/engineio.h"
#include "handler/sockjs.h"

static const tow_channel_settings settings[] = {{.name = "open", .publish = TOW_ACCESS_SAME_ORIGIN},
    {.name = "shut", .subscribe = TOW_ACCESS_NOBODY}, {0}};

static unsigned entered, left;

static void enter(const tow_channel_keeper *keeper, tow_channel_guest *guest, tow_exchange *exchange,
    const tow_request *request, tow_channel_question *question, tow_channel_answer *answer) {
    (void)keeper, (void)exchange, (void)request, (void)question;
    *answer = (tow_channel_answer){.word = TOW_CHANNEL_GRANTED};
    guest->known = guest;
    entered++;
}

static void leave(const tow_channel_keeper *keeper, tow_channel_guest *guest) {
    (void)keeper, (void)guest;
    left++;
}

static const tow_channel_keeper keeper = {.enter = enter, .leave = leave};

static struct channels channels;
static tow_engineio *engineio;
static struct peer peer;
static char sid[100];

static void begin(uint64_t seed, const tow_server_options *options) {
    entered = left = 0;
    channels_begin(&channels, seed, settings, &keeper, options);
    assert_int_equal(
        tow_engineio_new(&engineio, channels.world.server, &(tow_engineio_settings){0}, NULL), 0);
    peer_connect(&peer, &channels.world);
}

static void end(void) {
    peer_close(&peer);
    channels_end(&channels);
    tow_engineio_free(engineio);
    assert_int_equal(entered, left);
}

static void ask(const char *method, const char *path, const char *query, const char *body) {
    char request[800];
    snprintf(request, sizeof(request),
        "%s %s/engine.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        method, path, query, strlen(body), body);
    peer.in.length = 0;
    peer_text(&peer, request);
}

static void open_session(const char *path, const char *query) {
    ask("GET", path, query, "");
    peer_expect(&peer, "}");
    const char *found = strstr((const char *)peer.in.data, "{\"sid\":\"");
    assert_non_null(found);
    snprintf(sid, sizeof(sid), "&sid=%.*s", (int)strcspn(found + 8, "\""), found + 8);
    world_run(&channels.world, 10);
}

static void messages_come_by_polls(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        begin(seed, NULL);
        open_session("/channel/open", "");
        channels_say(&channels, "open", "hello");
        ask("GET", "/channel/open", sid, "");
        peer_expect(&peer, "4hello");
        ask("POST", "/channel/open", sid, "4said");
        peer_expect(&peer, "\r\n\r\nok");
        ask("GET", "/channel/open", sid, "");
        peer_expect(&peer, "4said");
        end();
    }
}

static void envelopes_come_by_polls(void **state) {
    (void)state;
    char query[120];
    begin(1, NULL);
    open_session("/channel", "&towline=1&protocols=towline.v1");
    snprintf(query, sizeof(query), "%s&n=1", sid);
    ask("POST", "/channel", query, "4{\"type\":\"subscribe\",\"id\":1,\"channel\":\"a\"}");
    peer_expect(&peer, " 200 ");
    snprintf(query, sizeof(query), "%s&ack=0", sid);
    ask("GET", "/channel", query, "");
    peer_expect(&peer, "{\"type\":\"subscribed\",\"id\":1,\"channel\":\"a\"");
    end();
}

static void who_may_not_is_refused(void **state) {
    (void)state;
    begin(1, NULL);
    ask("GET", "/channel/shut", "", "");
    peer_expect(&peer, "HTTP/1.1 403 ");
    end();
}

/* A session that can't be opened leaves nothing of who was let in. */
static void who_was_let_in_for_nothing_is_forgotten(void **state) {
    (void)state;
    begin(1, &(tow_server_options){.max_connections = 1});
    open_session("/channel/open", "");
    ask("GET", "/channel/open", "", "");
    peer_expect(&peer, "HTTP/1.1 ");
    world_run(&channels.world, 100);
    assert_false(peer_has(&peer, "HTTP/1.1 200 "));
    assert_int_equal(entered, 2);
    assert_int_equal(left, 1);
    end();
}

/* What is behind the channel's name is no part of it. */
static void the_raw_websocket_of_sockjs_is_that_of_the_channel(void **state) {
    (void)state;
    tow_sockjs *sockjs;
    begin(1, NULL);
    assert_int_equal(tow_sockjs_new(&sockjs, channels.world.server, &(tow_sockjs_settings){0}), 0);
    peer_text(&peer, OPENING("/channel/open/sockjs/websocket?echo=true"));
    peer_expect(&peer, OPENED);
    world_run(&channels.world, 10);
    channels_say(&channels, "open", "hello");
    peer_expect_frame(&peer, 1, "hello", 5);
    end();
    tow_sockjs_free(sockjs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_by_polls),
        cmocka_unit_test(envelopes_come_by_polls),
        cmocka_unit_test(who_may_not_is_refused),
        cmocka_unit_test(who_was_let_in_for_nothing_is_forgotten),
        cmocka_unit_test(the_raw_websocket_of_sockjs_is_that_of_the_channel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
