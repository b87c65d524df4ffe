/* An app of Pusher's protocol in the simulator: what depends on time, and what is said to whom. */
#include "../hub/late_store.h"
#include "../server/flood.h"

#include "handler/pusher.h"
#include "hmac.h"
#include "server/channels.h"

#include <inttypes.h>
#include <unistd.h>

enum { SEEDS = 8 };

#define GREETING "{\"event\":\"pusher:connection_established\",\"data\":\"{\\\"socket_id\\\":\\\""

static const char key[] = "test-key-123", secret[] = "test-secret-456";

struct app_world {
    struct world world;
    tow_pusher *pusher;
    char secret_file[32];
    tow_buffer told; /* bodies of webhooks, a line each, with a zero behind */
    int refusals;    /* of webhooks that are still to be given */
};

static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)tow_pusher_channel_policy(user, name, policy);
}

static void hook_body(tow_exchange *exchange, void *user, const void *body, size_t length) {
    struct app_world *app = user;
    assert_int_equal(tow_buffer_append_format(&app->told, "%.*s\n", (int)length, (const char *)body), 0);
    assert_int_equal(tow_buffer_reserve(&app->told, 1), 0);
    app->told.data[app->told.length] = '\0';
    (void)tow_exchange_respond(exchange, app->refusals-- > 0 ? 500 : 204, NULL, NULL, 0);
}

static void hook_request(tow_exchange *exchange, const tow_request *request) {
    assert_string_equal(tow_request_header(request, "Content-Type"), "application/json");
    assert_string_equal(tow_request_header(request, "X-Pusher-Key"), key);
    assert_int_equal(tow_exchange_read_body(exchange, 1 << 20, hook_body, tow_request_user(request)), 0);
}

static void route(struct app_world *app, const tow_pusher_settings *settings) {
    char why[TOW_HANDLER_TEXT_MAX], path[TOW_PUSHER_PATH_MAX];
    const tow_handler_place place = {
        .server = app->world.server, .loop = app->world.loop, .pusher = app->pusher};
    tow_handler handler;
    assert_int_equal(tow_pusher_kind.make(&handler, settings, &place, why), 0);
    handler.on_free = tow_pusher_kind.free;
    assert_int_equal(tow_server_route(app->world.server, "/app/test-key-123", &handler), 0);
    handler.on_free = NULL;
    assert_true(tow_pusher_path(settings, 1, path));
    assert_int_equal(tow_server_route(app->world.server, path, &handler), 0);
}

/* With all that is not set as its default. */
static void begin_with(
    struct app_world *app, uint64_t seed, tow_pusher_settings settings, const tow_server_options *options) {
    memset(app, 0, sizeof(*app));
    world_make(&app->world, &(tow_simulation_options){.seed = seed}, options);
    strcpy(app->secret_file, "/tmp/towline-secret-XXXXXX");
    int fd = mkstemp(app->secret_file);
    assert_int_equal(write(fd, secret, strlen(secret)), strlen(secret));
    close(fd);
    const tow_handler_place place = {.server = app->world.server, .loop = app->world.loop};
    assert_int_equal(tow_pusher_new(&app->pusher, &place), 0);
    tow_server_set_channel_policy(app->world.server, policy_find, app->pusher);
    settings.id = "42";
    settings.key = key;
    settings.secret = app->secret_file;
    settings.max_client_events = 10;
    settings.max_channels = 100;
    settings.max_members = 100;
    settings.cache_seconds = 1800;
    settings.max_connections = settings.max_connections != 0 ? settings.max_connections : TOW_OFF;
    settings.activity_seconds = settings.activity_seconds != 0 ? settings.activity_seconds : 120;
    settings.authorize_seconds = settings.authorize_seconds != 0 ? settings.authorize_seconds : TOW_OFF;
    route(app, &settings);
    assert_int_equal(
        tow_server_route(app->world.server, "/hook", &(tow_handler){.on_request = hook_request, .user = app}),
        0);
    world_listen(&app->world);
}

