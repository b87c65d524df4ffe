#include "link.h"

static void opened(struct wire *wire) {
    link_is_open(wire->user);
}

static void heard(struct wire *wire, tow_slice message) {
    struct link *link = wire->user;
    link->owner->heard(link, message);
}

static void closing(struct wire *wire, uint16_t code, tow_slice reason) {
    link_close(wire->user, code, reason);
}

static const struct wire_events events = {
    .opened = opened, .heard = heard, .closing = closing, .over = link_wire_over};

static void begin(struct link *link) {
    char target[256], field[80] = "";
    snprintf(target, sizeof(target), "%s%s%s", link->path, link->query[0] != '\0' ? "?" : "", link->query);
    if (link->protocol != NULL)
        snprintf(field, sizeof(field), "Sec-WebSocket-Protocol: %s\r\n", link->protocol);
    wire_ask_for_websocket(link_wire(link, 0, &events), target, field);
}

static void say(struct link *link, tow_slice message) {
    wire_say(&link->wires[0], message);
}

static void go_on(struct link *link) {
    (void)link;
}

static void lost(struct link *link, struct wire *wire) {
    (void)wire;
    link_is_over(link);
}

const struct link_kind link_websocket = {.begin = begin, .say = say, .go_on = go_on, .lost = lost};
