#include "giving.h"

#include "../session/arrival.h"
#include "../session/marks.h"
#include "frames.h"
#include "life.h"
#include "protocol/close.h"

#include <stdlib.h>
#include <string.h>
#include <towline/error.h>

enum {
    HEARTBEAT_MILLISECONDS = 25000,
    FRAME_BYTES = 64 * 1024,   /* of messages in a frame; one more may come */
    STREAM_BYTES = 128 * 1024, /* of a stream, then the client asks again */
    PRELUDE = 2048             /* bytes that a stream begins with, for browsers that wait for some */
};

/* What it was given since it came may still be on its way. */
static void receiver_over(tow_sockjs_session *session) {
    int64_t linger = TOW_SOCKJS_LINGER + tow_session_arrival(session->streamed);
    tow_sockjs_set_receiver(session, NULL, NULL);
    tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_LINGER,
        tow_sockjs_is_drained(session) ? TOW_SESSION_DRAIN_MILLISECONDS : linger);
    if (session->visits == 1)
        tow_sockjs_note_half_made(session);
}

/* One frame; its end of line is added where it is not a WebSocket's message. */
static void give(tow_sockjs_session *session, tow_buffer *frame, bool is_last) {
    int error = session->wire != NULL ? 0 : tow_buffer_append(frame, "\n", 1);
    tow_session_visit *receiver = session->receiver;
    session->streamed += frame->length;
    if (error != 0) {
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, error);
    } else if (session->wire != NULL) {
        (void)tow_websocket_send(session->wire, TOW_TEXT, frame->data, frame->length);
    } else if (!session->streams) {
        receiver_over(session);
        error = tow_session_visit_answer_with(receiver,
            &(tow_session_visit_answer){
                .status = 200, .type = TOW_SOCKJS_FRAME_TYPE, .body = frame->data, .length = frame->length});
    } else {
        error = tow_session_visit_write(receiver, frame->data, frame->length);
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
        tow_sockjs_hear_close(session, TOW_CLOSE_NO_STATUS, "", 0);
}

/* A WebSocket tells when it is below the low mark only if it was above the high one; the socket may have been
 * so before it was given all that waits. */
static void look_at_marks(tow_sockjs_session *session) {
    if (!session->over)
        tow_carried_drain(session->socket);
    if (!session->over && session->wire != NULL && tow_websocket_is_above_high(session->socket))
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_FLUSH, TOW_SESSION_LOOK_MILLISECONDS);
}

void tow_sockjs_flush(tow_sockjs_session *session) {
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
    if (is_close)
        close_was_taken(session);
    else
        look_at_marks(session);
}

static void receiver_gone(tow_session_visit *visit, void *user) {
    tow_sockjs_session *session = user;
    if (session->receiver != visit)
        return;
    session->streamed = 0; /* nothing of it is on its way any more */
    receiver_over(session);
}

static bool begin_stream(tow_session_visit *visit) {
    char prelude[PRELUDE + 1];
    memset(prelude, 'h', PRELUDE);
    prelude[PRELUDE] = '\n';
    return tow_session_visit_open(visit, TOW_SOCKJS_FRAME_TYPE) == 0 &&
           tow_session_visit_write(visit, prelude, sizeof(prelude)) == 0;
}

void tow_sockjs_receive(tow_sockjs_session *session, tow_session_visit *visit, bool streams) {
    if (session->receiver != NULL) {
        tow_sockjs_answer(visit, 200, TOW_SOCKJS_FRAME_TYPE, "c[2010,\"Another connection still open\"]\n");
        return;
    }
    tow_carried_heard(session->socket);
    tow_sockjs_met(session);
    tow_sockjs_set_receiver(session, visit, NULL);
    session->streams = streams;
    session->streamed = 0;
    visit->on_gone = receiver_gone;
    visit->user = session;
    tow_agenda_drop(&session->agenda, TOW_SOCKJS_DUE_LINGER);
    if (streams && !begin_stream(visit))
        tow_sockjs_break(session, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    else
        tow_sockjs_flush(session);
}

/* The session minds what is queued. Errors: MEMORY. */
static int take_marks(tow_sockjs_session *session, tow_websocket *wire, const tow_limits *routes) {
    session->behaviour = malloc(sizeof(*session->behaviour));
    if (session->behaviour == NULL)
        return TOW_ERROR_MEMORY;
    session->original = wire->behaviour;
    *session->behaviour = *wire->behaviour;
    tow_session_take_marks(&session->behaviour->limits, routes);
    session->behaviour->carries = true;
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
    tow_sockjs_set_receiver(session, NULL, wire);
    tow_agenda_drop(&session->agenda, TOW_SOCKJS_DUE_LINGER);
    if (session->paused)
        tow_websocket_pause(wire);
    tow_sockjs_flush(session);
}

/* Its times. */

/* Well before silence would end it: a client that only receives says nothing. */
int64_t tow_sockjs_heartbeat_of(const tow_sockjs_session *session) {
    int idle = session->socket->behaviour->limits.idle_seconds;
    int64_t half = idle == TOW_OFF ? HEARTBEAT_MILLISECONDS : idle * INT64_C(500);
    return half < HEARTBEAT_MILLISECONDS ? half : HEARTBEAT_MILLISECONDS;
}

void tow_sockjs_beat(tow_sockjs_session *session) {
    if (has_receiver(session)) {
        tow_carried_heard(session->socket);
        give_text(session, "h");
        if (!session->over)
            tow_carried_drain(session->socket);
    }
    if (!session->over)
        tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_HEARTBEAT, tow_sockjs_heartbeat_of(session));
}
