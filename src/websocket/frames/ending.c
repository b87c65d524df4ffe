#include "ending.h"

#include "../context.h"
#include "../extra.h"
#include "../stage.h"
#include "output.h"
#include "../timing.h"

void tow_ending_close(tow_websocket *socket) {
    socket->stream_closed = true;
    tow_stream_close(&socket->stream);
}

/* What is in the cork is dropped. */
void tow_ending_reset(tow_websocket *socket) {
    tow_extra_discard(socket, tow_stream_corked_payload(&socket->stream));
    tow_stream_reset(&socket->stream);
}

/* The time of the step that begins now. */
static void restart_clock(tow_websocket *socket) {
    int64_t now = tow_loop_now(socket->context->loop);
    if (socket->extra != NULL)
        tow_progress_note(&socket->extra->progress, now);
    tow_timing_close(socket, now + TOW_ENDING_FIRST_LOOK);
}

static void end_our_side(tow_websocket *socket) {
    socket->shut = true;
    tow_stream_shutdown(&socket->stream);
    restart_clock(socket);
}

/* TLS may have kept some of what it took. */
bool tow_ending_all_is_sent(const tow_websocket *socket) {
    return !tow_send_is_waiting(socket) && !tow_stream_is_blocked(&socket->stream);
}

bool tow_ending_is_due(const tow_websocket *socket) {
    return socket->stage == TOW_STAGE_CROSSED || socket->stage == TOW_STAGE_FAILED;
}

/* RFC 6455, section 7.1.1: the server ends the stream first; it goes on reading until the client has ended
 * its side too, since closing with bytes unread would be a reset, which could take our Close away from the
 * peer. So it is after a failure, too. */
void tow_ending_advance(tow_websocket *socket) {
    if (!tow_ending_is_due(socket) || socket->stream_closed || tow_send_is_waiting(socket))
        return;
    tow_stream_flush(&socket->stream);
    if (!tow_ending_all_is_sent(socket))
        return;
    if (socket->ended)
        tow_ending_close(socket);
    else if (!socket->shut &&
             (socket->stage == TOW_STAGE_FAILED || socket->behaviour->role == TOW_ROLE_SERVER))
        end_our_side(socket);
}

void tow_ending_begin(tow_websocket *socket) {
    restart_clock(socket);
    tow_ending_advance(socket);
}