static void begin(struct app_world *app, uint64_t seed, tow_pusher_settings settings) {
    begin_with(app, seed, settings, &(tow_server_options){0});
}

static void end(struct app_world *app) {
    tow_pusher_end(app->pusher);
    world_end(&app->world);
    tow_pusher_free(app->pusher);
    unlink(app->secret_file);
    tow_buffer_clear(&app->told);
}

/* Clients. */

static void say(struct peer *peer, const char *text) {
    const size_t length = strlen(text);
    const uint8_t head[] = {0x81, 0xFE, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, 0};
    if (length <= 125) {
        peer_frame(peer, 1, text, length);
        return;
    }
    peer_send(peer, head, sizeof(head));
    peer_send(peer, text, length);
}

/* Opens it; the name of the connection goes to `id`. */
static void open_client(struct app_world *app, struct peer *peer, char id[32]) {
    peer_connect(peer, &app->world);
    peer_text(peer, OPENING("/app/test-key-123?protocol=7"));
    peer_expect(peer, GREETING);
    peer_expect(peer, "activity_timeout");
    const char *begin_id = strstr((const char *)peer->in.data, GREETING) + strlen(GREETING);
    assert_int_equal(sscanf(begin_id, "%31[0-9.]", id), 1);
}

static const char *signature_of(const char *id, const char *channel, const char *data) {
    static char digest[TOW_HMAC_TEXT];
    const tow_slice parts[] = {tow_slice_from(id), tow_slice_from(channel), tow_slice_from(data)};
    assert_int_equal(tow_hmac_make(digest, tow_slice_from(secret), parts, data[0] == '\0' ? 2 : 3, ":"), 0);
    return digest;
}

/* `data` is channel_data; "": none. No quotation marks in it: they are put there for apostrophes. */
static void subscribe(struct peer *peer, const char *id, const char *channel, const char *data) {
    char plain[256], escaped[512], text[1024];
    size_t length = 0;
    snprintf(plain, sizeof(plain), "%s", data);
    for (char *at = plain; *at != '\0'; at++) {
        *at = *at == '\'' ? '"' : *at;
        if (*at == '"')
            escaped[length++] = '\\';
        escaped[length++] = *at;
    }
    escaped[length] = '\0';
    snprintf(text, sizeof(text),
        "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"%s\",\"auth\":\"%s:%s\"%s%s%s}}", channel,
        key, signature_of(id, channel, plain), length > 0 ? ",\"channel_data\":\"" : "", escaped,
        length > 0 ? "\"" : "");
    say(peer, text);
}

static void publish(struct app_world *app, const char *channel, const char *event, const char *data) {
    char name[128];
    snprintf(name, sizeof(name), "pusher/42/%s", channel);
    assert_int_equal(
        tow_hub_publish(tow_server_hub(app->world.server), tow_slice_from(name),
            &(tow_draft){.event = tow_slice_from(event), .type = TOW_TEXT, .data = tow_slice_from(data)}),
        0);
}

static void expect_close(struct peer *peer, unsigned code) {
    const char bytes[] = {(char)(code >> 8), (char)code, '\0'};
    peer_expect(peer, bytes);
}

/* Tests. */

static void silence_is_answered_by_a_ping_and_then_by_4201(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct app_world app;
        struct peer peer;
        char id[32];
        begin(&app, seed, (tow_pusher_settings){.activity_seconds = 10});
        open_client(&app, &peer, id);
        world_run(&app.world, 9000);
        assert_false(peer_has(&peer, "pusher:ping"));
        say(&peer, "{\"event\":\"pusher:ping\"}");
        peer_expect(&peer, "{\"event\":\"pusher:pong\",\"data\":\"{}\"}");
        world_run(&app.world, 9500);
        assert_false(peer_has(&peer, "pusher:ping"));
        peer_expect(&peer, "{\"event\":\"pusher:ping\",\"data\":\"{}\"}");
        world_run(&app.world, 29000);
        assert_false(peer.ended);
        expect_close(&peer, 4201);
        peer_close(&peer);
        end(&app);
    }
}

