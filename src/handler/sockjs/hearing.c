#include "hearing.h"

#include "frames.h"
#include "life.h"
#include "websocket/websocket.h"

#include <towline/error.h>

enum {
    TOLD_AT_ONCE = 256,
    ROOM_MAX = 64 * 1024 /* bytes that are kept for the next message */
};

void tow_sockjs_pace_wire(tow_sockjs_session *session) {
    if (session->wire != NULL)
        (session->paused || session->telling ? tow_websocket_pause : tow_websocket_resume)(session->wire);
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
    tow_buffer_empty(&session->room, ROOM_MAX);
}

static void told(tow_sockjs_session *session) {
    tow_session_visit *post = session->post;
    session->post = NULL;
    session->telling = false;
    tow_buffer_clear(&session->posted);
    if (post != NULL)
        tow_sockjs_answer(post, 204, "text/plain; charset=UTF-8", "");
    tow_sockjs_pace_wire(session);
}

/* As much as a turn may have; the rest waits for a later round. */
static void tell_some(tow_sockjs_session *session, const tow_websocket_context *context) {
    tow_slice name, string;
    for (int count = 0; !session->over && session->telling && !session->paused; count++) {
        if (count == TOLD_AT_ONCE || tow_websocket_turn_is_over(context)) {
            tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_INPUT, 0);
            tow_sockjs_pace_wire(session);
            return;
        }
        if (tow_json_next(&session->input, &name, &string))
            tell_string(session, string);
        else
            told(session);
    }
}

void tow_sockjs_tell(tow_sockjs_session *session) {
    tow_websocket_context *context = tow_websocket_context_of(session->socket);
    uint32_t outer = tow_websocket_begin_turn(context);
    tell_some(session, context);
    tow_websocket_end_turn(context, outer);
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
        tow_sockjs_answer(visit, 500, "text/plain; charset=UTF-8", "Payload expected.");
    } else if (session->telling) {
        tow_sockjs_answer(visit, 503, "text/plain; charset=UTF-8", "the last payload is not read yet");
    } else if (!take(session, &visit->body, false)) {
        tow_sockjs_answer(visit, 500, "text/plain; charset=UTF-8", "Broken JSON encoding.");
    } else {
        tow_carried_heard(session->socket);
        tow_sockjs_met(session);
        session->post = visit;
        visit->on_gone = post_gone;
        visit->user = session;
        tow_sockjs_tell(session);
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
        tow_sockjs_tell(session);
    tow_buffer_clear(&bytes);
}

void tow_sockjs_wire_closed(tow_sockjs_session *session, const tow_close_event *event) {
    tow_sockjs_set_receiver(session, NULL, NULL);
    if (session->over)
        return;
    if (event->was_clean)
        tow_sockjs_hear_close(session, event->code, event->reason, event->reason_length);
    else
        tow_sockjs_end(session, 0);
}
