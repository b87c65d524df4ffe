#include "link.h"

#include "base/json.h"

/* Its connections: what receives, or the WebSocket, and what sends. */
enum { RECEIVE, SEND };

static const struct wire_events receive_events, socket_events;

static void target_write(const struct link *link, char out[400], const char *transport) {
    snprintf(out, 400, "%s/%s/%s%s%s", link->path, link->session, transport,
        link->query[0] != '\0' ? "?" : "", link->query);
}

static bool is_websocket(const struct link *link) {
    return link->kind == &link_sockjs_websocket;
}

static void receive(struct link *link) {
    char target[400];
    target_write(link, target, link->kind->transport);
    wire_ask(link_wire(link, RECEIVE, &receive_events), "POST", target, "", (tow_slice){"", 0});
}

static void begin(struct link *link) {
    char target[400];
    snprintf(link->session, sizeof(link->session), "%03u/s%08x%08x", scene_draw(link->scene, 1000),
        scene_draw(link->scene, 1U << 31), scene_draw(link->scene, 1U << 31));
    if (!is_websocket(link)) {
        receive(link);
        return;
    }
    target_write(link, target, link->kind->transport);
    wire_ask_for_websocket(link_wire(link, RECEIVE, &socket_events), target, "");
}

/* Frames that come. */

static void take_messages(struct link *link, tow_slice list) {
    tow_json_walk items = tow_json_items(list);
    tow_slice name, value;
    while (!link->is_over && tow_json_next(&items, &name, &value)) {
        tow_buffer text = {0};
        assert_int_equal(tow_json_unescape(&text, value), 0);
        link->owner->heard(link, (tow_slice){(const char *)text.data, text.length});
        tow_buffer_clear(&text);
    }
}

static void take_close(struct link *link, tow_slice list) {
    int code;
    char reason[128] = "";
    char copy[256];
    snprintf(copy, sizeof(copy), "%.*s", (int)list.length, list.data);
    assert_true(sscanf(copy, "[%d,\"%127[^\"]", &code, reason) >= 1);
    link_close(link, (uint16_t)code, tow_slice_from(reason));
}

static void take_frame(struct link *link, tow_slice frame) {
    tow_slice value = {NULL, 0};
    if (frame.length > 1 && frame.data[0] != 'h')
        assert_int_equal(tow_json_read((tow_slice){frame.data + 1, frame.length - 1}, &value), 0);
    switch (frame.length > 0 ? frame.data[0] : '\0') {
    case 'o':
        link_is_open(link);
        return;
    case 'h':
        return;
    case 'a':
        take_messages(link, value);
        return;
    case 'c':
        take_close(link, value);
        return;
    default:
        fail_msg("a frame that is none: %.*s", (int)frame.length, frame.data);
    }
}

/* Lines, as they come. */
static void received_piece(struct wire *wire, tow_slice piece) {
    struct link *link = wire->user;
    (void)piece;
    const char *at;
    if (wire->status != 200)
        return;
    while (!link->is_over &&
           (at = memchr(wire->body.data + link->scanned, '\n', wire->body.length - link->scanned)) != NULL) {
        const char *begin = (const char *)wire->body.data + link->scanned;
        link->scanned += (size_t)(at - begin) + 1;
        take_frame(link, (tow_slice){begin, (size_t)(at - begin)});
    }
}

/* The next request is for `go_on`. */
static void received(struct wire *wire) {
    struct link *link = wire->user;
    if (wire->status != 200)
        link_is_over(link);
    assert_true(link->is_over || link->scanned == wire->body.length);
    link->scanned = 0;
}

static void sent(struct wire *wire) {
    struct link *link = wire->user;
    if (wire->status != 204)
        link_is_over(link);
    link->posted.length = 0;
}

static void socket_heard(struct wire *wire, tow_slice message) {
    take_frame(wire->user, message);
}

static void socket_closing(struct wire *wire, uint16_t code, tow_slice reason) {
    (void)code, (void)reason;
    link_is_over(wire->user); /* what it is about was told by a frame */
}

static const struct wire_events receive_events = {
    .piece = received_piece, .answered = received, .over = link_wire_over};
static const struct wire_events send_events = {.answered = sent, .over = link_wire_over};
static const struct wire_events socket_events = {
    .heard = socket_heard, .closing = socket_closing, .over = link_wire_over};

/* What is said: one message a request. */

static void say(struct link *link, tow_slice message) {
    tow_buffer list = {0};
    assert_int_equal(tow_buffer_append(&list, "[", 1), 0);
    assert_int_equal(tow_json_append_string(&list, message), 0);
    assert_int_equal(tow_buffer_append(&list, "]", 1), 0);
    if (is_websocket(link)) {
        wire_say(&link->wires[RECEIVE], (tow_slice){(const char *)list.data, list.length});
        tow_buffer_clear(&list);
        return;
    }
    assert_int_equal(link->unsent.length, 0);
    tow_buffer_clear(&link->unsent);
    link->unsent = list;
}

static void send_unsent(struct link *link) {
    char target[400];
    target_write(link, target, "xhr_send");
    tow_buffer_clear(&link->posted);
    link->posted = link->unsent;
    link->unsent = (tow_buffer){0};
    wire_ask(link_wire(link, SEND, &send_events), "POST", target, "",
        (tow_slice){(const char *)link->posted.data, link->posted.length});
}

static void go_on(struct link *link) {
    if (is_websocket(link))
        return;
    if (link->unsent.length > 0 && link->posted.length == 0)
        send_unsent(link);
    if (!link->wires[RECEIVE].is_open || !link->wires[RECEIVE].is_asking)
        receive(link);
}

static void lost(struct link *link, struct wire *wire) {
    if (wire == &link->wires[RECEIVE] || link->posted.length > 0)
        link_is_over(link);
}

#define KIND .begin = begin, .say = say, .go_on = go_on, .lost = lost
const struct link_kind link_sockjs_websocket = {KIND, .transport = "websocket"};
const struct link_kind link_sockjs_xhr = {KIND, .transport = "xhr"};
const struct link_kind link_sockjs_streaming = {KIND, .transport = "xhr_streaming"};