/* From then on the user's connections can be ended, also where the store of channels is slow. */
static void who_signs_in_is_told_when_it_can_be_reached(void **state) {
    (void)state;
    static const char data[] = "{\"id\":\"ann\"}";
    struct app_world app;
    struct peer peer;
    char id[32], digest[TOW_HMAC_TEXT], text[400];
    begin(&app, 1, (tow_pusher_settings){0});
    late_server *server = late_server_new(app.world.loop, 1, 4, 4);
    tow_store *store = late_store_new(server);
    tow_hub_set_store(tow_server_hub(app.world.server), store);
    late_store_hold(store, true);
    open_client(&app, &peer, id);
    const tow_slice parts[] = {tow_slice_from(id), tow_slice_from("user"), tow_slice_from(data)};
    assert_int_equal(tow_hmac_make(digest, tow_slice_from(secret), parts, 3, "::"), 0);
    snprintf(text, sizeof(text),
        "{\"event\":\"pusher:signin\",\"data\":{\"auth\":\"%s:%s\",\"user_data\":\"{\\\"id\\\":\\\"ann\\\"}"
        "\"}}",
        key, digest);
    say(&peer, text);
    say(&peer, text);
    say(&peer, "{\"event\":\"pusher:ping\"}");
    peer_expect(&peer, "pusher:pong");
    assert_false(peer_has(&peer, "signin_success"));
    late_store_hold(store, false);
    peer_expect(&peer, "signin_success");
    assert_false(peer_has(&peer, "pusher:error"));
    peer_close(&peer);
    end(&app);
    late_server_free(server);
}

static void a_pong_of_either_kind_is_life(void **state) {
    (void)state;
    struct app_world app;
    struct peer peer;
    char id[32];
    begin(&app, 3, (tow_pusher_settings){.activity_seconds = 10});
    open_client(&app, &peer, id);
    for (int i = 0; i < 6; i++) {
        world_run(&app.world, 25000);
        assert_false(peer.ended);
        if (i % 2 == 0)
            say(&peer, "{\"event\":\"pusher:pong\",\"data\":{}}");
        else
            peer_frame(&peer, 10, "", 0);
    }
    peer_close(&peer);
    end(&app);
}

static void who_has_to_sign_has_so_long(void **state) {
    (void)state;
    struct app_world app;
    struct peer lazy, busy;
    char id[32];
    begin(&app, 4, (tow_pusher_settings){.authorize_seconds = 5});
    open_client(&app, &lazy, id);
    open_client(&app, &busy, id);
    subscribe(&busy, id, "private-c", "");
    subscribe(&lazy, id, "private-c", ""); /* another's signature */
    world_run(&app.world, 4900);
    assert_false(peer_has(&lazy, "\x0f\xa9"));
    expect_close(&lazy, 4009);
    world_run(&app.world, 10000);
    say(&busy, "{\"event\":\"pusher:ping\"}");
    peer_expect(&busy, "pusher:pong");
    peer_close(&lazy);
    peer_close(&busy);
    end(&app);
}

static void what_is_published_comes_in_order_and_once(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct app_world app;
        struct peer peers[3];
        char id[32];
        begin(&app, seed, (tow_pusher_settings){0});
        for (size_t i = 0; i < 3; i++) {
            open_client(&app, &peers[i], id);
            subscribe(&peers[i], id, "news", "");
            peer_expect(&peers[i], "{\"event\":\"pusher_internal:subscription_succeeded\",\"channel\":"
                                   "\"news\",\"data\":\"{}\"}");
        }
        for (int i = 0; i < 50; i++) {
            char data[16];
            snprintf(data, sizeof(data), "<%d>", i);
            publish(&app, "news", "e", data);
            if (i % 7 == 0)
                world_run(&app.world, 1);
        }
        for (size_t i = 0; i < 3; i++) {
            peer_expect(&peers[i], "<49>");
            const char *at = (const char *)peers[i].in.data;
            for (int j = 0; j < 50; j++) {
                char text[64];
                snprintf(text, sizeof(text), "{\"event\":\"e\",\"channel\":\"news\",\"data\":\"<%d>\"}", j);
                at = strstr(at, text);
                assert_non_null(at);
                at += strlen(text);
                assert_null(strstr(at, text));
            }
            peer_close(&peers[i]);
        }
        end(&app);
    }
}

