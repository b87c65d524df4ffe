/* Publishing by HTTP: who may, what is published, what is told, and what becomes of requests that are wrong.
 */
#include "../server/world.h"

#include "folder.h"
#include "handler/channels.h"
#include "handler/publish.h"
#include "server/channels.h"

#include <towline/error.h>

#define KEY "Authorization: Bearer first-key\r\n"

static folder files;
static tow_handler handler;

static int64_t dismissed(const tow_channel_keeper *keeper, tow_slice subject) {
    return tow_slice_equals(subject, "ann") ? 2 : 0;
}

static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    *policy = (tow_channel_policy){0};
    if (name.length > 0 && name.data[0] == 'k')
        policy->history_count = 10;
}

static void begin(struct world *world, const char *keys, int64_t max_body) {
    static const tow_channel_keeper keeper = {.dismiss = dismissed};
    static const tow_channels channels = {.keeper = &keeper};
    char why[TOW_HANDLER_TEXT_MAX] = "";
    folder_add_file(&files, "keys", keys);
    const tow_publish_settings settings = {.key = folder_path(&files, "keys"), .max_body = max_body};
    world_make(world, &(tow_simulation_options){.seed = 5}, &(tow_server_options){0});
    tow_server_set_channel_policy(world->server, policy_find, NULL);
    const tow_handler_place place = {
        .server = world->server, .loop = world->loop, .channels = &channels, .path = "/publish/*"};
    if (tow_publish_kind.make(&handler, &settings, &place, why) != 0)
        fail_msg("%s", why);
    assert_int_equal(tow_server_route(world->server, "/publish", &handler), 0);
    assert_int_equal(tow_server_route(world->server, "/publish/*", &handler), 0);
    world_listen(world);
}

static void end(struct world *world) {
    world_end(world);
    tow_publish_kind.free(handler.user);
}

/* The answer to a request with this body, in a text that the next call overwrites. */
static const char *answer_to(struct world *world, const char *line, const char *fields, const char *body) {
    static char answer[100000];
    static char request[100000];
    struct peer peer;
    snprintf(request, sizeof(request),
        "%s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s", line,
        fields, strlen(body), body);
    peer_connect(&peer, world);
    peer_text(&peer, request);
    peer_expect_end(&peer);
    snprintf(answer, sizeof(answer), "%s", (char *)peer.in.data);
    peer_close(&peer);
    return answer;
}

static void assert_has(const char *answer, const char *text) {
    if (strstr(answer, text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, answer);
}

static void expect(struct world *world, const char *line, const char *fields, const char *body, int status,
    const char *text) {
    char beginning[20];
    const char *answer = answer_to(world, line, fields, body);
    snprintf(beginning, sizeof(beginning), "HTTP/1.1 %d", status);
    assert_has(answer, beginning);
    assert_has(answer, text);
    assert_has(answer, "Content-Type: application/json\r\n");
}

static void enter(tow_websocket *socket) {
    assert_int_equal(tow_channel_subscribe(socket, "news"), 0);
}

static void who_has_no_key_is_refused(void **state) {
    static const char *const fields[] = {"", "Authorization: Bearer first-ke\r\n",
        "Authorization: Bearer first-keys\r\n", "Authorization: Basic Zmlyc3Qta2V5OmZpcnN0LWtleQ==\r\n",
        "Towline-Key: \r\n", "Towline-Key: other\r\n", "Cookie: token=first-key\r\n"};
    struct world world;
    begin(&world, "first-key\nsecond-key\n", 0);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        expect(&world, "POST /publish/news", fields[i], "hello", 401, "WWW-Authenticate: Bearer");
        expect(&world, "GET /publish", fields[i], "", 401, "a key is needed");
        expect(&world, "DELETE /publish?user=ann", fields[i], "", 401, "a key is needed");
    }
    expect(&world, "POST /publish/news?token=first-key", "", "hello", 401, "a key is needed");
    expect(&world, "POST /publish/news", KEY, "hello", 200, "{\"subscribers\":0");
    expect(&world, "POST /publish/news", "Towline-Key: second-key\r\n", "hello", 200, "{\"subscribers\":0");
    end(&world);
}

