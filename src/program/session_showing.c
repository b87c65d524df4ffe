/* session_showing: messages go to our reader, and the peer is not read while much waits for that. */
#include "session.h"

#include <errno.h>
#include <string.h>
#include <towline/error.h>

/* Bytes waiting for our reader above which the peer is not read, and below which it is again; bytes waiting
 * for the peer above which --echo does not read it. */
enum { OUTPUT_HIGH = 256 * 1024, OUTPUT_LOW = 64 * 1024, ECHO_HIGH = 16 * 1024 * 1024 };

static bool echo_waits(const tow_session *session) {
    return session->settings->echo && tow_websocket_buffered_amount(session->socket) > ECHO_HIGH;
}

void tow_session_read_less(tow_session *session) {
    if (session->view.output.waiting.length > OUTPUT_HIGH || echo_waits(session))
        tow_websocket_pause(session->socket);
}

bool tow_session_may_be_unread(const tow_session *session) {
    return session->view.output.waiting.length > OUTPUT_LOW;
}

void tow_session_read_on(tow_session *session) {
    if (session->socket != NULL && session->view.output.waiting.length < OUTPUT_LOW && !echo_waits(session))
        tow_websocket_resume(session->socket);
}

static void output_failed(tow_session *session) {
    if (session->status == TOW_EXIT_DONE)
        tow_view_output_lost(&session->view);
    tow_session_fail(session, TOW_EXIT_OUTPUT);
}

bool tow_session_show(tow_session *session, const tow_message *message) {
    int error = tow_view_message(&session->view, message);
    if (session->view.output.error != 0) {
        output_failed(session);
        return false;
    }
    if (error == TOW_ERROR_SYSTEM)
        tow_view_error(&session->view, "writing to %s: %s", session->settings->output, strerror(errno));
    else if (error == TOW_ERROR_MEMORY)
        tow_view_error(&session->view, "%s", tow_strerror(error));
    if (error != 0)
        tow_session_fail(session, error == TOW_ERROR_SYSTEM ? TOW_EXIT_OUTPUT : TOW_EXIT_FAILED);
    else
        tow_session_read_less(session);
    return error == 0;
}

void tow_session_output_changed(tow_writer *output) {
    tow_session *session = output->user;
    if (output->error != 0)
        output_failed(session);
    else
        tow_session_read_on(session);
}
