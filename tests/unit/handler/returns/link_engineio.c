#include "link.h"

#include "base/json.h"

/* Its connections. */
enum { POLL, POST, SOCKET };

static const char separator = '\x1e';

static const struct wire_events poll_events, post_events, socket_events;

/* Where it asks: the query has the session, once there is one. */
static void target_write(
    const struct link *link, char out[400], const char *transport, const char *name, unsigned number) {
    int length = snprintf(out, 400, "%s?EIO=4&transport=%s", link->path, transport);
    if (link->session[0] == '\0') {
        length +=
            snprintf(out + length, 400 - (size_t)length, "%s%s%s", link->kind->is_own ? "&towline=1" : "",
                link->protocol != NULL ? "&protocols=" : "", link->protocol != NULL ? link->protocol : "");
        snprintf(out + length, 400 - (size_t)length, "%s%s", link->query[0] != '\0' ? "&" : "", link->query);
        return;
    }
    length += snprintf(out + length, 400 - (size_t)length, "&sid=%s", link->session);
    if (link->kind->is_own && name != NULL)
        snprintf(out + length, 400 - (size_t)length, "&%s=%u", name, number);
}

static void poll(struct link *link) {
    char target[400];
    target_write(link, target, "polling", "ack", link->answers);
    wire_ask(link_wire(link, POLL, &poll_events), "GET", target, "", (tow_slice){"", 0});
}

static void ask_for_websocket(struct link *link) {
    char target[400];
    target_write(link, target, "websocket", NULL, 0);
    wire_ask_for_websocket(link_wire(link, SOCKET, &socket_events), target, "");
}

static bool is_polling(const struct link *link) {
    return link->kind->begins_by_polling && !link->is_upgraded;
}

/* Packets that come. */

static void send_packet(struct link *link, const char *type, tow_slice data) {
    if (is_polling(link)) {
        if (link->unsent.length > 0)
            assert_int_equal(tow_buffer_append(&link->unsent, &separator, 1), 0);
        assert_int_equal(tow_buffer_append_text(&link->unsent, type), 0);
        assert_int_equal(tow_buffer_append(&link->unsent, data.data, data.length), 0);
        return;
    }
    tow_buffer packet = {0};
    assert_int_equal(tow_buffer_append_text(&packet, type), 0);
    assert_int_equal(tow_buffer_append(&packet, data.data, data.length), 0);
    wire_say(&link->wires[SOCKET], (tow_slice){(const char *)packet.data, packet.length});
    tow_buffer_clear(&packet);
}

static void take_open(struct link *link, tow_slice data) {
    tow_slice sid;
    assert_true(tow_json_member(data, "sid", &sid) && sid.length < sizeof(link->session));
    memcpy(link->session, sid.data + 1, sid.length - 2);
    link->session[sid.length - 2] = '\0';
    link_is_open(link);
}

/* Between our own ends a code and a reason follow. */
static void take_close(struct link *link, tow_slice data) {
    unsigned code = 0;
    if (data.length >= 4)
        assert_int_equal(sscanf(data.data, "%4u", &code), 1);
    else
        data.length = 0;
    link_close(link, (uint16_t)code, (tow_slice){data.data + 4, data.length > 4 ? data.length - 4 : 0});
}

static void take_packet(struct link *link, tow_slice packet) {
    assert_true(packet.length > 0);
    tow_slice data = {packet.data + 1, packet.length - 1};
    switch (packet.data[0]) {
    case '0':
        take_open(link, data);
        return;
    case '1':
        take_close(link, data);
        return;
    case '2':
        send_packet(link, "3", (tow_slice){"", 0});
        return;
    case '3':
        assert_true(tow_slice_equals(data, "probe"));
        link->is_pausing = true;
        return;
    case '4':
        link->owner->heard(link, data);
        return;
    case '6':
        return;
    default:
        fail_msg("a packet that is none: %.*s", (int)packet.length, packet.data);
    }
}

/* Polling. */

