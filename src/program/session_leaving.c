/* session_leaving: how `towline connect` comes to its end: what that says about the exit status, the Close by
 * our own decision, and that nothing keeps the loop running any more. */
#include "session.h"

#include "base/text.h"
#include "client/client.h"

#include <towline/error.h>

enum { QUESTION_SHOWN_MAX = 60 };

void tow_session_leave(tow_session *session, uint16_t code, const char *reason) {
    tow_standard_input_stop(&session->input);
    if (session->ended)
        return;
    if (session->own_code == 0)
        session->own_code = code;
    int error = session->reconnector != NULL ? tow_reconnector_close(session->reconnector, code, reason)
                                             : tow_websocket_close(session->socket, code, reason);
    if (error != 0)
        tow_view_error(&session->view, "closing: %s", tow_strerror(error));
}

void tow_session_shut(tow_session *session) {
    tow_standard_input_stop(&session->input);
    if (session->ended || session->own_code != 0)
        return;
    session->own_code = 1000;
    tow_client_shutdown(session->socket);
}

void tow_session_note(tow_session *session, tow_exit_status status) {
    if (session->status == TOW_EXIT_DONE)
        session->status = status;
}

void tow_session_fail(tow_session *session, tow_exit_status status) {
    tow_session_note(session, status);
    tow_session_leave(session, 1000, NULL);
}

void tow_session_end(tow_session *session) {
    session->ended = true;
    tow_standard_input_stop(&session->input);
    tow_timer_cancel(session->loop, &session->linger_timer);
    tow_timer_cancel(session->loop, &session->ping_timer);
    tow_timer_cancel(session->loop, &session->limit_timer);
    if (session->view.editor != NULL)
        tow_editor_stop(session->view.editor);
    tow_loop_stop(session->loop);
}

/* With -x: the question that has no answer, or NULL. */
static const char *unanswered_question(const tow_session *session) {
    if (session->next_message == NULL ||
        session->came >= (uint64_t)(session->next_message - session->settings->messages))
        return NULL;
    return session->next_message[-1];
}

void tow_session_conclude(tow_session *session) {
    tow_session_note(session, session->end);
    const char *question = unanswered_question(session);
    if (question != NULL && session->status == TOW_EXIT_DONE) {
        char shown[QUESTION_SHOWN_MAX + 1];
        tow_text_format(shown, sizeof(shown), "%s", question);
        tow_view_error(&session->view, "the connection ended before the answer to '%s' came", shown);
        tow_session_note(session, TOW_EXIT_UNANSWERED);
    }
    tow_session_end(session);
}
