#include "session.h"

#include "../session/marks.h"
#include "frames.h"
#include "protocol/close.h"
#include "transport/loop.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

#define FRAME_TYPE "application/javascript; charset=UTF-8"

enum {
    HEARTBEAT_MILLISECONDS = 25000,
    LINGER_MILLISECONDS = 5000, /* without a receiver */
    FRAME_BYTES = 64 * 1024,    /* of messages in a frame; one more may come */
    STREAM_BYTES = 128 * 1024,  /* of a stream, then the client asks again */
    PRELUDE = 2048,             /* bytes that a stream begins with, for browsers that wait for some */
    TOLD_AT_ONCE = 256,
    ROOM_MAX = 64 * 1024 /* bytes that are kept for the next message */
};

/* Well before silence would end it: a client that only receives says nothing. */
static int64_t heartbeat_of(const tow_sockjs_session *session) {
    int idle = session->socket->behaviour->limits.idle_seconds;
    int64_t half = idle == TOW_OFF ? HEARTBEAT_MILLISECONDS : idle * INT64_C(500);
    return half < HEARTBEAT_MILLISECONDS ? half : HEARTBEAT_MILLISECONDS;
}

static void hear_close(tow_sockjs_session *session, uint16_t code, const char *reason, size_t length);
static void end(tow_sockjs_session *session, int error);

/* To who receives. */

static void answer(tow_session_visit *visit, int status, const char *type, const char *body) {
    (void)tow_session_visit_answer_with(visit,
        &(tow_session_visit_answer){.status = status, .type = type, .body = body, .length = strlen(body)});
}

/* Who receives: a request or a WebSocket, or NULL. */
static void set_receiver(tow_sockjs_session *session, tow_session_visit *receiver, tow_websocket *wire) {
    bool did = session->receiver != NULL || session->wire != NULL;
    bool does = receiver != NULL || wire != NULL;
    tow_metric_add(session->sockjs->metrics.receivers, does - did);
    session->receiver = receiver;
    if (session->wire != NULL && session->wire != wire)
        session->wire->behaviour = session->original;
    session->wire = wire;
}

static tow_half_made *half_made_of(const tow_sockjs_session *session) {
    return &session->sockjs->half_made[tow_websocket_id_worker(tow_websocket_identify(session->socket))];
}

/* Its first request is over, and nobody else has come: who begins many of such ends the oldest. */
static void note_half_made(tow_sockjs_session *session) {
    const struct tow_sockjs *sockjs = session->sockjs;
    tow_ring *oldest = tow_half_made_add(
        half_made_of(session), &session->half_made, sockjs->max_half_made, sockjs->metrics.half_made);
    if (oldest == NULL)
        return;
    tow_metric_count(sockjs->metrics.over_half_made);
    end((tow_sockjs_session *)(void *)((char *)oldest - offsetof(tow_sockjs_session, half_made)), 0);
}

static void forget_half_made(tow_sockjs_session *session) {
    if (session->half_made.next != NULL)
        tow_half_made_remove(half_made_of(session), &session->half_made, session->sockjs->metrics.half_made);
}

static void met(tow_sockjs_session *session) {
    session->visits += session->visits < 2;
    forget_half_made(session);
}

static void receiver_over(tow_sockjs_session *session) {
    set_receiver(session, NULL, NULL);
    tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_LINGER, LINGER_MILLISECONDS);
    if (session->visits == 1)
        note_half_made(session);
}

/* One frame; its end of line is added where it is not a WebSocket's message. */
static void give(tow_sockjs_session *session, tow_buffer *frame, bool is_last) {
    int error = session->wire != NULL ? 0 : tow_buffer_append(frame, "\n", 1);
    tow_session_visit *receiver = session->receiver;
    if (error != 0) {
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, error);
    } else if (session->wire != NULL) {
        (void)tow_websocket_send(session->wire, TOW_TEXT, frame->data, frame->length);
    } else if (!session->streams) {
        receiver_over(session);
        error = tow_session_visit_answer_with(
            receiver, &(tow_session_visit_answer){
                          .status = 200, .type = FRAME_TYPE, .body = frame->data, .length = frame->length});
    } else {
        error = tow_session_visit_write(receiver, frame->data, frame->length);
        session->streamed += frame->length;
        if (error != 0 || is_last || session->streamed >= STREAM_BYTES) {
            receiver_over(session);
            (void)tow_session_visit_end(receiver);
        }
    }
    if (error != 0)
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, error);
}

