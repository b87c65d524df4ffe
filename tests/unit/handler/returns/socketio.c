/* Socket.IO with connection state recovery. */
#include "kinds.h"

/* The string behind a mark, as long as it fits. */
static bool string_behind(tow_slice text, const char *mark, char *out, size_t size) {
    const char *at = memmem(text.data, text.length, mark, strlen(mark));
    const char *begin = at == NULL ? NULL : at + strlen(mark);
    const char *end = at == NULL ? NULL : memchr(begin, '"', (size_t)(text.data + text.length - begin));
    if (end == NULL)
        return false;
    assert_true((size_t)(end - begin) < size);
    snprintf(out, size, "%.*s", (int)(end - begin), begin);
    return true;
}

/* Who it was, or another one. */
static void take_connect(struct client *self, tow_slice packet) {
    char id[sizeof(self->id)];
    assert_true(string_behind(packet, "\"sid\":\"", id, sizeof(id)));
    self->is_ready = true;
    if (strcmp(id, self->id) == 0) {
        self->recoveries++;
        return;
    }
    if (self->id[0] != '\0')
        client_is_told_of_a_gap(self);
    client_begins_anew(self);
    memcpy(self->id, id, sizeof(id));
    assert_true(string_behind(packet, "\"pid\":\"", self->secret, sizeof(self->secret)));
    self->offset[0] = '\0';
}

/* The last argument. */
static void take_offset(struct client *self, tow_slice packet) {
    const char *end = packet.data + packet.length - 2;
    const char *begin = memrchr(packet.data, '"', (size_t)(end - packet.data));
    assert_in_range(end - begin, 1, sizeof(self->offset) - 1);
    snprintf(self->offset, sizeof(self->offset), "%.*s", (int)(end - begin - 1), begin + 1);
}

static void heard(struct link *link, tow_slice packet) {
    struct client *self = link->user;
    if (packet.data[0] == '0') {
        take_connect(self, packet);
    } else if (memmem(packet.data, packet.length, "2[\"message\",", 12) == packet.data) {
        client_hear(self, packet, 0);
        take_offset(self, packet);
    } else {
        fail_msg("%.*s", (int)packet.length, packet.data);
    }
}

static void opened(struct link *link) {
    const struct client *self = link->user;
    char text[160] = "0";
    if (self->id[0] != '\0')
        snprintf(text, sizeof(text), "0{\"pid\":\"%s\"%s%s%s}", self->secret,
            self->offset[0] != '\0' ? ",\"offset\":\"" : "", self->offset,
            self->offset[0] != '\0' ? "\"" : "");
    link_say(link, text);
}

static const struct link_owner owner = {.opened = opened, .heard = heard};

static void come(struct client *self) {
    self->link.owner = &owner;
    self->link.user = self;
    self->link.protocol = NULL;
    link_begin(&self->link, self->kind->link, self->scene, "/socket.io/", "");
}

#define RECOVERED CLIENT_LINKED, .come = come
const struct client_kind client_socketio_polling = {
    RECOVERED, .name = "Socket.IO by polling", .link = &link_engineio_polling};
const struct client_kind client_socketio_websocket = {
    RECOVERED, .name = "Socket.IO by WebSocket", .link = &link_engineio_websocket};
const struct client_kind client_socketio_upgrade = {
    RECOVERED, .name = "Socket.IO with an upgrade", .link = &link_engineio_upgrade};
