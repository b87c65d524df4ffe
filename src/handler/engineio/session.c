#include "session.h"

#include "../session/marks.h"
#include "base/text.h"
#include "hearing.h"
#include "life.h"
#include "polling.h"
#include "transport/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum { SCRATCH_MAX = 64 * 1024 /* bytes that are kept for the next packet */ };

/* What the socket asks for: see websocket/carrier.h. */

static tow_engineio_session *of(const tow_websocket *socket) {
    return socket->carried;
}

static int send_by_link(tow_engineio_session *session, const tow_packet *packet) {
    tow_engineio_link *link = session->link;
    if (packet->type == TOW_PACKET_BINARY && !session->base64)
        return link->class->send(link, TOW_BINARY, packet->data, packet->length);
    tow_buffer *text = &tow_engineio_part_of(session)->scratch;
    int error = tow_engineio_append_alone(text, packet);
    if (error == 0)
        error = link->class->send(link, TOW_TEXT, text->data, text->length);
    tow_buffer_empty(text, SCRATCH_MAX);
    return error == TOW_ERROR_CLOSED ? 0 : error; /* its end is told soon */
}

/* Another worker takes no more: what waits is sent later. */
static void flush_later(tow_engineio_session *session) {
    tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_FLUSH, TOW_SESSION_LOOK_MILLISECONDS);
}

/* To the link, or into what waits. Errors: MEMORY. */
static int say(tow_engineio_session *session, char type, const void *data, size_t length) {
    const tow_packet packet = {.type = type, .data = data, .length = length};
    if (session->over)
        return 0;
    int error = TOW_ERROR_QUEUE_FULL;
    if (session->link != NULL && tow_packets_are_empty(&session->out))
        error = send_by_link(session, &packet);
    if (error != TOW_ERROR_QUEUE_FULL)
        return error;
    error = tow_packets_put(&session->out, type, data, length);
    if (error == 0 && session->link != NULL)
        flush_later(session);
    else if (error == 0 && session->poll != NULL)
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_FLUSH, 0);
    return error;
}

static int send_message(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    return say(of(socket), type == TOW_TEXT ? TOW_PACKET_TEXT : TOW_PACKET_BINARY, data, length);
}

/* The packet has code and reason also where they do not travel. */
static int say_close(tow_engineio_session *session, uint16_t code, const char *reason) {
    char text[TOW_ENGINEIO_CLOSE_MAX + 1];
    tow_engineio_write_close(text, code, reason);
    if (session->link != NULL && tow_packets_are_empty(&session->out)) {
        bool has_code = text[0] != '\0';
        session->link->class->close(session->link, has_code ? code : 0, has_code ? reason : NULL, true);
        return 0;
    }
    return say(session, TOW_ENGINEIO_CLOSE, text, strlen(text));
}

/* An answer to the client's Close that it can hear: by a poll, between our own ends. */
static int answer_close(tow_engineio_session *session, uint16_t code) {
    if (session->extended && !session->had_link) {
        session->answers_close = true;
        return say_close(session, code, NULL);
    }
    if (session->link != NULL) { /* by a packet, though it could have closed the WebSocket */
        session->link->class->close(session->link, code == TOW_CLOSE_NO_STATUS ? 0 : code, NULL, false);
        tow_engineio_set_link(session, NULL);
    }
    tow_engineio_end(session, 0);
    return 0;
}

static int send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    tow_engineio_session *session = of(socket);
    if (session->over)
        return 0;
    if (code == TOW_CLOSE_ABNORMAL) {
        tow_engineio_end(session, 0);
        return 0;
    }
    session->closing = true;
    if (tow_engineio_is_drained(session) && session->link == NULL)
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_LINGER, TOW_SESSION_DRAIN_MILLISECONDS);
    return session->peer_closed ? answer_close(session, code) : say_close(session, code, reason);
}

static uint64_t buffered(const tow_websocket *socket) {
    const tow_engineio_session *session = of(socket);
    uint64_t sum = session->out.payload + session->answer.length;
    return session->link == NULL ? sum : sum + session->link->class->buffered(session->link);
}

static void set_paused(tow_websocket *socket, bool paused) {
    tow_engineio_session *session = of(socket);
    session->paused = paused;
    tow_engineio_pause_link(session);
    if (!paused && session->telling)
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_INPUT, 0);
}

static size_t drop(tow_websocket *socket, uint64_t max) {
    return tow_packets_drop(&of(socket)->out, max);
}

const tow_carrier tow_engineio_carrier = {
    .send = send_message, .close = send_close, .buffered = buffered, .set_paused = set_paused, .drop = drop};

