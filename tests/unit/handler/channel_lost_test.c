/* A store of channels that lies elsewhere and is lost, or answers by an error: what clients at the doors and
 * at the interface for publishing are told. */
#include "channel_world.h"

#include "../hub/late_store.h"
#include "folder.h"
#include "handler/publish.h"

#include <towline/error.h>

#define KEY "Authorization: Bearer first-key\r\n"

static const tow_channel_settings settings[] = {
    {.name = "room", .publish = TOW_ACCESS_SAME_ORIGIN, .presence = true, .history = 4}, {0}};

static struct channels channels;
static folder files;
static late_server *server;
static tow_store *store;

static void publish_make(void) {
    static tow_handler handler;
    char why[TOW_HANDLER_TEXT_MAX] = "";
    folder_add_file(&files, "key", "first-key");
    const tow_publish_settings given = {.key = folder_path(&files, "key"), .repeats = 2};
    const tow_handler_place place = {
        .server = channels.world.server, .loop = channels.world.loop, .path = "/publish/*"};
    assert_int_equal(tow_publish_kind.make(&handler, &given, &place, why), 0);
    assert_int_equal(tow_server_route(channels.world.server, "/publish", &handler), 0);
    handler.on_free = tow_publish_kind.free;
    assert_int_equal(tow_server_route(channels.world.server, "/publish/*", &handler), 0);
}

static int begin(void **state) {
    (void)state;
    folder_make(&files);
    channels_begin(&channels, 1, settings, NULL, &(tow_server_options){.status = "127.0.0.1:9999"});
    publish_make();
    server = late_server_new(channels.world.loop, 1, 4, 4);
    store = late_store_new(server);
    tow_hub_set_store(tow_server_hub(channels.world.server), store);
    return 0;
}

static int end(void **state) {
    (void)state;
    channels_end(&channels);
    late_server_free(server);
    folder_remove(&files);
    return 0;
}

/* The answer to a request, which begins so. */
static void expect(const char *line, const char *fields, const char *body, const char *text) {
    struct peer peer;
    char request[1000];
    snprintf(request, sizeof(request),
        "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", line,
        fields, strlen(body), body);
    peer_connect(&peer, &channels.world);
    peer_text(&peer, request);
    peer_expect_end(&peer);
    if (!peer_has(&peer, text))
        fail_msg("%s: %s", line, (const char *)peer.in.data);
    peer_close(&peer);
}

static const char batch[] = "[{\"channel\":\"room\",\"data\":\"a\"},{\"channel\":\"room\",\"data\":\"b\"}]";

/* What goes well is told when the answer has come. */
static void answers_that_come_late_are_told(void **state) {
    (void)state;
    expect("POST /publish/room", KEY, "hello", "HTTP/1.1 200");
    expect("POST /publish", KEY, batch, "{\"published\":2}");
    expect("GET /publish/room?history", KEY, "", "\"data\":\"b\"");
    expect("GET /publish/room?presence", KEY, "", "HTTP/1.1 200");
    expect("GET /channel/room?last=1", "", "", "\"data\":\"b\"");
}

static void a_lost_store_is_503(void **state) {
    (void)state;
    late_store_cut(store);
    expect("POST /publish/room", KEY, "hello", "HTTP/1.1 503");
    expect("POST /publish/room", KEY, "hello", "the store of channels does not answer");
    expect("POST /publish", KEY, batch, "HTTP/1.1 503");
    expect("GET /publish/room?history", KEY, "", "HTTP/1.1 503");
    expect("GET /publish/room?presence", KEY, "", "HTTP/1.1 503");
    expect("GET /channel/room", "", "", "HTTP/1.1 503");
    expect("GET /channel/room", "Accept: text/event-stream\r\n", "", "HTTP/1.1 503");
}

static void an_error_that_comes_late_is_503(void **state) {
    (void)state;
    static const char *const lines[] = {
        "POST /publish/room", "GET /publish/room?history", "GET /publish/room?presence", "GET /channel/room"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        late_store_fail_next(store, TOW_ERROR_REFUSED);
        expect(lines[i], KEY, "", "HTTP/1.1 503");
    }
}

static void run_until_answered(void) {
    for (int i = 0; i < 2000 && late_store_waiting(store) > 0; i++)
        world_run(&channels.world, 1);
    world_run(&channels.world, 10);
}

#define WITH(key) KEY "Idempotency-Key: " key "\r\n"

/* The store has the publication, and does not answer yet. */
static void publish_slowly(struct peer *peer, const char *fields) {
    char request[300];
    size_t before = late_store_waiting(store);
    snprintf(request, sizeof(request),
        "POST /publish/room HTTP/1.1\r\nHost: localhost\r\n%sContent-Length: 5\r\n\r\nhello", fields);
    late_store_hold(store, true);
    peer_connect(peer, &channels.world);
    peer_text(peer, request);
    for (int i = 0; i < 2000 && late_store_waiting(store) == before; i++)
        world_run(&channels.world, 1);
    assert_int_equal(late_store_waiting(store), before + 1);
}

