#include "flood.h"

enum { LENGTH = 1000, HIGH = 8192, NETWORK = 64 * 1024 };

const tow_server_options flood_options = {.status = "127.0.0.1:9999",
    .limits = {.high_mark = HIGH, .low_mark = HIGH / 2, .stall_seconds = TOW_OFF}};

static void policy_find(void *user, tow_slice name, tow_channel_policy *policy) {
    (void)name;
    *policy = (tow_channel_policy){.slow = *(const tow_channel_slow *)user, .slow_count = 4};
}

void flood_set_policy(struct world *world, tow_channel_slow slow) {
    static const tow_channel_slow all[] = {TOW_SLOW_ENDS, TOW_SLOW_OLDEST, TOW_SLOW_LATEST};
    size_t index = 0;
    while (all[index] != slow)
        index++;
    tow_server_set_channel_policy(world->server, policy_find, (void *)(uintptr_t)&all[index]);
}

void flood_name(char name[64], const char *prefix, int number) {
    snprintf(name, 64, "%sc%03d", prefix, number);
}

static void say(struct world *world, const char *name, int round) {
    char text[LENGTH];
    memset(text, '.', sizeof(text));
    memcpy(text, name, strlen(name));
    text[LENGTH - 2] = '#';
    text[LENGTH - 1] = (char)('a' + round);
    const tow_draft draft = {.type = TOW_TEXT,
        .data = {text, LENGTH},
        .event = tow_slice_from("message"),
        .key = tow_slice_from("key")};
    assert_int_equal(tow_hub_publish(tow_server_hub(world->server), tow_slice_from(name), &draft), 0);
}

void flood_say(struct world *world, const char *prefix, int channels) {
    char name[64];
    for (int round = 0; round < FLOOD_ROUNDS; round++) {
        for (int i = 0; i < channels; i++) {
            flood_name(name, prefix, i);
            say(world, name, round);
        }
    }
    world_run(world, 1000);
}

void flood_expect_bound(struct world *world) {
    long given = world_metric(world, "channel_deliveries_total");
    assert_true(given > 0 && given * LENGTH <= NETWORK + HIGH + FLOOD_ROUNDS * LENGTH);
}

static int last_count(const struct peer *peer) {
    const char last[] = {'#', 'a' + FLOOD_ROUNDS - 1, '\0'};
    int count = 0;
    for (size_t i = 0; i + 2 <= peer->in.length; i++)
        count += memcmp(peer->in.data + i, last, 2) == 0;
    return count;
}

void flood_expect_last(struct world *world, struct peer *peer, int channels) {
    tow_stream_resume(&peer->stream);
    for (int i = 0; i < 1000 && last_count(peer) < channels; i++)
        world_run(world, 10);
    assert_true(last_count(peer) >= channels);
}