static bool has_receiver(const tow_sockjs_session *session) {
    return !session->over && (session->receiver != NULL || session->wire != NULL);
}

static void give_text(tow_sockjs_session *session, const char *text) {
    tow_buffer frame = {0};
    if (tow_buffer_append_text(&frame, text) == 0)
        give(session, &frame, false);
    tow_buffer_clear(&frame);
}

/* The client has our Close, and says no more. */
static void close_was_taken(tow_sockjs_session *session) {
    if (session->wire != NULL)
        tow_websocket_close(session->wire, TOW_CLOSE_NORMAL, NULL);
    else if (!session->over)
        hear_close(session, TOW_CLOSE_NO_STATUS, "", 0);
}

static void flush(tow_sockjs_session *session) {
    bool is_close = false;
    if (has_receiver(session) && !session->greeted) {
        session->greeted = true;
        give_text(session, "o");
    }
    while (has_receiver(session) && !tow_packets_are_empty(&session->out) && !is_close) {
        tow_buffer frame = {0};
        int error = tow_sockjs_append(&frame, &session->out, FRAME_BYTES, &is_close);
        if (error == 0)
            give(session, &frame, is_close);
        else
            tow_sockjs_break(session, tow_cause_of_error(error), error);
        tow_buffer_clear(&frame);
    }
    if (!session->over && !is_close)
        tow_carried_drain(session->socket);
    if (is_close)
        close_was_taken(session);
}

/* The end. */

static void end(tow_sockjs_session *session, int error) {
    if (session->over)
        return;
    tow_session_visit *receiver = session->receiver;
    tow_session_visit *post = session->post;
    tow_websocket *wire = session->wire;
    session->over = true;
    session->error = error;
    session->post = NULL;
    set_receiver(session, NULL, NULL);
    forget_half_made(session);
    tow_metric_add(session->sockjs->metrics.sessions, -1);
    if (session->name != NULL)
        tow_sockjs_names_remove(&session->sockjs->names, session->name);
    if (receiver != NULL && session->streams)
        (void)tow_session_visit_end(receiver);
    else if (receiver != NULL)
        answer(receiver, 200, FRAME_TYPE, "c[3000,\"Go away!\"]\n");
    if (post != NULL)
        answer(post, 204, NULL, "");
    if (wire != NULL) {
        tow_websocket_set_user(wire, NULL);
        tow_websocket_close(wire, 0, NULL);
    }
    tow_packets_clear(&session->out);
    tow_agenda_drop_all(&session->agenda);
    tow_loop_owe(session->loop);
    tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_GONE, 0);
}

static void destroy(tow_sockjs_session *session) {
    tow_agenda_end(&session->agenda);
    tow_packets_clear(&session->out);
    tow_buffer_clear(&session->posted);
    tow_buffer_clear(&session->room);
    free(session->behaviour);
    free(session->name);
    free(session);
}

static void gone(tow_sockjs_session *session) {
    tow_loop_paid(session->loop);
    tow_carried_gone(session->socket, session->error);
    destroy(session);
}

void tow_sockjs_break(tow_sockjs_session *session, tow_cause cause, int error) {
    if (session->over)
        return;
    tow_websocket_abort(session->socket, cause, error);
    end(session, error);
}

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

static int send_control(tow_websocket *socket, const void *payload, size_t length) {
    (void)socket, (void)payload, (void)length;
    return 0;
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
        end(session, 0);
        return 0;
    }
    session->closing = true;
    if (socket->end.cause == TOW_CAUSE_DRAIN && session->receiver == NULL && session->wire == NULL)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_LINGER, TOW_SESSION_DRAIN_MILLISECONDS);
    return say_close(session, code, reason);
}

static uint64_t buffered(const tow_websocket *socket) {
    const tow_sockjs_session *session = of(socket);
    uint64_t waits = session->wire != NULL ? (uint64_t)tow_websocket_buffered_amount(session->wire) : 0;
    return session->out.payload + waits;
}

