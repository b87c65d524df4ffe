#include "ending.h"

#include "transport/loop.h"
#include "websocket/cause.h"

#include <stdlib.h>
#include <towline/error.h>

static void stop(tow_fallback_session *session) {
    tow_polling_stop(&session->polling);
    tow_upgrade_stop(&session->upgrade);
    tow_timer_cancel(session->loop, &session->soon);
    tow_timer_cancel(session->loop, &session->silence);
    tow_timer_cancel(session->loop, &session->look);
}

void tow_fallback_destroy(tow_fallback_session *session) {
    stop(session);
    tow_packets_clear(&session->out);
    tow_buffer_clear(&session->answer);
    tow_buffer_clear(&session->room);
    free(session);
}

/* What is being told may lie in the answer. */
void tow_fallback_end(tow_fallback_session *session, int error) {
    if (session->over)
        return;
    session->over = true;
    session->error = error;
    stop(session);
    tow_loop_owe(session->loop);
    tow_fallback_set_soon(session);
}

/* What our Close was posted with was taken, though nobody could say so any more. */
static void lose_after_close(tow_fallback_session *session) {
    if (session->posts_close)
        session->posted = 0;
    tow_fallback_end(session, 0);
}

void tow_fallback_lose(tow_fallback_session *session, int error, const char *text) {
    if (session->over)
        return;
    if (session->peer_closed) {
        lose_after_close(session);
        return;
    }
    if (text != NULL)
        tow_carried_explain(session->socket, text);
    tow_fallback_end(session, error);
}

void tow_fallback_break(tow_fallback_session *session, int error) {
    if (session->over)
        return;
    tow_websocket_abort(
        session->socket, error == TOW_ERROR_MEMORY ? TOW_CAUSE_MEMORY : TOW_CAUSE_PROTOCOL_ERROR, error);
    tow_fallback_end(session, error);
}