/* Over a WebSocket. */

static void close_link(tow_engineio_session *session, const tow_packet *packet) {
    char text[TOW_CLOSE_REASON_MAX + 1];
    tow_engineio_close close;
    bool is_one = tow_engineio_read_close(&close, packet, true) && close.code != TOW_CLOSE_NO_STATUS;
    tow_text_format(text, sizeof(text), "%.*s", (int)close.reason.length, close.reason.data);
    session->link->class->close(session->link, is_one ? close.code : 0, is_one ? text : NULL, true);
}

static void flush_to_link(tow_engineio_session *session) {
    while (!session->over && session->link != NULL && !tow_packets_are_empty(&session->out)) {
        tow_packet packet = tow_packets_first(&session->out);
        int error = 0;
        if (packet.type != TOW_ENGINEIO_CLOSE)
            error = send_by_link(session, &packet);
        else
            close_link(session, &packet);
        if (error == TOW_ERROR_QUEUE_FULL) {
            flush_later(session);
            return;
        }
        if (error != 0) {
            tow_engineio_break(session, TOW_CAUSE_MEMORY, error);
            return;
        }
        tow_packets_take(&session->out);
    }
}

/* A link tells when it is below the low mark only if it was above the high one; the socket may have been so
 * before it had this link. */
static void look_at_marks(tow_engineio_session *session) {
    if (!session->over)
        tow_carried_drain(session->socket);
    if (!session->over && session->link != NULL && tow_websocket_is_above_high(session->socket))
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_FLUSH, TOW_SESSION_LOOK_MILLISECONDS);
}

void tow_engineio_take_link(tow_engineio_session *session, tow_engineio_link *link) {
    assert(!session->over && session->link == NULL);
    tow_engineio_set_link(session, link);
    session->had_link = true;
    session->asks_for_life = false;
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_POLL);
    tow_agenda_drop(&session->agenda, TOW_ENGINEIO_DUE_LINGER);
    if (session->paused || session->telling)
        tow_engineio_pause_link(session);
    flush_to_link(session);
    look_at_marks(session);
}

static void flush(tow_engineio_session *session, bool noop) {
    if (session->over)
        return;
    if (session->link == NULL) {
        tow_engineio_answer_poll(session, noop);
        return;
    }
    flush_to_link(session);
    look_at_marks(session);
}

/* Its times. */

static void await_pong(tow_engineio_session *session) {
    tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_PONG, session->engineio->settings.pong_milliseconds);
}

static void ping(tow_engineio_session *session) {
    session->pinged = true;
    session->polled = false;
    await_pong(session);
    if (session->link != NULL)
        session->link->class->mark(session->link);
    if (say(session, TOW_ENGINEIO_PING, NULL, 0) != 0)
        tow_engineio_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
}

static void is_silent(tow_engineio_session *session) {
    tow_metric_count(session->engineio->metrics.silent);
    tow_engineio_break(session, TOW_CAUSE_IDLE_SECONDS, TOW_ERROR_TIMED_OUT);
}

/* The answer may stand behind a long message, or the Ping does: bytes are life. The client counts Pings. */
void tow_engineio_told_of_life(tow_engineio_session *session, bool lives) {
    if (!session->pinged || !session->asks_for_life)
        return;
    session->asks_for_life = false;
    if (!lives) {
        is_silent(session);
        return;
    }
    tow_carried_heard(session->socket);
    ping(session);
}

/* The next time it is asked, or there was no answer to that either. */
static void ask_for_life(tow_engineio_session *session) {
    session->asks_for_life = true;
    await_pong(session);
    session->link->class->ask(session->link, session->engineio->settings.pong_milliseconds);
}

/* While a post waits for the application, or a link is not read, the answer may stand behind that, as it may
 * behind an answer that is on its way; but who polls comes again, for each Ping. (Between our own ends
 * TOW_ENGINEIO_DUE_LINGER sees to that.) */
static void no_pong(tow_engineio_session *session) {
    bool polls = session->link == NULL && !session->extended;
    bool is_on_its_way = session->answer.length > 0 || tow_loop_now(session->loop) < session->arrives;
    bool fetches = session->link == NULL && is_on_its_way;
    if (session->paused && polls && (session->poll != NULL || session->polled)) {
        ping(session);
        return;
    }
    if ((session->paused && !polls) || fetches)
        await_pong(session);
    else if (session->link != NULL && !session->asks_for_life)
        ask_for_life(session);
    else
        is_silent(session);
}

