#include "channel_world.h"

#include <towline/error.h>

static void door_make(struct channels *channels, size_t index, const char *path, const char *name) {
    char why[TOW_HANDLER_TEXT_MAX];
    const tow_channel_door_settings settings = {.name = name};
    const tow_handler_place place = {.server = channels->world.server,
        .loop = channels->world.loop,
        .path = path,
        .channels = &channels->shared};
    tow_handler *handler = &channels->doors[index];
    assert_int_equal(tow_channel_kind.make(handler, &settings, &place, why), 0);
    handler->on_free = tow_channel_kind.free;
    assert_int_equal(tow_server_route(channels->world.server, path, handler), 0);
}

void channels_set(struct channels *channels, const tow_channel_settings *settings) {
    const tow_channel_settings *list[16];
    tow_channel_table *table;
    size_t count = 0;
    for (; settings != NULL && settings[count].name != NULL; count++)
        list[count] = &settings[count];
    assert_int_equal(tow_channel_table_new(&table, list, count), 0);
    tow_channel_policies_take(channels->policies, table);
    tow_server_set_channel_policy(channels->world.server, tow_channel_policies_find, channels->policies);
}

void channels_begin(struct channels *channels, uint64_t seed, const tow_channel_settings *settings,
    const tow_channel_keeper *keeper, const tow_server_options *options) {
    static const tow_server_options none = {0};
    memset(channels, 0, sizeof(*channels));
    world_make(&channels->world, &(tow_simulation_options){.seed = seed}, options != NULL ? options : &none);
    channels->shared.keeper = keeper;
    assert_int_equal(tow_channel_policies_new(&channels->policies), 0);
    channels_set(channels, settings);
    door_make(channels, 0, "/channel/*", NULL);
    door_make(channels, 1, "/one", "one");
    world_listen(&channels->world);
}

void channels_end(struct channels *channels) {
    world_end(&channels->world);
    tow_channel_policies_free(channels->policies);
}

void channels_say(struct channels *channels, const char *channel, const char *text) {
    assert_int_equal(tow_channel_publish(channels->world.server, channel,
                         &(tow_publication){.data = text, .length = strlen(text)}),
        0);
}

void channels_position(struct channels *channels, const char *channel, char out[64]) {
    struct peer peer;
    char target[300];
    snprintf(target, sizeof(target), "/channel/%s", channel);
    peer_request(&peer, channels, target, "");
    peer_expect(&peer, "]}\n");
    const char *found = strstr((const char *)peer.in.data, "\"position\":\"");
    assert_non_null(found);
    assert_int_equal(sscanf(found, "\"position\":\"%63[^\"]", out), 1);
    peer_close(&peer);
}

static void open_with(struct peer *peer, struct channels *channels, const char *target, const char *fields) {
    char request[2000];
    peer_connect(peer, &channels->world);
    snprintf(request, sizeof(request),
        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        target, fields);
    peer_text(peer, request);
    peer_expect(peer, OPENED);
    peer_expect(peer, "\r\n\r\n");
}

void peer_open(struct peer *peer, struct channels *channels, const char *target) {
    open_with(peer, channels, target, "");
    world_run(&channels->world, 10);
}

void peer_talk(struct peer *peer, struct channels *channels, const char *target) {
    open_with(peer, channels, target, "Sec-WebSocket-Protocol: towline.v1\r\n");
    world_run(&channels->world, 10);
}

void peer_say(struct peer *peer, const char *text) {
    size_t length = strlen(text);
    uint8_t head[8] = {0x81, (uint8_t)(0x80 | length)}; /* a mask of zeros */
    size_t head_length = 6;
    if (length > 125) {
        assert_true(length < 65536);
        head[1] = 0x80 | 126;
        head[2] = (uint8_t)(length >> 8);
        head[3] = (uint8_t)length;
        head_length = 8;
    }
    peer_send(peer, head, head_length);
    peer_send(peer, text, length);
}

void peer_request(struct peer *peer, struct channels *channels, const char *target, const char *fields) {
    char request[2000];
    peer_connect(peer, &channels->world);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target, fields);
    peer_text(peer, request);
}

void peer_expect_close(struct peer *peer, uint16_t code, const char *reason) {
    char payload[126];
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xFF);
    size_t length = strlen(reason);
    memcpy(payload + 2, reason, length);
    peer_expect_frame(peer, 8, payload, length + 2);
}

size_t peer_count(const struct peer *peer, const char *text) {
    size_t count = 0;
    const char *at = peer->in.length > 0 ? (const char *)peer->in.data : "";
    const char *end = at + peer->in.length;
    size_t length = strlen(text);
    while ((at = memmem(at, (size_t)(end - at), text, length)) != NULL) {
        count++;
        at += length;
    }
    return count;
}
