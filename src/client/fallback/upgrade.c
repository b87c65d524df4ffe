#include "upgrade.h"

#include <string.h>
#include <towline/error.h>

enum { CONNECT_SECONDS = 20 };

static tow_upgrade *of(const tow_websocket *link) {
    return tow_websocket_user(link);
}

void tow_upgrade_stop(tow_upgrade *upgrade) {
    tow_websocket *link = upgrade->link;
    upgrade->link = NULL;
    upgrade->stage = TOW_UPGRADE_NONE;
    tow_websocket_free(link);
}

static void opened(tow_websocket *link) {
    if (tow_websocket_send(link, TOW_TEXT, "2probe", 6) < 0)
        tow_websocket_close(link, 0, NULL);
}

static bool is_answer(const tow_message *message) {
    return message->type == TOW_TEXT && message->length == 6 && memcmp(message->data, "3probe", 6) == 0;
}

static void message_came(tow_websocket *link, const tow_message *message) {
    tow_upgrade *upgrade = of(link);
    if (upgrade->stage == TOW_UPGRADE_TAKEN) {
        upgrade->events->on_message(upgrade, message);
    } else if (upgrade->stage == TOW_UPGRADE_PROBING && is_answer(message)) {
        upgrade->stage = TOW_UPGRADE_PROBED;
        upgrade->events->on_probed(upgrade);
    } else {
        tow_websocket_close(link, 0, NULL);
    }
}

static void drained(tow_websocket *link) {
    tow_upgrade *upgrade = of(link);
    if (upgrade->stage == TOW_UPGRADE_TAKEN)
        upgrade->events->on_drain(upgrade);
}

/* The stage is that in which it ended. */
static void closed(tow_websocket *link, const tow_close_event *event) {
    tow_upgrade *upgrade = of(link);
    upgrade->link = NULL;
    upgrade->events->on_closed(upgrade, event);
    tow_websocket_free(link);
}

/* What is queued, and when nothing is heard, the session minds; whom it has refused a message is told when
 * less waits here. A packet has a byte more than its message, or is one in base64. */
static void take_limits(tow_limits *limits) {
    int64_t max = limits->max_queue;
    if (max > 0 && limits->high_mark > max)
        limits->high_mark = max;
    if (limits->high_mark > 0 && limits->low_mark > limits->high_mark)
        limits->low_mark = limits->high_mark;
    limits->max_queue = TOW_OFF;
    limits->overflow = TOW_OVERFLOW_CLOSE;
    limits->ping_seconds = limits->idle_seconds = TOW_OFF;
    if (limits->max_message > 0)
        limits->max_message += limits->max_message > INT64_MAX / 4 ? 0 : limits->max_message / 3 + 8;
}

int tow_upgrade_start(tow_upgrade *upgrade, tow_loop *loop, tow_upgrade_open open, const char *url,
    const tow_websocket_options *options, const tow_upgrade_events *events) {
    tow_websocket_options own = *options;
    own.protocols = NULL;
    own.user = upgrade;
    own.on_open = opened;
    own.on_message = message_came;
    own.on_piece = NULL;
    own.on_error = NULL; /* on_close follows */
    own.on_close = closed;
    own.on_drain = drained;
    own.on_ping = own.on_pong = NULL;
    own.connect_seconds = CONNECT_SECONDS;
    own.fallback = false;
    take_limits(&own.limits);
    *upgrade = (tow_upgrade){.events = events};
    int error = open(&upgrade->link, loop, url, &own, sizeof(own));
    if (error == 0)
        upgrade->stage = TOW_UPGRADE_PROBING;
    return error;
}

int tow_upgrade_send(tow_upgrade *upgrade, tow_message_type type, const void *data, size_t length) {
    int64_t sent = tow_websocket_send(upgrade->link, type, data, length);
    return sent < 0 ? (int)sent : 0;
}

int tow_upgrade_take(tow_upgrade *upgrade, const char *packet) {
    int error = tow_upgrade_send(upgrade, TOW_TEXT, packet, strlen(packet));
    if (error == 0)
        upgrade->stage = TOW_UPGRADE_TAKEN;
    return error;
}

/* The session may close with codes that an application may not. */
void tow_upgrade_close(tow_upgrade *upgrade, uint16_t code, const char *reason) {
    tow_websocket_close_because(upgrade->link, TOW_CAUSE_APPLICATION, code, reason);
}