static void act(tow_agenda *agenda, int due) {
    tow_engineio_session *session =
        (tow_engineio_session *)(void *)((char *)agenda - offsetof(tow_engineio_session, agenda));
    switch ((tow_engineio_due)due) {
    case TOW_ENGINEIO_DUE_PING:
        ping(session);
        break;
    case TOW_ENGINEIO_DUE_PONG:
        no_pong(session);
        break;
    case TOW_ENGINEIO_DUE_UPGRADE:
        if (session->probe != NULL)
            session->probe->class->close(session->probe, 0, NULL, false);
        session->probe = NULL;
        break;
    case TOW_ENGINEIO_DUE_NOOP:
    case TOW_ENGINEIO_DUE_POLL:
        flush(session, true);
        break;
    case TOW_ENGINEIO_DUE_LINGER:
        tow_engineio_end(session, 0);
        break;
    case TOW_ENGINEIO_DUE_FLUSH:
        flush(session, false);
        break;
    case TOW_ENGINEIO_DUE_INPUT:
        tow_engineio_tell(session);
        break;
    case TOW_ENGINEIO_DUE_GONE:
        tow_engineio_gone(session);
        break;
    case TOW_ENGINEIO_DUE_COUNT:
        break;
    }
}

/* Of somebody who has an id. */

/* In the same time, however much of it is right. */
static bool are_equal(const uint8_t *one, const uint8_t *other, size_t length) {
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++)
        difference |= (uint8_t)(one[i] ^ other[i]);
    return difference == 0;
}

tow_engineio_session *tow_engineio_find(
    tow_engineio *engineio, tow_websocket_id id, const uint8_t secret[TOW_ENGINEIO_SECRET]) {
    tow_websocket *socket = tow_server_carried(engineio->server, id, &tow_engineio_carrier);
    tow_engineio_session *session = socket != NULL ? socket->carried : NULL;
    bool is_right = session != NULL && session->engineio == engineio && !session->over &&
                    are_equal(session->secret, secret, TOW_ENGINEIO_SECRET);
    return is_right ? session : NULL;
}

/* The beginning. */

static void note_half_made(tow_engineio_session *session) {
    const tow_engineio *engineio = session->engineio;
    tow_ring *oldest = tow_half_made_add(&tow_engineio_part_of(session)->half_made, &session->half_made,
        engineio->settings.max_half_made, engineio->metrics.half_made);
    if (oldest == NULL)
        return;
    tow_metric_count(engineio->metrics.over_half_made);
    tow_engineio_end(
        (tow_engineio_session *)(void *)((char *)oldest - offsetof(tow_engineio_session, half_made)), 0);
}

bool tow_engineio_is_extended(const tow_request *request) {
    const char *value = tow_request_parameter(request, "towline");
    return value != NULL && strcmp(value, "1") == 0;
}

static int64_t payload_of(const tow_engineio *engineio, tow_exchange *exchange) {
    int64_t own = engineio->settings.max_payload;
    int64_t routes = tow_exchange_route_limits(exchange)->max_message;
    return routes == TOW_OFF || routes > own ? own : routes;
}

/* The timer has nothing to do before on_open has returned. */
int tow_engineio_session_new(tow_engineio_session **out, tow_engineio *engineio, tow_exchange *exchange) {
    const tow_request *request = tow_exchange_request(exchange);
    const char *base64 = tow_request_parameter(request, "b64");
    tow_engineio_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return TOW_ERROR_MEMORY;
    session->engineio = engineio;
    session->loop = tow_exchange_loop(exchange);
    tow_agenda_init(&session->agenda, session->loop, TOW_ENGINEIO_DUE_COUNT, act);
    session->extended = tow_engineio_is_extended(request);
    session->base64 = base64 != NULL && strcmp(base64, "1") == 0;
    session->max_payload = payload_of(engineio, exchange);
    tow_loop_random(session->loop, session->secret, sizeof(session->secret));
    tow_metric_add(engineio->metrics.sessions, 1);
    int error = tow_exchange_open_carried(exchange, &tow_engineio_carrier, session, &session->socket);
    if (error != 0) {
        tow_metric_add(engineio->metrics.sessions, -1);
        tow_engineio_destroy(session);
        return error;
    }
    session->id = tow_websocket_identify(session->socket);
    tow_agenda_go(&session->agenda);
    if (!session->over) {
        note_half_made(session);
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_PING, engineio->settings.ping_milliseconds);
    }
    if (session->extended && !session->over)
        tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_LINGER, TOW_ENGINEIO_LINGER);
    *out = session;
    return 0;
}