static void a_user_is_a_member_until_the_last_connection_is_cut(void **state) {
    (void)state;
    struct app_world app;
    struct peer watcher, one, other;
    char id[32];
    begin(&app, 5, (tow_pusher_settings){0});
    open_client(&app, &watcher, id);
    subscribe(&watcher, id, "presence-c", "{'user_id':'w'}");
    peer_expect(&watcher,
        "\"{\\\"presence\\\":{\\\"count\\\":1,\\\"ids\\\":[\\\"w\\\"],\\\"hash\\\":{\\\"w\\\":null}}}\"");
    open_client(&app, &one, id);
    subscribe(&one, id, "presence-c", "{'user_id':'u','user_info':{'n':1.0}}");
    peer_expect(&watcher, "{\"event\":\"pusher_internal:member_added\",\"channel\":\"presence-c\",\"data\":"
                          "\"{\\\"user_id\\\":\\\"u\\\",\\\"user_info\\\":{\\\"n\\\":1.0}}\"}");
    open_client(&app, &other, id);
    subscribe(&other, id, "presence-c", "{'user_id':'u','user_info':{'n':1.0}}");
    peer_expect(&other, "\\\"count\\\":2");
    peer_reset(&one);
    world_run(&app.world, 500);
    assert_false(peer_has(&watcher, "member_removed"));
    peer_reset(&other);
    peer_expect(&watcher, "{\"event\":\"pusher_internal:member_removed\",\"channel\":\"presence-c\",\"data\":"
                          "\"{\\\"user_id\\\":\\\"u\\\"}\"}");
    peer_close(&watcher);
    end(&app);
}

static void a_cache_lasts_as_long_as_is_set(void **state) {
    (void)state;
    struct app_world app;
    struct peer peer, late;
    char id[32];
    begin(&app, 6, (tow_pusher_settings){0});
    publish(&app, "cache-c", "old", "1");
    publish(&app, "cache-c", "price", "2");
    world_run(&app.world, 1700 * 1000);
    open_client(&app, &peer, id);
    subscribe(&peer, id, "cache-c", "");
    peer_expect(&peer, "{\"event\":\"price\",\"channel\":\"cache-c\",\"data\":\"2\"}");
    assert_false(peer_has(&peer, "old"));
    assert_false(peer_has(&peer, "cache_miss"));
    peer_close(&peer);
    world_run(&app.world, 200 * 1000);
    open_client(&app, &late, id);
    subscribe(&late, id, "cache-c", "");
    peer_expect(&late, "{\"event\":\"pusher:cache_miss\",\"channel\":\"cache-c\"}");
    peer_close(&late);
    end(&app);
}

static void other_doors_do_not_forge_the_protocol(void **state) {
    (void)state;
    struct app_world app;
    struct peer peer;
    char id[32];
    begin(&app, 7, (tow_pusher_settings){0});
    open_client(&app, &peer, id);
    subscribe(&peer, id, "news", "");
    peer_expect(&peer, "subscription_succeeded");
    publish(&app, "news", "pusher:error", "{}");
    peer_expect(&peer, "{\"event\":\"message\",\"channel\":\"news\",\"data\":\"{}\"}");
    const tow_draft binary = {.type = TOW_BINARY, .data = {"\0\xFF", 2}};
    assert_int_equal(
        tow_hub_publish(tow_server_hub(app.world.server), tow_slice_from("pusher/42/news"), &binary), 0);
    peer_expect(&peer, "{\"event\":\"message\",\"channel\":\"news\",\"data\":\"AP8=\"}");
    const tow_draft json = {
        .event = {"x", 1}, .type = TOW_TEXT, .form = TOW_DATA_JSON, .data = {"{\"a\":1}", 7}};
    assert_int_equal(
        tow_hub_publish(tow_server_hub(app.world.server), tow_slice_from("pusher/42/news"), &json), 0);
    peer_expect(&peer, "{\"event\":\"x\",\"channel\":\"news\",\"data\":\"{\\\"a\\\":1}\"}");
    peer_close(&peer);
    end(&app);
}