/* A WebSocket waits with its next message until all of the last is told. Callbacks of it may run. */
static void pace_wire(tow_sockjs_session *session) {
    if (session->wire != NULL)
        (session->paused || session->telling ? tow_websocket_pause : tow_websocket_resume)(session->wire);
}

static void set_paused(tow_sockjs_session *session, bool paused) {
    session->paused = paused;
    pace_wire(session);
    if (!paused && session->telling)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_INPUT, 0);
}

static void pause_telling(tow_websocket *socket) {
    set_paused(of(socket), true);
}

static void resume_telling(tow_websocket *socket) {
    set_paused(of(socket), false);
}

static size_t drop(tow_websocket *socket, uint64_t max) {
    return tow_packets_drop(&of(socket)->out, max);
}

const tow_carrier tow_sockjs_carrier = {.send = send_message,
    .ping = send_control,
    .pong = send_control,
    .close = send_close,
    .buffered = buffered,
    .pause = pause_telling,
    .resume = resume_telling,
    .drop = drop};

/* What comes. */

static void hear_close(tow_sockjs_session *session, uint16_t code, const char *reason, size_t length) {
    session->peer_closed = true;
    tow_carried_close(session->socket, code, reason, length);
    if (session->closing)
        end(session, 0);
}

static void tell_string(tow_sockjs_session *session, tow_slice string) {
    session->room.length = 0;
    int error = tow_json_unescape(&session->room, string);
    if (error != 0) {
        tow_sockjs_break(session, tow_cause_of_error(error), error);
        return;
    }
    const tow_message message = {.type = TOW_TEXT,
        .data = session->room.length > 0 ? (const void *)session->room.data : "",
        .length = session->room.length};
    tow_carried_message(session->socket, &message);
    if (session->room.capacity > ROOM_MAX)
        tow_buffer_clear(&session->room);
}

static void told(tow_sockjs_session *session) {
    tow_session_visit *post = session->post;
    session->post = NULL;
    session->telling = false;
    tow_buffer_clear(&session->posted);
    if (post != NULL)
        answer(post, 204, "text/plain; charset=UTF-8", "");
    pace_wire(session);
}

static void tell(tow_sockjs_session *session) {
    tow_slice name, string;
    for (int count = 0; !session->over && session->telling && !session->paused; count++) {
        if (count == TOLD_AT_ONCE) {
            tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_INPUT, 0);
            pace_wire(session);
            return;
        }
        if (tow_json_next(&session->input, &name, &string))
            tell_string(session, string);
        else
            told(session);
    }
}

/* It keeps the bytes. False: they are no messages. */
static bool take(tow_sockjs_session *session, tow_buffer *bytes, bool alone) {
    tow_slice single;
    tow_slice text = {(const char *)bytes->data, bytes->length};
    if (!tow_sockjs_read(text, alone, &session->input, &single))
        return false;
    tow_buffer_clear(&session->posted);
    session->posted = *bytes;
    *bytes = (tow_buffer){0};
    session->telling = single.data == NULL;
    if (single.data != NULL) {
        tell_string(session, single);
        tow_buffer_clear(&session->posted);
    }
    return true;
}

/* The client is told at once, and may send more: it is no more than one body at a time, as the next waits. */
static void post_gone(tow_session_visit *visit, void *user) {
    tow_sockjs_session *session = user;
    if (session->post == visit)
        session->post = NULL;
}

void tow_sockjs_post(tow_sockjs_session *session, tow_session_visit *visit) {
    if (visit->body.length == 0) {
        answer(visit, 500, "text/plain; charset=UTF-8", "Payload expected.");
    } else if (session->telling) {
        answer(visit, 503, "text/plain; charset=UTF-8", "the last payload is not read yet");
    } else if (!take(session, &visit->body, false)) {
        answer(visit, 500, "text/plain; charset=UTF-8", "Broken JSON encoding.");
    } else {
        tow_carried_heard(session->socket);
        met(session);
        session->post = visit;
        visit->on_gone = post_gone;
        visit->user = session;
        tell(session);
    }
}

/* Each message of the WebSocket is told whole before the next: see pace_wire. */
void tow_sockjs_hear(tow_sockjs_session *session, const char *text, size_t length) {
    tow_buffer bytes = {0};
    tow_carried_heard(session->socket);
    if (length == 0)
        return;
    if (session->telling || tow_buffer_append(&bytes, text, length) != 0)
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    else if (!take(session, &bytes, true))
        tow_sockjs_break(session, TOW_CAUSE_PROTOCOL_ERROR, TOW_ERROR_PACKET);
    else
        tell(session);
    tow_buffer_clear(&bytes);
}

