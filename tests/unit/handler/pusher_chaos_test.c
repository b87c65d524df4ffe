/* Clients of an app that come, are cut and come back at random, while events are published: each sees them in
 * order, none twice, and all while its subscription stands; and members are told in turns. */
#include "../server/world.h"

#include "handler/pusher.h"
#include "hmac.h"
#include "server/channels.h"

#include <unistd.h>

enum { CLIENTS = 12, STEPS = 400, NAME = 32 };

static const char key[] = "test-key-123", secret[] = "test-secret-456";

struct chaos_client {
    struct peer peer;
    char id[NAME];
    int number;
    size_t read; /* bytes of what was received that were looked at */
    int since;   /* events that had been published when it subscribed */
    int next;    /* event that it must see; -1: it has seen none */
    bool is_connected, has_asked;
    int members[CLIENTS]; /* of the presence channel, as it was told: by whom they are */
};

struct chaos {
    struct world world;
    tow_pusher *pusher;
    struct chaos_client clients[CLIENTS];
    uint64_t chance;
    int published;
};

static unsigned dice(struct chaos *chaos, unsigned sides) {
    chaos->chance = chaos->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chaos->chance >> 33) % sides;
}

static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)tow_pusher_channel_policy(user, name, policy);
}

static void begin(struct chaos *chaos, uint64_t seed) {
    char file[] = "/tmp/towline-secret-XXXXXX", why[TOW_HANDLER_TEXT_MAX];
    memset(chaos, 0, sizeof(*chaos));
    chaos->chance = seed;
    world_make(&chaos->world, &(tow_simulation_options){.seed = seed}, &(tow_server_options){0});
    int fd = mkstemp(file);
    assert_int_equal(write(fd, secret, strlen(secret)), strlen(secret));
    close(fd);
    tow_handler_place place = {.server = chaos->world.server, .loop = chaos->world.loop};
    assert_int_equal(tow_pusher_new(&chaos->pusher, &place), 0);
    place.pusher = chaos->pusher;
    tow_server_set_channel_policy(chaos->world.server, policy_find, chaos->pusher);
    const tow_pusher_settings settings = {.id = "42",
        .key = key,
        .secret = file,
        .max_channels = 10,
        .max_members = 100,
        .cache_seconds = 60,
        .activity_seconds = 120,
        .max_client_events = 10,
        .max_connections = TOW_OFF,
        .authorize_seconds = TOW_OFF};
    tow_handler handler;
    assert_int_equal(tow_pusher_kind.make(&handler, &settings, &place, why), 0);
    unlink(file);
    handler.on_free = tow_pusher_kind.free;
    assert_int_equal(tow_server_route(chaos->world.server, "/app/test-key-123", &handler), 0);
    world_listen(&chaos->world);
    for (int i = 0; i < CLIENTS; i++)
        chaos->clients[i].number = i;
}

/* What a client is told. */

static void take_event(struct chaos *chaos, struct chaos_client *client, const char *message) {
    int number;
    const char *data = strstr(message, "\"data\":\"<");
    assert_non_null(data);
    assert_int_equal(sscanf(data, "\"data\":\"<%d>", &number), 1);
    if (client->next < 0)
        assert_in_range(
            number, client->since, chaos->published); /* the first that it could see, or the next */
    else
        assert_int_equal(number, client->next);
    client->next = number + 1;
}

static void take_member(struct chaos_client *client, const char *message, bool is_added) {
    int who;
    assert_int_equal(sscanf(strstr(message, "user_id"), "user_id\\\":\\\"u%d", &who), 1);
    assert_int_equal(client->members[who], !is_added);
    client->members[who] = is_added;
}

static void take_roster(struct chaos_client *client, const char *message, const char *end) {
    const char *ids = strstr(message, "ids"), *hash = strstr(message, "hash");
    int who;
    assert_true(ids != NULL && hash != NULL && hash < end);
    for (const char *at = ids; (at = strstr(at, "\\\"u")) != NULL && at < hash; at++)
        if (sscanf(at, "\\\"u%d", &who) == 1)
            client->members[who] = 1;
    assert_int_equal(client->members[client->number], 1);
}

/* Server's frames of text, of which none is larger than 64 KiB here. */
static void look(struct chaos *chaos, struct chaos_client *client) {
    for (;;) {
        const uint8_t *bytes = client->peer.in.data + client->read;
        size_t left = client->peer.in.length - client->read;
        size_t head = left > 1 && bytes[1] == 126 ? 4 : 2;
        if (left < head)
            return;
        size_t length = head == 4 ? (size_t)(bytes[2] << 8 | bytes[3]) : bytes[1];
        if (left < head + length)
            return;
        char *message = strndup((const char *)bytes + head, length);
        if (strstr(message, "{\"event\":\"e\"") != NULL)
            take_event(chaos, client, message);
        else if (strstr(message, "member_added") != NULL || strstr(message, "member_removed") != NULL)
            take_member(client, message, strstr(message, "member_added") != NULL);
        else if (strstr(message, "\"presence-c\",\"data\":\"{\\\"presence") != NULL)
            take_roster(client, message, message + length);
        free(message);
        client->read += head + length;
    }
}

