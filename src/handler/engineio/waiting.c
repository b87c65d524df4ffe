#include "waiting.h"

#include <string.h>

void tow_engineio_answer(tow_session_visit *visit, int status, const char *body) {
    (void)tow_session_visit_answer_with(
        visit, &(tow_session_visit_answer){.status = status,
                   .type = status == 200 ? "text/html" : "text/plain; charset=UTF-8",
                   .body = body,
                   .length = strlen(body)});
}

tow_session_visit *tow_engineio_take_poll(tow_engineio_session *session) {
    tow_session_visit *poll = session->poll;
    session->poll = NULL;
    tow_metric_add(session->engineio->metrics.polls, poll != NULL ? -1 : 0);
    return poll;
}

void tow_engineio_end_poll(tow_engineio_session *session) {
    tow_session_visit *poll = tow_engineio_take_poll(session);
    if (poll != NULL)
        tow_engineio_answer(poll, 200, "6");
}

void tow_engineio_end_post(tow_engineio_session *session) {
    tow_session_visit *post = session->post;
    session->post = NULL;
    if (post != NULL)
        tow_engineio_answer(post, 200, "ok");
}

void tow_engineio_waiting_end(tow_engineio_session *session) {
    tow_session_visit *poll = tow_engineio_take_poll(session);
    tow_session_visit *post = session->post;
    session->post = NULL;
    if (poll != NULL)
        tow_engineio_answer(poll, 200, session->peer_closed ? "6" : "1");
    if (post != NULL)
        tow_engineio_answer(post, session->peer_closed ? 200 : 400, session->peer_closed ? "ok" : "");
}
