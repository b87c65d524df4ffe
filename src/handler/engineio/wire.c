#include "wire.h"

#include "../session/marks.h"
#include "life.h"
#include "parcel.h"
#include "refusal.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    AHEAD_MAX = 256 * 1024, /* bytes that another worker's session has not been told yet */
    LOOK_MILLISECONDS = 20  /* while something waits to leave */
};

/* Its session is on this worker, and `link` is what it has of the connection; or it is another's (`away`). */
typedef struct wire {
    tow_engineio_link link; /* first */
    tow_engineio *engineio;
    tow_websocket *socket;
    const tow_behaviour *original;
    tow_behaviour behaviour; /* with the limits of the route whose messages go here */
    bool is_away;
    bool is_held; /* the session does not want more now */
    tow_parcel_way way;
    uint64_t heard, read; /* bytes that were sent there, and told to the session */
    uint64_t said, taken; /* bytes that came from there, and of which that knows that they have left */
    tow_timer timer;      /* to look at that */
} wire;

static wire *of(tow_engineio_link *link) {
    return (wire *)(void *)link;
}

/* What a session asks for. */

static int send_message(tow_engineio_link *link, tow_message_type type, const void *data, size_t length) {
    int64_t sent = tow_websocket_send(of(link)->socket, type, data, length);
    return sent < 0 ? (int)sent : 0;
}

static void end(tow_engineio_link *link, uint16_t code, const char *reason, bool tells) {
    if (!tells)
        link->session = NULL;
    tow_websocket_close_because(of(link)->socket, TOW_CAUSE_APPLICATION, code, reason);
}

static void pause_reading(tow_engineio_link *link, bool paused) {
    if (paused)
        tow_websocket_pause(of(link)->socket);
    else
        tow_websocket_resume(of(link)->socket);
}

static uint64_t buffered(const tow_engineio_link *link) {
    return (uint64_t)tow_websocket_buffered_amount(((const wire *)(const void *)link)->socket);
}

static void mark(tow_engineio_link *link) {
    tow_websocket_mark(of(link)->socket);
}

static bool lives(wire *self, int64_t milliseconds) {
    int64_t since = tow_loop_now(tow_websocket_loop(self->socket)) - milliseconds * TOW_MILLISECOND;
    return tow_websocket_lives(self->socket, since);
}

static void ask(tow_engineio_link *link, int64_t milliseconds) {
    tow_engineio_link_lives(link, lives(of(link), milliseconds));
}

static const tow_engineio_link_class class = {.send = send_message,
    .close = end,
    .pause = pause_reading,
    .buffered = buffered,
    .mark = mark,
    .ask = ask};

/* What is queued, and when nothing is heard, the session minds. */
static void take_limits(wire *self, const tow_limits *limits) {
    self->original = self->socket->behaviour;
    self->behaviour = *self->socket->behaviour;
    self->behaviour.limits = *limits;
    tow_session_take_marks(&self->behaviour.limits, limits);
    self->behaviour.limits.max_queue = TOW_OFF;
    self->behaviour.limits.overflow = TOW_OVERFLOW_CLOSE;
    self->behaviour.limits.ping_seconds = TOW_OFF;
    self->behaviour.limits.idle_seconds = TOW_OFF;
    self->behaviour.limits.max_message = self->original->limits.max_message;
    self->behaviour.carries = true;
    self->socket->behaviour = &self->behaviour;
}

/* Beginnings. */

/* The open packet goes ahead of what on_open has sent. */
static void begin_session(wire *self, tow_exchange *exchange) {
    tow_engineio_session *session;
    tow_buffer packet = {0};
    int error = tow_engineio_session_new(&session, self->engineio, exchange);
    if (error == 0)
        error = tow_engineio_open_packet(session, &packet, false);
    if (error == 0 && !session->over)
        error = send_message(&self->link, TOW_TEXT, packet.data, packet.length);
    tow_buffer_clear(&packet);
    if (error != 0 || session->over) {
        tow_websocket_close(self->socket, error == TOW_ERROR_LIMIT ? 1013 : 1011, NULL);
        return;
    }
    tow_engineio_session_met(session);
    self->link.session = session;
    tow_engineio_take_link(session, &self->link);
}

static void join_here(wire *self) {
    tow_engineio_session *session = tow_engineio_find(self->engineio, self->way.session, self->way.secret);
    if (session == NULL || !tow_engineio_link_probe(&self->link, session))
        tow_websocket_close(self->socket, 0, NULL);
}

static void join_session(wire *self, tow_exchange *exchange, const char *sid) {
    self->way.engineio = self->engineio;
    self->way.wire = tow_websocket_identify(self->socket);
    bool is_one = tow_engineio_read_sid(sid, &self->way.session, self->way.secret);
    if (is_one && tow_websocket_id_worker(self->way.session) == tow_exchange_worker_number(exchange)) {
        join_here(self);
        return;
    }
    self->is_away = true;
    if (!is_one || tow_parcel_send(&self->way, &(tow_parcel){.kind = TOW_PARCEL_ATTACH}, NULL, 0) != 0)
        tow_websocket_close(self->socket, 0, NULL);
}

static void opened(tow_websocket *socket) {
    tow_engineio *engineio = tow_websocket_user(socket);
    tow_exchange *exchange = tow_websocket_opening(socket);
    const char *sid = tow_request_parameter(tow_exchange_request(exchange), "sid");
    wire *self = calloc(1, sizeof(*self));
    tow_websocket_set_user(socket, self);
    if (self == NULL) {
        tow_websocket_close(socket, 1011, NULL);
        return;
    }
    self->link.class = &class;
    self->engineio = engineio;
    self->socket = socket;
    take_limits(self, tow_exchange_route_limits(exchange));
    if (sid == NULL)
        begin_session(self, exchange);
    else
        join_session(self, exchange, sid);
}