void tow_sockjs_wire_closed(tow_sockjs_session *session, const tow_close_event *event) {
    set_receiver(session, NULL, NULL);
    if (session->over)
        return;
    if (event->was_clean)
        hear_close(session, event->code, event->reason, event->reason_length);
    else
        end(session, 0);
}

static void receiver_gone(tow_session_visit *visit, void *user) {
    tow_sockjs_session *session = user;
    if (session->receiver == visit)
        receiver_over(session);
}

static bool begin_stream(tow_session_visit *visit) {
    char prelude[PRELUDE + 1];
    memset(prelude, 'h', PRELUDE);
    prelude[PRELUDE] = '\n';
    return tow_session_visit_open(visit, FRAME_TYPE) == 0 &&
           tow_session_visit_write(visit, prelude, sizeof(prelude)) == 0;
}

void tow_sockjs_receive(tow_sockjs_session *session, tow_session_visit *visit, bool streams) {
    if (session->receiver != NULL) {
        answer(visit, 200, FRAME_TYPE, "c[2010,\"Another connection still open\"]\n");
        return;
    }
    tow_carried_heard(session->socket);
    met(session);
    set_receiver(session, visit, NULL);
    session->streams = streams;
    session->streamed = 0;
    visit->on_gone = receiver_gone;
    visit->user = session;
    tow_agenda_drop(&session->agenda, TOW_SOCKJS_DUE_LINGER);
    if (streams && !begin_stream(visit))
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    else
        flush(session);
}

/* The session minds what is queued. Errors: MEMORY. */
static int take_marks(tow_sockjs_session *session, tow_websocket *wire, const tow_limits *routes) {
    session->behaviour = malloc(sizeof(*session->behaviour));
    if (session->behaviour == NULL)
        return TOW_ERROR_MEMORY;
    session->original = wire->behaviour;
    *session->behaviour = *wire->behaviour;
    tow_session_take_marks(&session->behaviour->limits, routes);
    wire->behaviour = session->behaviour;
    return 0;
}

void tow_sockjs_take_wire(tow_sockjs_session *session, tow_websocket *wire, const tow_limits *routes) {
    if (take_marks(session, wire, routes) != 0) {
        tow_websocket_set_user(wire, NULL);
        tow_websocket_close(wire, 1011, NULL);
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        return;
    }
    set_receiver(session, NULL, wire);
    tow_agenda_drop(&session->agenda, TOW_SOCKJS_DUE_LINGER);
    if (session->paused)
        tow_websocket_pause(wire);
    flush(session);
}

/* Its times. */

static void beat(tow_sockjs_session *session) {
    if (has_receiver(session)) {
        tow_carried_heard(session->socket);
        give_text(session, "h");
        if (!session->over)
            tow_carried_drain(session->socket);
    }
    if (!session->over)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_HEARTBEAT, heartbeat_of(session));
}

static void act(tow_agenda *agenda, int due) {
    tow_sockjs_session *session =
        (tow_sockjs_session *)(void *)((char *)agenda - offsetof(tow_sockjs_session, agenda));
    switch ((tow_sockjs_due)due) {
    case TOW_SOCKJS_DUE_HEARTBEAT:
        beat(session);
        break;
    case TOW_SOCKJS_DUE_LINGER:
        end(session, 0);
        break;
    case TOW_SOCKJS_DUE_FLUSH:
        flush(session);
        break;
    case TOW_SOCKJS_DUE_INPUT:
        tell(session);
        break;
    case TOW_SOCKJS_DUE_GONE:
        gone(session);
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
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_LINGER, LINGER_MILLISECONDS);
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_HEARTBEAT, heartbeat_of(session));
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
        destroy(session);
        return error;
    }
    if (name != NULL && !session->over)
        error = tow_sockjs_names_add(&sockjs->names, name, tow_websocket_identify(session->socket));
    if (error == 0)
        session->name = copy;
    else
        free(copy);
    if (error != 0)
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    *out = session;
    return error;
}
