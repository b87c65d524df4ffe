/* The messages of the channel as they are, by whatever carries them. */
#include "kinds.h"

/* It sees no positions, and counts. */
static void heard(struct link *link, tow_slice message) {
    struct client *self = link->user;
    client_hear(self, message, self->kind->asks_since ? self->last + 1 : 0);
}

static void opened(struct link *link) {
    struct client *self = link->user;
    self->is_ready = true;
    if (!self->kind->asks_since)
        client_begins_anew(self);
}

/* What it asks for is gone: the Close says where the channel is. Or it was too slow: it asks for what it
 * misses. */
static void closed(struct link *link, uint16_t code, tow_slice reason) {
    struct client *self = link->user;
    if (!self->kind->asks_since || tow_slice_equals(reason, "messages are missing"))
        return;
    char text[128];
    unsigned number = 0;
    snprintf(text, sizeof(text), "%.*s", (int)reason.length, reason.data);
    if (code != 4410 || sscanf(text, "gone, now at %*11c:%u", &number) != 1)
        fail_msg("%s: Close %u, %s", self->kind->name, code, text);
    client_is_told_of_a_gap(self);
    self->last = number;
}

static const struct link_owner owner = {.opened = opened, .heard = heard, .closed = closed};

static void come(struct client *self) {
    char query[64] = "gap=close";
    self->link.owner = &owner;
    self->link.user = self;
    self->link.protocol = NULL;
    if (self->kind->asks_since)
        snprintf(query, sizeof(query), "since=%s:%u&gap=close", self->scene->epoch, self->last);
    link_begin(&self->link, self->kind->link, self->scene, self->kind->path, query);
}

#define PATH "/channel/" SCENE_CHANNEL
#define PLAIN CLIENT_LINKED, .come = come
const struct client_kind client_plain = {
    PLAIN, .name = "plain", .link = &link_websocket, .path = PATH, .asks_since = true};
const struct client_kind client_raw = {PLAIN, .name = "SockJS's raw WebSocket", .link = &link_websocket,
    .path = PATH "/sockjs/websocket", .asks_since = true};
const struct client_kind client_sockjs_websocket = {
    PLAIN, .name = "SockJS by WebSocket", .link = &link_sockjs_websocket, .path = PATH "/sockjs"};
const struct client_kind client_sockjs_xhr = {
    PLAIN, .name = "SockJS by xhr", .link = &link_sockjs_xhr, .path = PATH "/sockjs"};
const struct client_kind client_sockjs_streaming = {PLAIN, .name = "SockJS by xhr_streaming, since",
    .link = &link_sockjs_streaming, .path = PATH "/sockjs", .asks_since = true};
const struct client_kind client_engineio_polling = {
    PLAIN, .name = "Engine.IO by polling", .link = &link_engineio_polling, .path = PATH "/engine.io/"};
const struct client_kind client_engineio_websocket = {
    PLAIN, .name = "Engine.IO by WebSocket", .link = &link_engineio_websocket, .path = PATH "/engine.io/"};
const struct client_kind client_engineio_upgrade = {
    PLAIN, .name = "Engine.IO with an upgrade", .link = &link_engineio_upgrade, .path = PATH "/engine.io/"};
const struct client_kind client_own_polling = {PLAIN, .name = "our own Engine.IO by polling",
    .link = &link_own_polling, .path = PATH "/engine.io/", .asks_since = true};
const struct client_kind client_own_upgrade = {PLAIN, .name = "our own Engine.IO with an upgrade",
    .link = &link_own_upgrade, .path = PATH "/engine.io/", .asks_since = true};