static void a_key_is_under_way_until_the_store_answers(void **state) {
    (void)state;
    struct peer first, second;
    publish_slowly(&first, WITH("one"));
    peer_close(&first);
    publish_slowly(&second, WITH("two"));
    expect("POST /publish/room", WITH("one"), "hello", "HTTP/1.1 409");
    expect("POST /publish/room", WITH("two"), "hello", "HTTP/1.1 409");
    expect("POST /publish/room", WITH("three"), "hello", "HTTP/1.1 503");
    expect("POST /publish/room", WITH("three"), "hello", "Retry-After: 1\r\n");
    late_store_hold(store, false);
    peer_expect(&second, "HTTP/1.1 200");
    peer_close(&second);
    expect("POST /publish/room", WITH("one"), "hello", "\"repeated\":true,\"position\":");
    expect("POST /publish/room", WITH("three"), "hello", "HTTP/1.1 200");
}

static void a_key_whose_publication_fails_is_free_again(void **state) {
    (void)state;
    struct peer peer;
    publish_slowly(&peer, WITH("one"));
    peer_close(&peer);
    world_run(&channels.world, 10);
    late_store_fail_next(store, TOW_ERROR_REFUSED);
    late_store_hold(store, false);
    run_until_answered();
    expect("POST /publish/room", WITH("one"), "hello", "{\"subscribers\":0,\"position\":");
}

static void a_key_under_way_goes_with_the_server(void **state) {
    (void)state;
    struct peer peer;
    publish_slowly(&peer, WITH("one"));
    peer_close(&peer);
}

static void a_plain_client_is_told_to_come_later(void **state) {
    (void)state;
    struct peer peer;
    late_store_fail_next(store, TOW_ERROR_REFUSED);
    peer_connect(&peer, &channels.world);
    peer_text(&peer, OPENING("/channel/room"));
    peer_expect_close(&peer, 1013, "the channel is not available");
    peer_close(&peer);
}

/* Such a client can not be told, so the log is: once for all that come soon. */
static void what_a_plain_client_publishes_in_vain_is_logged(void **state) {
    (void)state;
    struct peer peer;
    static const char line[] = "a publication to the channel room is lost";
    peer_open(&peer, &channels, "/channel/room");
    run_until_answered();
    for (int i = 0; i < 3; i++) {
        late_store_fail_next(store, TOW_ERROR_REFUSED);
        peer_say(&peer, "hello");
        world_run(&channels.world, 5);
        run_until_answered();
    }
    const char *found = strstr((const char *)channels.world.log.data, line);
    assert_non_null(found);
    assert_null(strstr(found + 1, line));
    assert_int_equal(world_metric(&channels.world, "channel_unheard_total"), 3);
    peer_close(&peer);
}

/* Of each request, in its order: at once, or when the answer has come. */
static void ask_all(bool is_cut) {
    static const char *const said[] = {"{\"type\":\"subscribe\",\"id\":1,\"channel\":\"room\"}",
        "{\"type\":\"publish\",\"id\":1,\"channel\":\"room\",\"data\":\"x\"}",
        "{\"type\":\"history\",\"id\":1,\"channel\":\"room\"}",
        "{\"type\":\"presence\",\"id\":1,\"channel\":\"room\"}"};
    struct peer peer;
    peer_talk(&peer, &channels, "/channel/");
    if (is_cut)
        late_store_cut(store);
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        late_store_fail_next(store, TOW_ERROR_REFUSED);
        peer_say(&peer, said[i]);
        for (int j = 0; j < 2000 && peer_count(&peer, "\"unavailable\"") <= i; j++)
            world_run(&channels.world, 1);
        assert_int_equal(peer_count(&peer, "\"unavailable\""), i + 1);
    }
    peer_close(&peer);
}

static void a_talk_is_told_that_it_is_unavailable(void **state) {
    (void)state;
    ask_all(false);
    ask_all(true);
}

static void a_talk_is_told_that_there_are_too_many_members(void **state) {
    (void)state;
    struct peer peer;
    peer_talk(&peer, &channels, "/channel/");
    late_store_fail_next(store, TOW_ERROR_LIMIT);
    peer_say(&peer, "{\"type\":\"subscribe\",\"id\":1,\"channel\":\"room\",\"presence\":true}");
    peer_expect(&peer, "\"code\":\"limit\"");
    peer_close(&peer);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(answers_that_come_late_are_told),
        TEST(a_lost_store_is_503),
        TEST(an_error_that_comes_late_is_503),
        TEST(a_key_is_under_way_until_the_store_answers),
        TEST(a_key_whose_publication_fails_is_free_again),
        TEST(a_key_under_way_goes_with_the_server),
        TEST(a_plain_client_is_told_to_come_later),
        TEST(what_a_plain_client_publishes_in_vain_is_logged),
        TEST(a_talk_is_told_that_it_is_unavailable),
        TEST(a_talk_is_told_that_there_are_too_many_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
