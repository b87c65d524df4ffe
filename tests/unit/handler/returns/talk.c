/* towline.v1: envelopes. */
#include "base/json.h"
#include "kinds.h"

static tow_slice member(tow_slice envelope, const char *name) {
    tow_slice value;
    return tow_json_member(envelope, name, &value) ? value : (tow_slice){"null", 4};
}

/* "EPOCH:NUMBER", with its quotation marks. */
static unsigned number_of(tow_slice position) {
    char text[64];
    unsigned number;
    snprintf(text, sizeof(text), "%.*s", (int)position.length, position.data);
    assert_int_equal(sscanf(text, "\"%*11c:%u\"", &number), 1);
    return number;
}

/* All up to the position is gone, or has come. */
static void take_gap(struct client *self, tow_slice envelope) {
    client_is_told_of_a_gap(self);
    self->last = number_of(member(envelope, "position"));
}

static void heard(struct link *link, tow_slice envelope) {
    struct client *self = link->user;
    tow_slice type = member(envelope, "type");
    if (tow_json_string_is(type, "message")) {
        client_hear(self, member(envelope, "data"), number_of(member(envelope, "position")));
    } else if (tow_json_string_is(type, "gap")) {
        take_gap(self, envelope);
    } else if (tow_json_string_is(type, "subscribed")) {
        self->is_ready = true;
        if (!tow_slice_equals(member(envelope, "whole"), "true"))
            take_gap(self, envelope);
    } else {
        fail_msg("%.*s", (int)envelope.length, envelope.data);
    }
}

static void opened(struct link *link) {
    struct client *self = link->user;
    char text[128];
    snprintf(text, sizeof(text),
        "{\"type\":\"subscribe\",\"channel\":\"" SCENE_CHANNEL "\",\"since\":\"%s:%u\"}", self->scene->epoch,
        self->last);
    link_say(link, text);
}

static const struct link_owner owner = {.opened = opened, .heard = heard};

static void come(struct client *self) {
    self->link.owner = &owner;
    self->link.user = self;
    self->link.protocol = "towline.v1";
    link_begin(&self->link, self->kind->link, self->scene, self->kind->path, "");
}

#define TALK CLIENT_LINKED, .come = come, .asks_since = true
const struct client_kind client_talk = {
    TALK, .name = "towline.v1", .link = &link_websocket, .path = "/channel/"};
const struct client_kind client_talk_polling = {
    TALK, .name = "towline.v1 by polling", .link = &link_own_polling, .path = "/channel/engine.io/"};
const struct client_kind client_talk_upgrade = {
    TALK, .name = "towline.v1 with an upgrade", .link = &link_own_upgrade, .path = "/channel/engine.io/"};