static void what_is_published_reaches_subscribers(void **state) {
    struct world world;
    struct peer peer;
    begin(&world, "first-key", 0);
    assert_int_equal(tow_server_route(world.server, "/in", &(tow_handler){.on_open = enter}), 0);
    peer_connect(&peer, &world);
    peer_text(&peer, OPENING("/in"));
    peer_expect(&peer, OPENED);
    world_run(&world, 100);
    expect(&world, "POST /publish/news", KEY, "hello", 200, "{\"subscribers\":1");
    peer_expect_frame(&peer, 1, "hello", 5);
    expect(&world, "POST /publish/news", KEY "Content-Type: application/octet-stream\r\n", "\xff\xfe", 200,
        "\"subscribers\":1");
    peer_expect_frame(&peer, 2, "\xff\xfe", 2);
    expect(&world, "POST /publish", KEY,
        "[{\"channel\":\"news\",\"data\":\"a\"},{\"channel\":\"other\",\"data\":\"b\"},{\"channel\":\"news\","
        "\"data\":{\"c\":1}}]",
        200, "{\"published\":3}");
    peer_expect_frame(&peer, 1, "a", 1);
    peer_expect_frame(&peer, 1, "{\"c\":1}", 7);
    peer_close(&peer);
    end(&world);
}

static void what_is_kept_is_told(void **state) {
    struct world world;
    begin(&world, "first-key", 0);
    expect(&world, "POST /publish/k/1?event=rate&key=EUR", KEY "Content-Type: application/json\r\n",
        " {\"n\": 1.0} ", 200, "\"position\":\"");
    const char *position =
        strstr(answer_to(&world, "POST /publish/k%2F1", KEY, "two"), "\"position\":\"") + 12;
    char since[60], line[100];
    snprintf(since, sizeof(since), "%.*s", (int)strcspn(position, "\""), position);
    assert_has(since, ":2");
    expect(&world, "GET /publish/k/1?history", KEY, "", 200,
        "\"event\":\"rate\",\"key\":\"EUR\",\"data\":{\"n\": 1.0}}");
    expect(&world, "GET /publish/k/1?history&limit=1", KEY, "", 200,
        "\"event\":\"message\",\"data\":\"two\"}]}");
    answer_to(&world, "POST /publish/k/1", KEY "Content-Type: application/octet-stream\r\n", "\x01\x02");
    snprintf(line, sizeof(line), "GET /publish/k/1?history&since=%s", since);
    expect(&world, line, KEY, "", 200, "{\"whole\":true,\"more\":false,\"position\":");
    expect(&world, line, KEY, "", 200, "\"base64\":\"AQI=\"}]}");
    expect(&world, "GET /publish/k/1", KEY, "", 200,
        "{\"channel\":\"k/1\",\"subscribers\":0,\"users\":0,\"position\":");
    expect(&world, "GET /publish?prefix=k", KEY, "", 200, "{\"channels\":[{\"channel\":\"k/1\",");
    expect(&world, "GET /publish?prefix=x", KEY, "", 200, "{\"channels\":[],\"more\":false}");
    expect(&world, "GET /publish/nothing", KEY, "", 404, "no such channel");
    expect(&world, "GET /publish/k/1?presence", KEY, "", 409, "has no presence");
    end(&world);
}

static void what_comes_again_is_published_once(void **state) {
    struct world world;
    begin(&world, "first-key\nsecond-key", 0);
    expect(&world, "POST /publish/k", KEY "Idempotency-Key: one\r\n", "hello", 200,
        "{\"subscribers\":0,\"position\"");
    expect(&world, "POST /publish/k", KEY "Idempotency-Key: one\r\n", "hello", 200,
        "{\"subscribers\":0,\"repeated\":true,\"position\"");
    expect(
        &world, "POST /publish/k", KEY "Idempotency-Key: one\r\n", "other", 422, "used for another request");
    expect(&world, "POST /publish/k", "Towline-Key: second-key\r\nIdempotency-Key: one\r\n", "hello", 200,
        "{\"subscribers\":0,\"position\"");
    expect(&world, "POST /publish", KEY "Idempotency-Key: two\r\n", "[{\"channel\":\"k\",\"data\":\"b\"}]",
        200, "{\"published\":1}");
    expect(&world, "POST /publish", KEY "Idempotency-Key: two\r\n", "[{\"channel\":\"k\",\"data\":\"b\"}]",
        200, "{\"published\":1,\"repeated\":true}");
    const char *history = answer_to(&world, "GET /publish/k?history", KEY, "");
    assert_has(history, ":3\",\"event\":\"message\",\"data\":\"b\"}]}");
    /* what had failed may come again */
    expect(&world, "POST /publish/k", KEY "Idempotency-Key: three\r\n", "\xff", 400, "UTF-8");
    expect(&world, "POST /publish/k", KEY "Idempotency-Key: three\r\n", "good", 200,
        "{\"subscribers\":0,\"position\"");
    end(&world);
}

static void a_user_is_disconnected(void **state) {
    struct world world;
    begin(&world, "first-key", 0);
    expect(&world, "DELETE /publish?user=ann", KEY, "", 200, "{\"disconnected\":2}");
    expect(&world, "DELETE /publish?user=eve", KEY, "", 200, "{\"disconnected\":0}");
    expect(&world, "DELETE /publish", KEY, "", 400, "say who");
    end(&world);
}

