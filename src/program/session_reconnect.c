/* session_reconnect: `towline connect --reconnect`: what a lost connection means for the session, and the
 * wait for the next.
 *
 * While there is no connection the input is not read: what comes waits in its pipe, whose writer then waits
 * too, so nothing of it is lost and nothing grows. Only the piece that was read when the connection had begun
 * to close is kept here. */
#include "session.h"

#include "client/client.h"

#include <towline/error.h>

static void on_wait(tow_reconnector *reconnector, int64_t milliseconds, int attempt) {
    tow_session *session = tow_reconnector_user(reconnector);
    tow_view_notice(
        &session->view, "connecting again in %.1f seconds, attempt %d", (double)milliseconds / 1e3, attempt);
}

static void on_give_up(tow_reconnector *reconnector, int error) {
    tow_session *session = tow_reconnector_user(reconnector);
    if (error != 0)
        tow_view_error(&session->view, "--reconnect: trying again would fail again");
    tow_session_conclude(session);
}

int tow_session_reconnect(tow_session *session, const char *url, const tow_websocket_options *options) {
    return tow_reconnector_new(&session->reconnector, session->loop, url, options,
        &(tow_reconnector_options){.on_wait = on_wait, .on_give_up = on_give_up});
}

void tow_session_lost(tow_session *session) {
    session->socket = NULL;
    if (tow_session_go_on_from(session) != 0)
        tow_session_fail(session, TOW_EXIT_FAILED);
    tow_standard_input_pause(&session->input);
    tow_timer_cancel(session->loop, &session->ping_timer);
    tow_timer_cancel(session->loop, &session->linger_timer);
}

bool tow_session_is_cut(const tow_session *session) {
    bool is_open = session->socket != NULL && tow_websocket_ready_state(session->socket) == TOW_OPEN;
    return session->reconnector != NULL && !is_open;
}

bool tow_session_keep(tow_session *session, const char *bytes, size_t length) {
    if (!tow_session_is_cut(session))
        return false;
    tow_standard_input_pause(&session->input);
    session->has_unsent = tow_buffer_append(&session->unsent, bytes, length) == 0;
    if (!session->has_unsent) {
        tow_view_error(&session->view, "%s", tow_strerror(TOW_ERROR_MEMORY));
        tow_session_fail(session, TOW_EXIT_FAILED);
    }
    return true;
}
