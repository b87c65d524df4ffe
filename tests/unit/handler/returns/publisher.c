#include "publisher.h"

#include "hmac.h"

#include <openssl/evp.h>

static void is_done(struct publisher *self) {
    self->done = self->number;
    self->on_done(self);
    self->number = 0;
}

static struct wire *open_wire(struct publisher *self, const struct wire_events *events) {
    if (!self->wire.is_open)
        wire_open(&self->wire, self->scene, events, self);
    return &self->wire;
}

/* By HTTP, with a key of the request: who does not know whether it got there asks again. */

static const struct wire_events http_events;

static void http_publish(struct publisher *self) {
    char fields[160], body[256];
    snprintf(body, sizeof(body), "<%u>%*s", self->number, self->scene->padding, "");
    snprintf(fields, sizeof(fields),
        "Authorization: Bearer " SCENE_SECRET "\r\nContent-Type: text/plain\r\nIdempotency-Key: m%u\r\n",
        self->number);
    wire_ask(open_wire(self, &http_events), "POST", "/publish/" SCENE_CHANNEL, fields, tow_slice_from(body));
}

static void http_answered(struct wire *wire) {
    struct publisher *self = wire->user;
    if (wire->status == 200)
        is_done(self);
    else if (wire->status == 409) /* that of the connection before is under way */
        http_publish(self);
    else
        fail_msg("%s: %d %.*s", self->kind->name, wire->status, (int)wire->body.length, wire->body.data);
}

static void http_over(struct wire *wire) {
    struct publisher *self = wire->user;
    if (self->number != 0)
        http_publish(self);
}

static const struct wire_events http_events = {.answered = http_answered, .over = http_over};
static const struct publisher_kind http_kind = {.name = "HTTP", .publish = http_publish};

/* By Pusher's interface: what was cut may have got there. */

static void is_unknown(struct publisher *self) {
    self->number = 0;
}

static void pusher_answered(struct wire *wire) {
    struct publisher *self = wire->user;
    if (wire->status != 200)
        fail_msg("%s: %d %.*s", self->kind->name, wire->status, (int)wire->body.length, wire->body.data);
    is_done(self);
}

static void pusher_over(struct wire *wire) {
    is_unknown(wire->user);
}

