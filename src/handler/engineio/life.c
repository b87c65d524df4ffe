#include "life.h"

#include "transport/loop.h"
#include "waiting.h"

#include <assert.h>
#include <stdlib.h>
#include <towline/error.h>

enum { ANSWER_MILLISECONDS = 10000 /* for the application's answer to a Close */ };

tow_engineio_part *tow_engineio_part_of(const tow_engineio_session *session) {
    return &session->engineio->parts[tow_websocket_id_worker(session->id)];
}

void tow_engineio_session_met(tow_engineio_session *session) {
    tow_half_made_remove(
        &tow_engineio_part_of(session)->half_made, &session->half_made, session->engineio->metrics.half_made);
}

void tow_engineio_set_link(tow_engineio_session *session, tow_engineio_link *link) {
    tow_metric_add(session->engineio->metrics.links, (link != NULL) - (session->link != NULL));
    session->link = link;
}

void tow_engineio_end(tow_engineio_session *session, int error) {
    if (session->over)
        return;
    session->over = true;
    session->error = error;
    tow_metric_add(session->engineio->metrics.sessions, -1);
    tow_engineio_session_met(session);
    tow_engineio_waiting_end(session);
    tow_engineio_link *links[] = {session->link, session->probe};
    tow_engineio_set_link(session, NULL);
    session->probe = NULL;
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        if (links[i] != NULL)
            links[i]->class->close(links[i], 0, NULL, false);
    tow_packets_clear(&session->out);
    tow_buffer_clear(&session->answer);
    tow_agenda_drop_all(&session->agenda);
    tow_loop_owe(session->loop);
    tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_GONE, 0);
}

void tow_engineio_destroy(tow_engineio_session *session) {
    tow_agenda_end(&session->agenda);
    tow_packets_clear(&session->out);
    tow_buffer_clear(&session->answer);
    tow_buffer_clear(&session->room);
    tow_buffer_clear(&session->posted);
    free(session);
}

void tow_engineio_gone(tow_engineio_session *session) {
    assert(session->over && session->link == NULL && session->poll == NULL && session->post == NULL);
    tow_loop_paid(session->loop);
    tow_carried_gone(session->socket, session->error);
    tow_engineio_destroy(session);
}

/* As the Close of any WebSocket would. */
static void tell_link(tow_engineio_session *session, tow_cause cause, int error) {
    tow_engineio_link *link = session->link;
    if (link == NULL)
        return;
    tow_engineio_set_link(session, NULL);
    link->class->close(link, tow_cause_code(cause, error), tow_cause_reason(cause, error), false);
}

void tow_engineio_break(tow_engineio_session *session, tow_cause cause, int error) {
    if (session->over)
        return;
    tell_link(session, cause, error);
    tow_websocket_abort(session->socket, cause, error);
    tow_engineio_end(session, error);
}

void tow_engineio_violated(tow_engineio_session *session) {
    tow_engineio_break(session, TOW_CAUSE_PROTOCOL_ERROR, TOW_ERROR_PACKET);
}

/* The application may take its time to answer. */
void tow_engineio_hear_close(
    tow_engineio_session *session, uint16_t code, const char *reason, size_t length) {
    if (session->over || session->peer_closed)
        return;
    session->peer_closed = true;
    tow_agenda_set(&session->agenda, TOW_ENGINEIO_DUE_LINGER, ANSWER_MILLISECONDS);
    tow_carried_close(session->socket, code, reason, length);
    if (session->closing && !session->over && !session->answers_close)
        tow_engineio_end(session, 0);
}

bool tow_engineio_is_drained(const tow_engineio_session *session) {
    return session->closing && session->socket->end.cause == TOW_CAUSE_DRAIN;
}

void tow_engineio_pause_link(tow_engineio_session *session) {
    if (session->link != NULL)
        session->link->class->pause(session->link, session->paused || session->telling);
}
