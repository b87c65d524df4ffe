#include "life.h"

#include "transport/loop.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void tow_sockjs_answer(tow_session_visit *visit, int status, const char *type, const char *body) {
    (void)tow_session_visit_answer_with(visit,
        &(tow_session_visit_answer){.status = status, .type = type, .body = body, .length = strlen(body)});
}

void tow_sockjs_set_receiver(tow_sockjs_session *session, tow_session_visit *receiver, tow_websocket *wire) {
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

void tow_sockjs_note_half_made(tow_sockjs_session *session) {
    const struct tow_sockjs *sockjs = session->sockjs;
    tow_ring *oldest = tow_half_made_add(
        half_made_of(session), &session->half_made, sockjs->max_half_made, sockjs->metrics.half_made);
    if (oldest == NULL)
        return;
    tow_metric_count(sockjs->metrics.over_half_made);
    tow_sockjs_end(
        (tow_sockjs_session *)(void *)((char *)oldest - offsetof(tow_sockjs_session, half_made)), 0);
}

static void forget_half_made(tow_sockjs_session *session) {
    if (session->half_made.next != NULL)
        tow_half_made_remove(half_made_of(session), &session->half_made, session->sockjs->metrics.half_made);
}

void tow_sockjs_met(tow_sockjs_session *session) {
    session->visits += session->visits < 2;
    forget_half_made(session);
}

void tow_sockjs_end(tow_sockjs_session *session, int error) {
    if (session->over)
        return;
    tow_session_visit *receiver = session->receiver;
    tow_session_visit *post = session->post;
    tow_websocket *wire = session->wire;
    session->over = true;
    session->error = error;
    session->post = NULL;
    tow_sockjs_set_receiver(session, NULL, NULL);
    forget_half_made(session);
    tow_metric_add(session->sockjs->metrics.sessions, -1);
    if (session->name != NULL)
        tow_sockjs_names_remove(&session->sockjs->names, session->name);
    if (receiver != NULL && session->streams)
        (void)tow_session_visit_end(receiver);
    else if (receiver != NULL)
        tow_sockjs_answer(receiver, 200, TOW_SOCKJS_FRAME_TYPE, "c[3000,\"Go away!\"]\n");
    if (post != NULL)
        tow_sockjs_answer(post, 204, NULL, "");
    if (wire != NULL) {
        tow_websocket_set_user(wire, NULL);
        tow_websocket_close(wire, 0, NULL);
    }
    tow_packets_clear(&session->out);
    tow_agenda_drop_all(&session->agenda);
    tow_loop_owe(session->loop);
    tow_agenda_set(&session->agenda, TOW_SOCKJS_DUE_GONE, 0);
}

void tow_sockjs_destroy(tow_sockjs_session *session) {
    tow_agenda_end(&session->agenda);
    tow_packets_clear(&session->out);
    tow_buffer_clear(&session->posted);
    tow_buffer_clear(&session->room);
    free(session->behaviour);
    free(session->name);
    free(session);
}

void tow_sockjs_gone(tow_sockjs_session *session) {
    assert(session->over && session->receiver == NULL && session->wire == NULL && session->post == NULL);
    tow_loop_paid(session->loop);
    tow_carried_gone(session->socket, session->error);
    tow_sockjs_destroy(session);
}

void tow_sockjs_break(tow_sockjs_session *session, tow_cause cause, int error) {
    if (session->over)
        return;
    tow_websocket_abort(session->socket, cause, error);
    tow_sockjs_end(session, error);
}

void tow_sockjs_hear_close(tow_sockjs_session *session, uint16_t code, const char *reason, size_t length) {
    session->peer_closed = true;
    tow_carried_close(session->socket, code, reason, length);
    if (session->closing)
        tow_sockjs_end(session, 0);
}
