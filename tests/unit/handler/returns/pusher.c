/* Pusher's protocol, by WebSocket and by what it falls back to. */
#include "kinds.h"

static bool has(tow_slice message, const char *text) {
    return memmem(message.data, message.length, text, strlen(text)) != NULL;
}

static void heard(struct link *link, tow_slice message) {
    struct client *self = link->user;
    if (has(message, "\"event\":\"message\""))
        client_hear(self, message, 0);
    else if (has(message, "pusher:connection_established"))
        link_say(link,
            "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"" SCENE_CHANNEL "\",\"auth\":\"\"}}");
    else if (has(message, "pusher_internal:subscription_succeeded"))
        client_begins_anew(self);
    else
        fail_msg("%.*s", (int)message.length, message.data);
}

static const struct link_owner owner = {.heard = heard};

static void come(struct client *self) {
    self->link.owner = &owner;
    self->link.user = self;
    self->link.protocol = NULL;
    link_begin(
        &self->link, self->kind->link, self->scene, self->kind->path, "protocol=7&client=js&version=8.6.0");
}

#define PUSHER CLIENT_LINKED, .come = come, .is_not_told = true
const struct client_kind client_pusher = {
    PUSHER, .name = "Pusher", .link = &link_websocket, .path = "/app/" SCENE_APP_KEY};
const struct client_kind client_pusher_xhr = {
    PUSHER, .name = "Pusher by xhr", .link = &link_sockjs_xhr, .path = "/pusher/app/" SCENE_APP_KEY};
const struct client_kind client_pusher_streaming = {PUSHER, .name = "Pusher by xhr_streaming",
    .link = &link_sockjs_streaming, .path = "/pusher/app/" SCENE_APP_KEY};
