/* An app of Pusher's protocol when memory runs out: at each allocation in turn, while a client subscribes,
 * signs in and speaks, and while a server of the app asks and publishes: nothing is left of it, and the
 * server goes on. */
#include "../allocation.h"
#include "../server/world.h"

#include "handler/pusher.h"
#include "hmac.h"
#include "server/channels.h"

#include <unistd.h>

static const char key[] = "test-key-123", secret[] = "test-secret-456";
static const char *const hook_urls[] = {"http://127.0.0.1:7000/hook", NULL};
static const char *const shared[] = {"shared-*", NULL}; /* so that a list goes out in two pieces */

static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)tow_pusher_channel_policy(user, name, policy);
}

static tow_pusher *begin(struct world *world, uint64_t seed) {
    char file[] = "/tmp/towline-secret-XXXXXX", why[TOW_HANDLER_TEXT_MAX];
    tow_handler_place place = {.server = world->server, .loop = world->loop};
    tow_handler handler;
    int fd = mkstemp(file);
    assert_int_equal(write(fd, secret, strlen(secret)), strlen(secret));
    close(fd);
    assert_int_equal(tow_pusher_new(&place.pusher, &place), 0);
    tow_server_set_channel_policy(world->server, policy_find, place.pusher);
    const tow_pusher_settings settings = {.id = "42",
        .key = key,
        .secret = file,
        .client_events = true,
        .subscription_counts = true,
        .max_client_events = 10,
        .max_connections = TOW_OFF,
        .max_channels = 10,
        .max_members = 10,
        .activity_seconds = 120,
        .authorize_seconds = TOW_OFF,
        .cache_seconds = 60,
        .webhooks = hook_urls,
        .share = shared};
    assert_int_equal(tow_pusher_kind.make(&handler, &settings, &place, why), 0);
    unlink(file);
    handler.on_free = tow_pusher_kind.free;
    assert_int_equal(tow_server_route(world->server, "/app/test-key-123", &handler), 0);
    handler.on_free = NULL;
    assert_int_equal(tow_server_route(world->server, "/apps/42/*", &handler), 0);
    (void)seed;
    world_listen(world);
    return place.pusher;
}

/* Peers. */

static void room(struct peer *peer) {
    assert_int_equal(tow_buffer_reserve(&peer->in, 100000), 0);
    assert_int_equal(tow_buffer_reserve(&peer->out, 100000), 0);
}

static void say(struct peer *peer, const char *text) {
    const size_t length = strlen(text);
    const uint8_t head[] = {0x81, 0xFE, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, 0};
    assert_true(length > 125);
    peer_send(peer, head, sizeof(head));
    peer_send(peer, text, length);
}

static const char *signed_text(const char *format, const char *id, const char *between, const char *data) {
    static char text[1024];
    char digest[TOW_HMAC_TEXT], escaped[256];
    size_t length = 0;
    const tow_slice parts[] = {tow_slice_from(id), tow_slice_from(between), tow_slice_from(data)};
    assert_int_equal(tow_hmac_make(digest, tow_slice_from(secret), parts, 3, ":"), 0);
    for (const char *at = data; *at != '\0'; at++) {
        if (*at == '"')
            escaped[length++] = '\\';
        escaped[length++] = *at;
    }
    escaped[length] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(text, sizeof(text), format, digest, escaped);
#pragma GCC diagnostic pop
    return text;
}

/* What is said was written before memory fails. */
typedef struct speech {
    char subscribe[1024], sign_in[1024], event[512], ask[1024];
} speech;

static void ask_write(speech *made, long long now) {
    char query[256], digest[TOW_HMAC_TEXT];
    snprintf(query, sizeof(query), "auth_key=%s&auth_timestamp=%lld&auth_version=1.0", key, now);
    const tow_slice parts[] = {
        tow_slice_from("GET"), tow_slice_from("/apps/42/channels"), tow_slice_from(query)};
    assert_int_equal(tow_hmac_make(digest, tow_slice_from(secret), parts, 3, "\n"), 0);
    snprintf(made->ask, sizeof(made->ask),
        "GET /apps/42/channels?%s&auth_signature=%s HTTP/1.1\r\nHost: localhost\r\n\r\n", query, digest);
}

static void speech_write(speech *made, const char *id) {
    strcpy(made->subscribe,
        signed_text("{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"presence-cache-c\",\"auth\":"
                    "\"test-key-123:%s\","
                    "\"channel_data\":\"%s\"}}",
            id, "presence-cache-c", "{\"user_id\":\"u1\",\"user_info\":{\"name\":\"Ann\"}}"));
    strcpy(made->sign_in,
        signed_text(
            "{\"event\":\"pusher:signin\",\"data\":{\"auth\":\"test-key-123:%s\",\"user_data\":\"%s\"}}", id,
            ":user:", "{\"id\":\"u1\",\"watchlist\":[\"u2\",\"u3\"]}"));
    snprintf(made->event, sizeof(made->event),
        "{\"event\":\"client-x\",\"channel\":\"presence-cache-c\",\"data\":\"%0120d\"}", 1);
}

/* Whether so many allocations were asked for. */
static bool converse(size_t number) {
    static const char greeting[] = "{\\\"socket_id\\\":\\\"";
    struct world world;
    struct peer client, server;
    char id[32];
    speech words;
    world_make(&world, &(tow_simulation_options){.seed = number}, &(tow_server_options){0});
    tow_pusher *pusher = begin(&world, number);
    peer_connect(&client, &world);
    peer_text(&client, OPENING("/app/test-key-123?protocol=7"));
    peer_expect(&client, "activity_timeout");
    assert_int_equal(
        sscanf(strstr((const char *)client.in.data, greeting) + strlen(greeting), "%31[0-9.]", id), 1);
    peer_connect(&server, &world);
    room(&client);
    room(&server);
    assert_int_equal(tow_buffer_reserve(&world.log, 100000), 0);
    speech_write(&words, id);
    ask_write(&words, (long long)tow_loop_wall_seconds(world.loop));
    allocation_fail_at(number);
    say(&client, words.subscribe);
    say(&client, words.sign_in);
    say(&client, words.event);
    world_run(&world, 100); /* by then it is subscribed, however the network cuts */
    peer_text(&server, words.ask);
    world_run(&world, 100);
    bool reached = allocation_count() >= number;
    assert_true(reached || (peer_has(&server, "{\"channels\":{\"presence-cache-c\":{}") &&
                               peer_has(&server, "}}\r\n0\r\n\r\n")));
    allocation_fail_at(0);
    peer_close(&client);
    peer_close(&server);
    world_run(&world, 3000);
    tow_pusher_end(pusher);
    world_end(&world);
    tow_pusher_free(pusher);
    return reached;
}

static void nothing_is_left_whatever_fails(void **state) {
    (void)state;
    const unsigned step = unit_step(3);
    long before = allocation_outstanding();
    bool reached = true;
    for (size_t number = 1; reached; number += step) {
        reached = converse(number);
        assert_int_equal(allocation_outstanding(), before);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_whatever_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
