/* Clients of each kind on one channel, which are cut off at random and come back, by a seed: each gets every
 * message once and in order, or is told that some are missing. */
#include "channel_world.h"

enum { CLIENTS = 32, MESSAGES = 1000, KEPT = 60 };

typedef enum kind { PLAIN, TALK, STREAM, POLL, KINDS } kind;

typedef struct client {
    struct peer peer;
    kind kind;
    bool is_on;
    size_t scanned;
    unsigned last; /* number of the message that it has seen last */
    bool is_told;  /* that what is missing before the next is missing */
    unsigned told; /* how often */
} client;

static struct channels channels;
static client clients[CLIENTS];
static char epoch[12];
static uint64_t chance;

static unsigned draw(unsigned below) {
    chance = chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(chance >> 33) % below;
}

/* Coming and going. */

static void come(client *self) {
    char target[100], request[400];
    const char *name = self->kind == TALK ? "" : "kept";
    snprintf(target, sizeof(target), "/channel/%s?since=%s:%u", name, epoch, self->last);
    self->is_on = true;
    self->scanned = 0;
    if (self->kind == STREAM || self->kind == POLL) {
        peer_request(
            &self->peer, &channels, target, self->kind == STREAM ? "Accept: text/event-stream\r\n" : "");
        return;
    }
    peer_connect(&self->peer, &channels.world);
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n%s%s\r\n", target,
        "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
        self->kind == TALK ? "Sec-WebSocket-Protocol: towline.v1\r\n" : "");
    peer_text(&self->peer, request);
    if (self->kind != TALK)
        return;
    snprintf(request, sizeof(request), "{\"type\":\"subscribe\",\"channel\":\"kept\",\"since\":\"%s:%u\"}",
        epoch, self->last);
    peer_say(&self->peer, request);
}

static void go(client *self) {
    self->is_on = false;
    if (draw(2) == 0)
        peer_reset(&self->peer);
    else
        peer_close(&self->peer);
}

/* What came: messages are "<NUMBER>". */

static void take_message(client *self, unsigned number) {
    if (self->is_told ? number <= self->last : number != self->last + 1)
        fail_msg(
            "kind %d: %u after %u%s", (int)self->kind, number, self->last, self->is_told ? ", told" : "");
    self->last = number;
    self->is_told = false;
}

static void take_gap(client *self) {
    self->is_told = true;
    self->told++;
}

/* Its Close has where the channel is. Returns false when not all of it is there. */
static bool take_gone(client *self, const char *at) {
    unsigned number;
    char end;
    if (sscanf(at, "gone, now at %*11c:%u%c", &number, &end) < 1)
        return false;
    self->last = number;
    self->told++;
    return true;
}

static const char *const marks[] = {
    "<", "event: towline.gap\n", "\"whole\":false", "\"type\":\"gap\"", "gone, now at ", "]}\n"};

/* The first mark behind `at`, as its index, or -1. */
static int mark_find(const char **at, const char *end) {
    const char *first = NULL;
    int found = -1;
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *here = memmem(*at, (size_t)(end - *at), marks[i], strlen(marks[i]));
        if (here == NULL || (first != NULL && here > first))
            continue;
        first = here;
        found = (int)i;
    }
    *at = first;
    return found;
}

static void poll_again(client *self) {
    char request[200];
    snprintf(request, sizeof(request), "GET /channel/kept?since=%s:%u HTTP/1.1\r\nHost: localhost\r\n\r\n",
        epoch, self->last);
    peer_text(&self->peer, request);
}

/* Reads on; returns whether the connection is over. */
static bool read_on(client *self) {
    const char *begin = (const char *)self->peer.in.data, *end = begin + self->peer.in.length;
    const char *at = begin + self->scanned;
    bool is_over = false;
    for (int mark; (mark = mark_find(&at, end)) >= 0; at += strlen(marks[mark])) {
        const char *close = mark == 0 ? memchr(at, '>', (size_t)(end - at)) : at;
        if (close == NULL)
            break;
        if (mark == 0)
            take_message(self, (unsigned)strtoul(at + 1, NULL, 10));
        else if (mark == 4)
            is_over = end - at >= 26 && take_gone(self, at);
        else if (mark == 5 && self->kind == POLL)
            poll_again(self);
        else if (mark < 4)
            take_gap(self);
        self->scanned = (size_t)(at - begin) + strlen(marks[mark]);
        begin = (const char *)self->peer.in.data; /* poll_again does not change it */
    }
    return is_over || self->peer.ended || self->peer.failed;
}

static void step(client *self) {
    if (self->is_on && read_on(self))
        go(self);
}

/* All of it. */

static void begin(uint64_t seed) {
    static const tow_channel_settings settings[] = {{.name = "kept", .history = KEPT}, {0}};
    char position[64];
    chance = seed;
    channels_begin(&channels, seed, settings, NULL, NULL);
    channels_position(&channels, "kept", position);
    memcpy(epoch, position, 11);
    epoch[11] = '\0';
    memset(clients, 0, sizeof(clients));
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].kind = (kind)(i % KINDS);
        come(&clients[i]);
    }
}

static void say(unsigned number) {
    char text[16];
    snprintf(text, sizeof(text), "<%u>", number);
    channels_say(&channels, "kept", text);
}

static void all_step(bool cut) {
    for (size_t i = 0; i < CLIENTS; i++) {
        step(&clients[i]);
        if (cut && clients[i].is_on && draw(60) == 0)
            go(&clients[i]);
        else if (!clients[i].is_on && (!cut || draw(30) == 0))
            come(&clients[i]);
    }
}

static bool all_have(unsigned number) {
    for (size_t i = 0; i < CLIENTS; i++)
        if (clients[i].last != number)
            return false;
    return true;
}

static unsigned run(uint64_t seed) {
    unsigned told = 0;
    begin(seed);
    for (unsigned i = 1; i <= MESSAGES; i++) {
        say(i);
        world_run(&channels.world, 1 + (int)draw(4));
        all_step(true);
    }
    for (unsigned i = 0; i < 50; i++) {
        world_run(&channels.world, 20);
        all_step(false);
    }
    say(MESSAGES + 1);
    for (unsigned i = 0; i < 1000 && !all_have(MESSAGES + 1); i++) {
        world_run(&channels.world, 20);
        all_step(false);
    }
    assert_true(all_have(MESSAGES + 1));
    for (size_t i = 0; i < CLIENTS; i++) {
        told += clients[i].told;
        if (clients[i].is_on)
            peer_reset(&clients[i].peer);
    }
    channels_end(&channels);
    return told;
}

static void every_message_comes_once_in_order_or_is_told_to_be_missing(void **state) {
    (void)state;
    unsigned told = 0;
    for (uint64_t seed = 0; seed < 300; seed += unit_step(30))
        told += run(seed);
    assert_true(told > 0); /* some were away for long */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_once_in_order_or_is_told_to_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