static void a_drain_tells_clients_to_come_back(void **state) {
    (void)state;
    struct app_world app;
    struct peer peer;
    char id[32];
    begin(&app, 8, (tow_pusher_settings){0});
    open_client(&app, &peer, id);
    tow_server_stop(app.world.server);
    expect_close(&peer, 4200);
    peer_close(&peer);
    end(&app);
}

static const char *const hook_urls[] = {"http://127.0.0.1:9998/hook", NULL};

static bool was_told(const struct app_world *app, const char *text) {
    return app->told.length > 0 && strstr((const char *)app->told.data, text) != NULL;
}

static void webhooks_are_told_in_time(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct app_world app;
        struct peer peer;
        char id[32];
        begin(&app, seed, (tow_pusher_settings){.webhooks = hook_urls});
        open_client(&app, &peer, id);
        subscribe(&peer, id, "presence-c", "{'user_id':'u'}");
        peer_expect(&peer, "subscription_succeeded");
        world_run(&app.world, 1000);
        assert_true(was_told(&app, "{\"name\":\"channel_occupied\",\"channel\":\"presence-c\"}"));
        assert_true(
            was_told(&app, "{\"name\":\"member_added\",\"channel\":\"presence-c\",\"user_id\":\"u\"}"));
        peer_close(&peer);
        world_run(&app.world, 2900);
        assert_false(was_told(&app, "vacated"));
        world_run(&app.world, 1000);
        assert_true(
            was_told(&app, "{\"name\":\"member_removed\",\"channel\":\"presence-c\",\"user_id\":\"u\"}"));
        assert_true(was_told(&app, "{\"name\":\"channel_vacated\",\"channel\":\"presence-c\"}"));
        end(&app);
    }
}

static void webhooks_are_told_again_and_given_up_after_five_minutes(void **state) {
    (void)state;
    static const char *const occupied[] = {"channel_occupied", NULL};
    struct app_world app;
    struct peer peer;
    char id[32];
    begin(&app, 9,
        (tow_pusher_settings){.webhooks = hook_urls, .webhook_events = occupied, .activity_seconds = 10000});
    app.refusals = 1000;
    open_client(&app, &peer, id);
    subscribe(&peer, id, "news", "");
    world_run(&app.world, 250 * 1000);
    int tries = 1000 - app.refusals;
    assert_in_range(tries, 7, 12);
    world_run(&app.world, 100 * 1000);
    int all = 1000 - app.refusals;
    world_run(&app.world, 600 * 1000);
    assert_int_equal(all, 1000 - app.refusals); /* no more */
    app.refusals = 0;
    subscribe(&peer, id, "later", "");
    world_run(&app.world, 1000);
    assert_true(was_told(&app, "later"));
    peer_close(&peer);
    end(&app);
}

static void subscribers_are_told_how_many_they_are_now_and_then(void **state) {
    (void)state;
    struct app_world app;
    struct peer first, peers[20];
    char id[32], text[128];
    begin(&app, 10, (tow_pusher_settings){.subscription_counts = true});
    open_client(&app, &first, id);
    subscribe(&first, id, "news", "");
    for (int i = 0; i < 20; i++) {
        open_client(&app, &peers[i], id);
        subscribe(&peers[i], id, "news", "");
    }
    peer_expect(&first, "{\"event\":\"pusher_internal:subscription_count\",\"channel\":\"news\",\"data\":\"{"
                        "\\\"subscription_count\\\":21}\"}");
    int told = 0;
    for (const char *at = (const char *)first.in.data; (at = strstr(at, "subscription_count\"")) != NULL;
         at++)
        told++;
    assert_in_range(told, 1, 10);
    for (int i = 0; i < 20; i++)
        peer_reset(&peers[i]);
    snprintf(text, sizeof(text), "{\\\"subscription_count\\\":1}\"}");
    world_run(&app.world, 2000);
    peer_expect(&first, text);
    peer_close(&first);
    end(&app);
}

