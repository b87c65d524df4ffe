#include "due.h"

#include "carry.h"
#include "closing.h"
#include "context.h"
#include "extra.h"
#include "send.h"
#include "stage.h"
#include "frames/ending.h"
#include "frames/peer_end.h"
#include "timing.h"

#include <towline/error.h>

/* An open connection. */

/* The message took too long: policy (RFC 6455, section 7.4.1). */
static void message_timed_out(tow_websocket *socket) {
    tow_websocket_fail(socket, TOW_CAUSE_MESSAGE_SECONDS, TOW_ERROR_TIMED_OUT);
}

/* Nothing of what is queued was taken: a Close would not arrive either. */
static void stalled(tow_websocket *socket) {
    tow_websocket_abort(socket, TOW_CAUSE_STALL_SECONDS, TOW_ERROR_TIMED_OUT);
}

static void idle_timed_out(tow_websocket *socket) {
    tow_websocket_fail(socket, TOW_CAUSE_IDLE_SECONDS, TOW_ERROR_TIMED_OUT);
}

/* A queue that keeps us from reading has a limit of its own. */
static void left_for_long(tow_websocket *socket) {
    if (socket->flow == TOW_FLOW_PAUSED)
        tow_peer_end_give_up(socket);
    else
        tow_timing_left_anew(socket);
}

static void ping(tow_websocket *socket) {
    socket->pinged = true;
    tow_websocket_mark(socket);
    tow_websocket_ping(socket, NULL, 0);
}

/* Returns whether the connection is still open. */
static bool do_what_is_due(tow_websocket *socket) {
    switch (tow_timing_due(socket)) {
    case TOW_DUE_STALL:
        stalled(socket);
        break;
    case TOW_DUE_LEFT:
        left_for_long(socket);
        break;
    case TOW_DUE_MESSAGE:
        message_timed_out(socket);
        break;
    case TOW_DUE_IDLE:
        idle_timed_out(socket);
        break;
    case TOW_DUE_PING:
        ping(socket);
        break;
    case TOW_DUE_NOTHING:
        break;
    }
    return tow_stage_is_open(socket);
}

/* A closing one. */

/* Whether the peer has still to take something, our Close at the end. */
static bool is_taking(tow_websocket *socket, int64_t now) {
    return tow_progress_look(&socket->extra->progress, &socket->stream, now) > 0 ||
           !tow_ending_all_is_sent(socket);
}

/* For how long it may take nothing, and when it has taken all, may leave us without the end. */
static int patience(const tow_websocket *socket, bool taking) {
    const tow_limits *limits = &socket->behaviour->limits;
    if (taking && limits->stall_seconds != TOW_OFF)
        return limits->stall_seconds;
    return !taking && (socket->stage == TOW_STAGE_FAILED || socket->shut) ? TOW_LINGER_SECONDS
                                                                          : limits->close_seconds;
}

static void give_up(tow_websocket *socket, bool taking) {
    if (!taking && tow_closing_is_clean(socket))
        tow_ending_close(socket);
    else
        tow_websocket_abort(
            socket, taking ? TOW_CAUSE_STALL_SECONDS : TOW_CAUSE_CLOSE_SECONDS, TOW_ERROR_TIMED_OUT);
}

static void closing_timed_out(tow_websocket *socket) {
    if (socket->stream_closed || !tow_stage_is_closing(socket))
        return;
    if (tow_carrier_of(socket) != NULL) {
        tow_websocket_abort(socket, TOW_CAUSE_CLOSE_SECONDS, TOW_ERROR_TIMED_OUT);
        return;
    }
    if (tow_extra_need(socket) == NULL) {
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        return;
    }
    tow_progress *progress = &socket->extra->progress;
    int64_t now = tow_loop_now(socket->context->loop);
    if (progress->since == 0)
        tow_progress_note(progress, now - TOW_ENDING_FIRST_LOOK);
    bool taking = is_taking(socket, now);
    int seconds = patience(socket, taking);
    if (tow_progress_is_over(progress, now, seconds))
        give_up(socket, taking);
    else
        tow_timing_close(socket, tow_progress_next(progress, now, seconds));
}

void tow_due_fired(tow_timer *timer) {
    tow_websocket *socket = tow_websocket_of_timer(timer);
    if (socket->lost) {
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        return;
    }
    if (!tow_stage_is_open(socket))
        closing_timed_out(socket);
    else if (do_what_is_due(socket))
        tow_timing_update(socket);
}
