#include "session.h"

#include "../session/marks.h"
#include "frames.h"
#include "giving.h"
#include "hearing.h"
#include "life.h"
#include "protocol/close.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

/* What the socket asks for: see websocket/carrier.h. */

static tow_sockjs_session *of(const tow_websocket *socket) {
    return socket->carried;
}

static int say(tow_sockjs_session *session, char type, const void *data, size_t length) {
    if (session->over)
        return 0;
    int error = tow_packets_put(&session->out, type, data, length);
    if (error == 0)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_FLUSH, 0);
    return error;
}

/* It has no binary messages. */
static int send_message(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    return type == TOW_TEXT ? say(of(socket), TOW_PACKET_TEXT, data, length) : TOW_ERROR_UNSUPPORTED;
}

static int say_close(tow_sockjs_session *session, uint16_t code, const char *reason) {
    tow_buffer frame = {0};
    bool has_code = code != 0 && code != TOW_CLOSE_NO_STATUS;
    int error = tow_sockjs_append_close(
        &frame, has_code ? code : TOW_CLOSE_NORMAL, has_code && reason != NULL ? reason : "");
    if (error == 0)
        error = say(session, TOW_SOCKJS_CLOSE, frame.data, frame.length);
    tow_buffer_clear(&frame);
    return error;
}

static int send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    tow_sockjs_session *session = of(socket);
    if (session->over)
        return 0;
    if (code == TOW_CLOSE_ABNORMAL || session->peer_closed) {
        tow_sockjs_end(session, 0);
        return 0;
    }
    session->closing = true;
    if (tow_sockjs_is_drained(session) && session->receiver == NULL && session->wire == NULL)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_LINGER, TOW_SESSION_DRAIN_MILLISECONDS);
    return say_close(session, code, reason);
}

static uint64_t buffered(const tow_websocket *socket) {
    const tow_sockjs_session *session = of(socket);
    uint64_t waits = session->wire != NULL ? (uint64_t)tow_websocket_buffered_amount(session->wire) : 0;
    return session->out.payload + waits;
}

static void set_paused(tow_websocket *socket, bool paused) {
    tow_sockjs_session *session = of(socket);
    session->paused = paused;
    tow_sockjs_pace_wire(session);
    if (!paused && session->telling)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_INPUT, 0);
}

static size_t drop(tow_websocket *socket, uint64_t max) {
    return tow_packets_drop(&of(socket)->out, max);
}

const tow_carrier tow_sockjs_carrier = {.send = send_message,
    .close = send_close,
    .buffered = buffered,
    .set_paused = set_paused,
    .drop = drop,
    .texts_only = true};

/* Its times. */

static void act(tow_agenda *agenda, int due) {
    tow_sockjs_session *session =
        (tow_sockjs_session *)(void *)((char *)agenda - offsetof(tow_sockjs_session, agenda));
    switch ((tow_sockjs_due)due) {
    case TOW_SOCKJS_DUE_HEARTBEAT:
        tow_sockjs_beat(session);
        break;
    case TOW_SOCKJS_DUE_LINGER:
        tow_sockjs_end(session, 0);
        break;
    case TOW_SOCKJS_DUE_FLUSH:
        tow_sockjs_flush(session);
        break;
    case TOW_SOCKJS_DUE_INPUT:
        tow_sockjs_tell(session);
        break;
    case TOW_SOCKJS_DUE_GONE:
        tow_sockjs_gone(session);
        break;
    case TOW_SOCKJS_DUE_COUNT:
        break;
    }
}

/* The beginning. */

tow_sockjs_session *tow_sockjs_find(struct tow_sockjs *sockjs, tow_websocket_id id) {
    tow_websocket *socket = id != 0 ? tow_server_carried(sockjs->server, id, &tow_sockjs_carrier) : NULL;
    tow_sockjs_session *session = socket != NULL ? socket->carried : NULL;
    return session != NULL && !session->over && session->sockjs == sockjs ? session : NULL;
}

/* The timer has nothing to do before on_open has returned. */
static int open_socket(tow_sockjs_session *session, tow_exchange *exchange) {
    tow_metric_add(session->sockjs->metrics.sessions, 1);
    int error = tow_exchange_open_carried(exchange, &tow_sockjs_carrier, session, &session->socket);
    if (error != 0) {
        tow_metric_add(session->sockjs->metrics.sessions, -1);
        return error;
    }
    if (!session->over) {
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_LINGER, TOW_SOCKJS_LINGER);
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_HEARTBEAT, tow_sockjs_heartbeat_of(session));
    }
    tow_agenda_go(&session->agenda);
    return 0;
}

int tow_sockjs_session_new(
    tow_sockjs_session **out, struct tow_sockjs *sockjs, tow_exchange *exchange, const char *name) {
    tow_sockjs_session *session = calloc(1, sizeof(*session));
    if (session == NULL)
        return TOW_ERROR_MEMORY;
    session->sockjs = sockjs;
    session->loop = tow_exchange_loop(exchange);
    tow_agenda_init(&session->agenda, session->loop, TOW_SOCKJS_DUE_COUNT, act);
    char *copy = name != NULL ? strdup(name) : NULL;
    int error = name != NULL && copy == NULL ? TOW_ERROR_MEMORY : open_socket(session, exchange);
    if (error != 0) {
        free(copy);
        tow_sockjs_destroy(session);
        return error;
    }
    if (name != NULL && !session->over)
        error = tow_sockjs_names_add(
            &sockjs->names, session->loop, name, tow_websocket_identify(session->socket));
    if (error == 0)
        session->name = copy;
    else
        free(copy);
    if (error != 0)
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    *out = session;
    return error;
}