static void token_find(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)user, (void)name;
    policy->subscribe = TOW_ACCESS_TOKEN;
}

static void who_has_no_signature_does_not_stay_where_a_token_is_needed_now(void **state) {
    (void)state;
    static const char *const share[] = {"news", "private-news", NULL};
    struct app_world app;
    struct peer peer;
    char id[32];
    begin(&app, 1, (tow_pusher_settings){.share = share});
    open_client(&app, &peer, id);
    subscribe(&peer, id, "news", "");
    subscribe(&peer, id, "private-news", "");
    peer_expect(&peer, "subscription_succeeded\",\"channel\":\"private-news\"");
    tow_server_set_channel_policy(app.world.server, token_find, NULL);
    peer_expect(&peer, "pusher:subscription_error\",\"channel\":\"news\"");
    assert_int_equal(tow_hub_subscriber_count(tow_server_hub(app.world.server), tow_slice_from("news")), 0);
    assert_int_equal(
        tow_hub_subscriber_count(tow_server_hub(app.world.server), tow_slice_from("private-news")), 1);
    peer_close(&peer);
    end(&app);
}

static void who_reads_nothing_is_given_no_more_however_many_channels_it_has(void **state) {
    (void)state;
    enum { MANY = 100 };
    for (tow_channel_slow slow = TOW_SLOW_ENDS; slow <= TOW_SLOW_LATEST; slow++) {
        struct app_world app;
        struct peer peer;
        char id[32], name[64];
        begin_with(&app, 1, (tow_pusher_settings){0}, &flood_options);
        flood_set_policy(&app.world, slow);
        open_client(&app, &peer, id);
        for (int i = 0; i < MANY; i++) {
            flood_name(name, "", i);
            subscribe(&peer, id, name, "");
        }
        peer_expect(&peer, "subscription_succeeded\",\"channel\":\"c099\"");
        tow_stream_pause(&peer.stream);
        flood_say(&app.world, "pusher/42/", MANY);
        flood_expect_bound(&app.world);
        if (slow != TOW_SLOW_ENDS) {
            flood_expect_last(&app.world, &peer, MANY);
        } else {
            tow_stream_resume(&peer.stream);
            expect_close(&peer, 4100);
        }
        peer_reset(&peer);
        end(&app);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_answered_by_a_ping_and_then_by_4201),
        cmocka_unit_test(who_signs_in_is_told_when_it_can_be_reached),
        cmocka_unit_test(a_pong_of_either_kind_is_life),
        cmocka_unit_test(who_has_to_sign_has_so_long),
        cmocka_unit_test(what_is_published_comes_in_order_and_once),
        cmocka_unit_test(a_user_is_a_member_until_the_last_connection_is_cut),
        cmocka_unit_test(a_cache_lasts_as_long_as_is_set),
        cmocka_unit_test(other_doors_do_not_forge_the_protocol),
        cmocka_unit_test(a_drain_tells_clients_to_come_back),
        cmocka_unit_test(webhooks_are_told_in_time),
        cmocka_unit_test(webhooks_are_told_again_and_given_up_after_five_minutes),
        cmocka_unit_test(subscribers_are_told_how_many_they_are_now_and_then),
        cmocka_unit_test(who_has_no_signature_does_not_stay_where_a_token_is_needed_now),
        cmocka_unit_test(who_reads_nothing_is_given_no_more_however_many_channels_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