static void what_is_wrong_is_told(void **state) {
    static const struct {
        const char *line, *fields, *body;
        int status;
        const char *text;
    } cases[] = {
        {"POST /publish/%01a", KEY, "a", 400, "no name of a channel"},
        {"POST /publish/%zz", KEY, "a", 400, "no name of a channel"},
        {"POST /publish/%ff", KEY, "a", 400, "no name of a channel"},
        {"POST /publish/news", KEY, "\xff", 400, "a text is UTF-8"},
        {"POST /publish/news", KEY "Content-Type: application/json; charset=utf-8\r\n", "{", 400, "no JSON"},
        {"POST /publish", KEY, "{}", 400, "no list in JSON"},
        {"POST /publish", KEY, "[{\"channel\":\"a\"}]", 400, "item 1: it has no data"},
        {"PUT /publish/news", KEY, "", 405, "Allow: GET, POST"},
        {"PATCH /publish", KEY, "", 405, "Allow: DELETE, GET, POST"},
        {"DELETE /publish/news", KEY, "", 405, "no method"},
        {"POST /publish/news?event=a%0Ab", KEY, "a", 400, "no control characters"},
        {"POST /publish/news?event=%01a", KEY, "a", 400, "no control characters"},
        {"POST /publish/news?key=%7f", KEY, "a", 400, "no control characters"},
        {"POST /publish/news?event=%zz", KEY, "a", 400, "percent"},
        {"POST /publish/news?key=a%", KEY, "a", 400, "percent"},
        {"POST /publish/news?key=%ff", KEY, "a", 400, "the event, the key or the type"},
        {"GET /publish?limit=0", KEY, "", 400, "limit"},
        {"GET /publish?limit=1001", KEY, "", 400, "limit"},
        {"GET /publish?limit=-1", KEY, "", 400, "limit"},
        {"GET /publish?limit=1x", KEY, "", 400, "limit"},
        {"GET /publish?prefix=%01", KEY, "", 400, "prefix"},
        {"GET /publish/k?history&since=7", KEY, "", 400, "since"},
    };
    struct world world;
    begin(&world, "first-key", 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect(&world, cases[i].line, cases[i].fields, cases[i].body, cases[i].status, cases[i].text);
    end(&world);
}

static void a_body_has_a_limit(void **state) {
    struct world world;
    begin(&world, "first-key", 5);
    expect(&world, "POST /publish/news", KEY, "1234", 200, "subscribers");
    expect(&world, "POST /publish/news", KEY, "12345", 200, "subscribers");
    assert_has(answer_to(&world, "POST /publish/news", KEY, "123456"), "HTTP/1.1 413");
    end(&world);
}

static void keys_are_read_again(void **state) {
    struct world world;
    begin(&world, "first-key", 0);
    folder_add_file(&files, "keys", "next-key");
    tow_publish_kind.reload(handler.user);
    expect(&world, "POST /publish/news", KEY, "a", 401, "a key is needed");
    expect(&world, "POST /publish/news", "Towline-Key: next-key\r\n", "a", 200, "subscribers");
    folder_add_file(&files, "keys", "");
    tow_publish_kind.reload(handler.user);
    expect(&world, "POST /publish/news", "Towline-Key: next-key\r\n", "a", 200, "subscribers");
    end(&world);
}

/* A client that leaves while it is asked for costs nothing. */
static void a_client_may_leave_at_any_time(void **state) {
    static const char request[] = "POST /publish/k HTTP/1.1\r\nHost: localhost\r\n" KEY
                                  "Idempotency-Key: x\r\nContent-Length: 5\r\n\r\nhello";
    struct world world;
    begin(&world, "first-key", 0);
    for (size_t length = 1; length <= sizeof(request) - 1; length += unit_step(7)) {
        struct peer peer;
        peer_connect(&peer, &world);
        peer_send(&peer, request, length);
        for (int steps = 0; steps < 3; steps++)
            tow_loop_step(world.loop);
        peer_close(&peer);
    }
    world_run(&world, 1000);
    end(&world);
}

static int files_make(void **state) {
    folder_make(&files);
    return 0;
}

static int files_remove(void **state) {
    folder_remove(&files);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_has_no_key_is_refused),
        cmocka_unit_test(what_is_published_reaches_subscribers),
        cmocka_unit_test(what_is_kept_is_told),
        cmocka_unit_test(what_comes_again_is_published_once),
        cmocka_unit_test(a_user_is_disconnected),
        cmocka_unit_test(what_is_wrong_is_told),
        cmocka_unit_test(a_body_has_a_limit),
        cmocka_unit_test(keys_are_read_again),
        cmocka_unit_test(a_client_may_leave_at_any_time),
    };
    return cmocka_run_group_tests(tests, files_make, files_remove);
}