static void md5_write(char out[33], const char *text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length;
    assert_int_equal(EVP_Digest(text, strlen(text), digest, &length, EVP_md5(), NULL), 1);
    for (unsigned i = 0; i < length; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void pusher_publish(struct publisher *self) {
    static const struct wire_events events = {.answered = pusher_answered, .over = pusher_over};
    static const char path[] = "/apps/" SCENE_APP "/events";
    char body[320], md5[33], query[256], target[512], signature[TOW_HMAC_TEXT];
    snprintf(body, sizeof(body),
        "{\"name\":\"message\",\"channel\":\"" SCENE_CHANNEL "\",\"data\":\"<%u>%*s\"}", self->number,
        self->scene->padding, "");
    md5_write(md5, body);
    snprintf(query, sizeof(query),
        "auth_key=" SCENE_APP_KEY "&auth_timestamp=%lld&auth_version=1.0&body_md5=%s",
        (long long)tow_loop_wall_seconds(self->scene->world.loop), md5);
    const tow_slice parts[] = {tow_slice_from("POST"), tow_slice_from(path), tow_slice_from(query)};
    assert_int_equal(tow_hmac_make(signature, tow_slice_from(SCENE_SECRET), parts, 3, "\n"), 0);
    snprintf(target, sizeof(target), "%s?%s&auth_signature=%s", path, query, signature);
    wire_ask(
        open_wire(self, &events), "POST", target, "Content-Type: application/json\r\n", tow_slice_from(body));
}

static const struct publisher_kind pusher_kind = {.name = "Pusher's HTTP", .publish = pusher_publish};

/* By towline.v1. */

static bool has(tow_slice text, const char *part) {
    return memmem(text.data, text.length, part, strlen(part)) != NULL;
}

static void talk_heard(struct link *link, tow_slice message) {
    struct publisher *self = link->user;
    if (!has(message, "\"type\":\"published\""))
        fail_msg("%s: %.*s", self->kind->name, (int)message.length, message.data);
    is_done(self);
}

static void talk_publish(struct publisher *self) {
    char text[384];
    snprintf(text, sizeof(text),
        "{\"type\":\"publish\",\"id\":1,\"channel\":\"" SCENE_CHANNEL "\",\"data\":\"<%u>%*s\"}",
        self->number, self->scene->padding, "");
    link_say(&self->link, text);
}

static bool talk_is_ready(struct publisher *self) {
    return self->link.is_open;
}

static void talk_begin(struct publisher *self) {
    static const struct link_owner owner = {.heard = talk_heard};
    self->link.owner = &owner;
    self->link.protocol = "towline.v1";
    bool is_websocket = self->kind->link == &link_websocket;
    link_begin(
        &self->link, self->kind->link, self->scene, is_websocket ? "/channel/" : "/channel/engine.io/", "");
}

#define TALK .is_ready = talk_is_ready, .publish = talk_publish, .begin = talk_begin
static const struct publisher_kind talk_kind = {TALK, .name = "towline.v1", .link = &link_websocket};
/* What it posts survives cuts. */
static const struct publisher_kind talk_polling_kind = {
    TALK, .name = "towline.v1 by polling", .link = &link_own_polling};
static const struct publisher_kind talk_upgrade_kind = {
    TALK, .name = "towline.v1 with an upgrade", .link = &link_own_upgrade};

/* By Socket.IO: an event with an acknowledgement. */

static void socketio_heard(struct link *link, tow_slice packet) {
    struct publisher *self = link->user;
    if (packet.data[0] == '0')
        self->has_entered = true;
    else if (packet.data[0] == '3')
        is_done(self);
}

static void socketio_opened(struct link *link) {
    link_say(link, "0");
}

static void socketio_publish(struct publisher *self) {
    char text[320];
    snprintf(
        text, sizeof(text), "2%u[\"say\",\"<%u>%*s\"]", self->number, self->number, self->scene->padding, "");
    link_say(&self->link, text);
}

static bool socketio_is_ready(struct publisher *self) {
    return self->has_entered;
}

static void socketio_begin(struct publisher *self) {
    static const struct link_owner owner = {.opened = socketio_opened, .heard = socketio_heard};
    self->link.owner = &owner;
    self->link.protocol = NULL;
    self->has_entered = false;
    link_begin(&self->link, self->kind->link, self->scene, "/socket.io/", "");
}

#define SOCKETIO .is_ready = socketio_is_ready, .publish = socketio_publish, .begin = socketio_begin
static const struct publisher_kind socketio_polling_kind = {
    SOCKETIO, .name = "Socket.IO by polling", .link = &link_engineio_polling};
static const struct publisher_kind socketio_upgrade_kind = {
    SOCKETIO, .name = "Socket.IO with an upgrade", .link = &link_engineio_upgrade};

const struct publisher_kind *const publisher_kinds[] = {&http_kind, &pusher_kind, &talk_kind,
    &talk_polling_kind, &talk_upgrade_kind, &socketio_polling_kind, &socketio_upgrade_kind, NULL};

/* All of them. */

bool publisher_is_idle(struct publisher *self) {
    return self->number == 0 && (self->kind->is_ready == NULL || self->kind->is_ready(self));
}

void publisher_publish(struct publisher *self) {
    self->number = ++self->scene->begun;
    self->kind->publish(self);
}

static void begin_again(struct publisher *self) {
    is_unknown(self);
    link_end(&self->link);
    self->link.user = self;
    self->kind->begin(self);
}

void publisher_step(struct publisher *self) {
    if (self->kind->link == NULL) {
        wire_read(&self->wire);
        return;
    }
    if (self->link.kind == NULL || self->link.is_over)
        begin_again(self);
    link_step(&self->link);
}

void publisher_cut(struct publisher *self) {
    if (self->kind->link != NULL) {
        link_cut(&self->link);
    } else if (self->wire.is_open) {
        wire_cut(&self->wire);
        self->wire.events->over(&self->wire);
    }
}

void publisher_end(struct publisher *self) {
    if (self->kind->link != NULL)
        link_end(&self->link);
    wire_cut(&self->wire);
}