static void polled(struct wire *wire) {
    struct link *link = wire->user;
    const char *at = (const char *)wire->body.data, *end = at + wire->body.length;
    if (wire->status != 200) {
        link_is_over(link);
        return;
    }
    if (link->session[0] != '\0')
        link->answers++;
    while (at < end && !link->is_over) {
        const char *stop = memchr(at, separator, (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        take_packet(link, (tow_slice){at, (size_t)(stop - at)});
        at = stop + 1;
    }
}

static void posted(struct wire *wire) {
    struct link *link = wire->user;
    if (wire->status != 200)
        link_is_over(link);
    link->posted.length = 0;
}

static const struct wire_events poll_events = {.answered = polled, .over = link_wire_over};
static const struct wire_events post_events = {.answered = posted, .over = link_wire_over};

static void post(struct link *link) {
    char target[400];
    if (link->posted.length == 0) {
        tow_buffer body = link->posted;
        link->posted = link->unsent;
        link->unsent = body;
        link->posts++;
    }
    target_write(link, target, "polling", "n", link->posts);
    wire_ask(link_wire(link, POST, &post_events), "POST", target, "",
        (tow_slice){(const char *)link->posted.data, link->posted.length});
}

static bool is_asking(const struct link *link, int number) {
    return link->wires[number].is_open && link->wires[number].is_asking;
}

/* The WebSocket that takes over. */

static void upgrade(struct link *link) {
    char number[16] = "";
    if (link->kind->is_own)
        snprintf(number, sizeof(number), "%u", link->answers);
    link->is_upgraded = true;
    send_packet(link, "5", tow_slice_from(number));
    wire_cut(&link->wires[POLL]);
    wire_cut(&link->wires[POST]);
}

static void socket_opened(struct wire *wire) {
    struct link *link = wire->user;
    if (is_polling(link))
        wire_say(wire, tow_slice_from("2probe"));
}

static void socket_heard(struct wire *wire, tow_slice message) {
    take_packet(wire->user, message);
}

static void socket_closing(struct wire *wire, uint16_t code, tow_slice reason) {
    struct link *link = wire->user;
    if (!is_polling(link))
        link_close(link, code, reason);
}

static const struct wire_events socket_events = {
    .opened = socket_opened, .heard = socket_heard, .closing = socket_closing, .over = link_wire_over};

/* The kind. */

static void begin(struct link *link) {
    if (link->kind->begins_by_polling)
        poll(link);
    else
        ask_for_websocket(link);
}

static void say(struct link *link, tow_slice message) {
    send_packet(link, "4", message);
}

static void go_on(struct link *link) {
    if (!is_polling(link))
        return;
    bool has_more = link->posted.length > 0 || link->unsent.length > 0;
    if (!is_asking(link, POST) && has_more && link->is_open)
        post(link);
    bool is_idle = !is_asking(link, POLL) && link->posted.length == 0 && link->unsent.length == 0;
    if (link->is_pausing && is_idle)
        upgrade(link);
    else if (!link->is_pausing && !is_asking(link, POLL))
        poll(link);
    if (link->kind->upgrades && link->is_open && !link->is_upgrading && scene_draw(link->scene, 8) == 0) {
        link->is_upgrading = true;
        ask_for_websocket(link);
    }
}

/* A session of ours goes on by other connections; one whose upgrade failed by polling. */
static void lost(struct link *link, struct wire *wire) {
    if (is_polling(link) && wire == &link->wires[SOCKET])
        link->is_upgrading = link->is_pausing = false;
    else if (!is_polling(link) && wire != &link->wires[SOCKET])
        return;
    else if (!is_polling(link) || !link->kind->is_own || link->session[0] == '\0')
        link_is_over(link);
}

#define KIND .begin = begin, .say = say, .go_on = go_on, .lost = lost
const struct link_kind link_engineio_polling = {KIND, .begins_by_polling = true};
const struct link_kind link_engineio_websocket = {KIND};
const struct link_kind link_engineio_upgrade = {KIND, .begins_by_polling = true, .upgrades = true};
const struct link_kind link_own_polling = {KIND, .begins_by_polling = true, .is_own = true};
const struct link_kind link_own_upgrade = {KIND, .begins_by_polling = true, .upgrades = true, .is_own = true};
