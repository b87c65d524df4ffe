/* What has no link: Server-Sent Events, and polls. */
#include "base/json.h"
#include "kinds.h"

static void over(struct wire *wire) {
    ((struct client *)wire->user)->is_over = true;
}

static void step(struct client *self) {
    wire_read(&self->wire);
}

static void cut(struct client *self) {
    self->is_over = true;
}

static void go(struct client *self) {
    wire_cut(&self->wire);
}

#define WIRED .step = step, .cut = cut, .go = go, .asks_since = true

static void ask(struct client *self, const char *fields) {
    char target[128];
    snprintf(
        target, sizeof(target), "/channel/" SCENE_CHANNEL "?since=%s:%u", self->scene->epoch, self->last);
    wire_ask(&self->wire, "GET", target, fields, (tow_slice){"", 0});
}

/* Events: "id: EPOCH:NUMBER", "data: <NUMBER>". */

static void take_event(struct client *self, const char *event, const char *end) {
    char text[256];
    unsigned number;
    snprintf(text, sizeof(text), "%.*s", (int)(end - event), event);
    const char *id = strstr(text, "id: "), *data = strstr(text, "data: ");
    bool has_id = id != NULL && sscanf(id, "id: %*11c:%u", &number) == 1;
    if (strstr(text, "event: towline.gap") != NULL)
        client_is_told_of_a_gap(self);
    else if (strstr(text, "event: towline.") != NULL)
        fail_msg("%s", text);
    else if (data != NULL && has_id)
        client_hear(self, tow_slice_from(data), number);
    if (has_id)
        self->last = number;
}

static void take_events(struct wire *wire, tow_slice piece) {
    struct client *self = wire->user;
    const char *at;
    (void)piece;
    assert_int_equal(wire->status, 200);
    self->is_ready = true;
    while ((at = memmem(wire->body.data + self->scanned, wire->body.length - self->scanned, "\n\n", 2)) !=
           NULL) {
        take_event(self, (const char *)wire->body.data + self->scanned, at);
        self->scanned = (size_t)(at + 2 - (const char *)wire->body.data);
    }
}

static void stream_come(struct client *self) {
    static const struct wire_events events = {.piece = take_events, .over = over};
    wire_open(&self->wire, self->scene, &events, self);
    self->scanned = 0;
    ask(self, "Accept: text/event-stream\r\n");
}

const struct client_kind client_stream = {WIRED, .name = "Server-Sent Events", .come = stream_come};

/* Polls. */

static unsigned position_in(tow_slice object) {
    tow_slice position;
    unsigned number;
    assert_true(tow_json_member(object, "position", &position));
    assert_int_equal(sscanf(position.data, "\"%*11c:%u\"", &number), 1);
    return number;
}

static void take_answer(struct wire *wire) {
    struct client *self = wire->user;
    tow_slice answer, whole, list, name, message, data;
    assert_int_equal(wire->status, 200);
    assert_int_equal(
        tow_json_read((tow_slice){(const char *)wire->body.data, wire->body.length}, &answer), 0);
    assert_true(tow_json_member(answer, "whole", &whole));
    assert_true(tow_json_member(answer, "messages", &list));
    if (!tow_slice_equals(whole, "true"))
        client_is_told_of_a_gap(self);
    tow_json_walk walk = tow_json_items(list);
    while (tow_json_next(&walk, &name, &message)) {
        assert_true(tow_json_member(message, "data", &data));
        client_hear(self, data, position_in(message));
    }
    self->last = position_in(answer);
    ask(self, "");
}

static void poll_come(struct client *self) {
    static const struct wire_events events = {.answered = take_answer, .over = over};
    wire_open(&self->wire, self->scene, &events, self);
    self->is_ready = true;
    ask(self, "");
}

const struct client_kind client_poll = {WIRED, .name = "polls", .come = poll_come};