/* What it does. */

static void say(struct chaos_client *client, const char *text) {
    const size_t length = strlen(text);
    const uint8_t head[] = {0x81, 0xFE, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, 0};
    assert_true(length > 125);
    peer_send(&client->peer, head, sizeof(head));
    peer_send(&client->peer, text, length);
}

static void subscribe(struct chaos *chaos, struct chaos_client *client) {
    char text[512], plain[64], digest[TOW_HMAC_TEXT];
    snprintf(plain, sizeof(plain), "{\"user_id\":\"u%d\"}", client->number);
    const tow_slice parts[] = {
        tow_slice_from(client->id), tow_slice_from("presence-c"), tow_slice_from(plain)};
    assert_int_equal(tow_hmac_make(digest, tow_slice_from(secret), parts, 3, ":"), 0);
    snprintf(text, sizeof(text),
        "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"presence-c\",\"auth\":\"%s:%s\",\"channel_"
        "data\":\"{"
        "\\\"user_id\\\":\\\"u%d\\\"}\"}}",
        key, digest, client->number);
    say(client, text);
    client->since = chaos->published;
    client->next = -1;
    client->has_asked = true;
}

static void come(struct chaos *chaos, struct chaos_client *client) {
    static const char greeting[] = "{\\\"socket_id\\\":\\\"";
    memset(client->members, 0, sizeof(client->members));
    peer_connect(&client->peer, &chaos->world);
    peer_text(&client->peer, OPENING("/app/test-key-123?protocol=7"));
    peer_expect(&client->peer, "activity_timeout");
    const char *text = (const char *)client->peer.in.data;
    assert_int_equal(sscanf(strstr(text, greeting) + strlen(greeting), "%31[0-9.]", client->id), 1);
    client->read = (size_t)(strstr(text, "\r\n\r\n") - text) + 4;
    client->is_connected = true;
    client->has_asked = false;
}

static void go(struct chaos *chaos, struct chaos_client *client) {
    look(chaos, client);
    if (dice(chaos, 2) == 0)
        peer_reset(&client->peer);
    else
        peer_close(&client->peer);
    client->is_connected = false;
}

static void publish(struct chaos *chaos) {
    char data[16];
    snprintf(data, sizeof(data), "<%d>", chaos->published++);
    const tow_draft draft = {.event = tow_slice_from("e"), .type = TOW_TEXT, .data = tow_slice_from(data)};
    assert_int_equal(
        tow_hub_publish(tow_server_hub(chaos->world.server), tow_slice_from("pusher/42/presence-c"), &draft),
        0);
}

static void step(struct chaos *chaos) {
    struct chaos_client *client = &chaos->clients[dice(chaos, CLIENTS)];
    unsigned what = dice(chaos, 10);
    if (what < 5)
        publish(chaos);
    else if (!client->is_connected)
        come(chaos, client);
    else if (!client->has_asked)
        subscribe(chaos, client);
    else if (what == 9)
        go(chaos, client);
    if (dice(chaos, 3) == 0)
        world_run(&chaos->world, (int)dice(chaos, 4));
}

/* Who is there has seen all, and all know the same members. */
static void check(struct chaos *chaos) {
    world_run(&chaos->world, 1000);
    publish(chaos);
    world_run(&chaos->world, 1000);
    for (int i = 0; i < CLIENTS; i++) {
        struct chaos_client *client = &chaos->clients[i];
        if (!client->is_connected || !client->has_asked)
            continue;
        look(chaos, client);
        assert_int_equal(client->next, chaos->published);
        for (int j = 0; j < CLIENTS; j++)
            assert_int_equal(
                client->members[j], chaos->clients[j].is_connected && chaos->clients[j].has_asked);
    }
}

static void run(uint64_t seed) {
    struct chaos chaos;
    begin(&chaos, seed);
    for (int i = 0; i < STEPS; i++) {
        step(&chaos);
        if (i % 100 == 99)
            check(&chaos);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (chaos.clients[i].is_connected)
            go(&chaos, &chaos.clients[i]);
    tow_pusher_end(chaos.pusher);
    world_end(&chaos.world);
    tow_pusher_free(chaos.pusher);
}

static void events_come_in_order_and_once_whoever_is_cut(void **state) {
    (void)state;
    const unsigned seeds = getenv("TOWLINE_ALL") != NULL ? 300 : 10;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        run(seed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_and_once_whoever_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