/* Its session is another worker's. */

static void hold_back(wire *self) {
    if (self->is_held || self->heard - self->read > AHEAD_MAX)
        tow_websocket_pause(self->socket);
    else
        tow_websocket_resume(self->socket);
}

static void pass_on(wire *self, const tow_message *message) {
    const tow_parcel what = {.kind = TOW_PARCEL_HEARD, .type = message->type};
    if (tow_parcel_send(&self->way, &what, message->data, message->length) != 0) {
        tow_websocket_close(self->socket, 1013, NULL);
        return;
    }
    self->heard += message->length;
    hold_back(self);
}

static void look(tow_timer *timer) {
    wire *self = (wire *)(void *)((char *)timer - offsetof(wire, timer));
    uint64_t waits = (uint64_t)tow_websocket_buffered_amount(self->socket);
    uint64_t taken = self->said > waits ? self->said - waits : 0;
    if (taken > self->taken &&
        tow_parcel_send(&self->way, &(tow_parcel){.kind = TOW_PARCEL_TAKEN, .count = taken}, NULL, 0) == 0)
        self->taken = taken;
    if (self->taken < self->said)
        tow_timer_set(tow_websocket_loop(self->socket), &self->timer,
            tow_loop_now(tow_websocket_loop(self->socket)) + LOOK_MILLISECONDS * TOW_MILLISECOND, look);
}

static void say(wire *self, const tow_parcel *parcel) {
    tow_loop *loop = tow_websocket_loop(self->socket);
    (void)tow_websocket_send(self->socket, parcel->type, parcel->data, parcel->length);
    self->said += parcel->length;
    if (!tow_timer_is_set(&self->timer))
        tow_timer_set(loop, &self->timer, tow_loop_now(loop), look);
}

static void act(wire *self, const tow_parcel *parcel) {
    if (parcel->kind == TOW_PARCEL_SAY) {
        say(self, parcel);
    } else if (parcel->kind == TOW_PARCEL_END) {
        self->is_away = parcel->flag;
        tow_timer_cancel(tow_websocket_loop(self->socket), &self->timer);
        tow_websocket_close_because(
            self->socket, TOW_CAUSE_APPLICATION, parcel->code, parcel->length > 0 ? parcel->data : NULL);
    } else if (parcel->kind == TOW_PARCEL_MARK) {
        mark(&self->link);
    } else if (parcel->kind == TOW_PARCEL_ASK) {
        const tow_parcel answer = {.kind = TOW_PARCEL_LIVES, .flag = lives(self, (int64_t)parcel->count)};
        (void)tow_parcel_send(&self->way, &answer, NULL, 0);
    } else {
        if (parcel->kind == TOW_PARCEL_PAUSE)
            self->is_held = parcel->flag;
        else
            self->read = parcel->count;
        hold_back(self);
    }
}

/* Events. */

static void message_came(tow_websocket *socket, const tow_message *message) {
    wire *self = tow_websocket_user(socket);
    if (self != NULL && self->is_away)
        pass_on(self, message);
    else if (self != NULL)
        tow_engineio_link_heard(&self->link, message->type, message->data, message->length);
}

void tow_parcel_to_wire(const tow_parcel *parcel) {
    tow_websocket *socket = tow_server_carried(parcel->engineio->server, parcel->wire, NULL);
    bool is_one = socket != NULL && socket->behaviour->on_message == message_came;
    wire *self = is_one ? tow_websocket_user(socket) : NULL;
    if (self != NULL && self->is_away)
        act(self, parcel);
}

static void drained(tow_websocket *socket) {
    wire *self = tow_websocket_user(socket);
    if (self != NULL)
        tow_engineio_link_drained(&self->link);
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    wire *self = tow_websocket_user(socket);
    if (self == NULL)
        return;
    tow_timer_cancel(tow_websocket_loop(socket), &self->timer);
    if (self->is_away)
        (void)tow_parcel_send(&self->way,
            &(tow_parcel){.kind = TOW_PARCEL_CLOSED, .code = event->code, .flag = event->was_clean},
            event->reason, event->reason_length);
    else
        tow_engineio_link_closed(&self->link, event);
    socket->behaviour = self->original;
    tow_websocket_set_user(socket, NULL);
    free(self);
}

tow_handler tow_engineio_wire_handler(tow_engineio *engineio) {
    return (tow_handler){.user = engineio,
        .on_open = opened,
        .on_message = message_came,
        .on_drain = drained,
        .on_close = closed,
        .limits.max_message = engineio->settings.max_payload};
}

void tow_engineio_wire_enter(tow_engineio *engineio, tow_exchange *exchange, const tow_request *request) {
    const char *sid = tow_request_parameter(request, "sid");
    tow_websocket_id id;
    uint8_t secret[TOW_ENGINEIO_SECRET];
    bool is_one = sid == NULL || (tow_engineio_read_sid(sid, &id, secret) &&
                                     tow_websocket_id_worker(id) < tow_server_workers(engineio->server));
    bool is_here =
        is_one && sid != NULL && tow_websocket_id_worker(id) == tow_exchange_worker_number(exchange);
    if (!is_one || (is_here && tow_engineio_find(engineio, id, secret) == NULL))
        (void)tow_exchange_reject(exchange, 400, "Session ID unknown");
    else if (sid == NULL && !tow_exchange_may_be_carried(exchange))
        tow_engineio_refuse_session(exchange, TOW_ERROR_UNSUPPORTED);
    else
        tow_exchange_enter(exchange);
}
