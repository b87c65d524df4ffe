#include "ending.h"

#include "../closing.h"
#include "../context.h"
#include "../extra.h"
#include "../send.h"
#include "../stage.h"
#include "input.h"
#include "output.h"
#include "timing.h"
#include "transport/tls.h"

#include <string.h>
#include <towline/error.h>

enum { LINGER_SECONDS = 1 }; /* for the end of the stream when our side has ended or failed */

/* After this a closing connection that is still there is looked at; most are gone by then. */
#define FIRST_LOOK (TOW_SECOND / 2)

static void close_stream(tow_websocket *socket) {
    socket->stream_closed = true;
    tow_stream_close(&socket->stream);
}

/* What is in the cork is dropped. */
void tow_ending_reset(tow_websocket *socket) {
    tow_send_discard(socket, tow_stream_corked_payload(&socket->stream));
    tow_stream_reset(&socket->stream);
}

/* The time of the step that begins now. */
static void restart_clock(tow_websocket *socket) {
    int64_t now = tow_loop_now(socket->context->loop);
    if (socket->extra != NULL)
        tow_progress_note(&socket->extra->progress, now);
    tow_timing_close(socket, now + FIRST_LOOK);
}

static void end_our_side(tow_websocket *socket) {
    socket->shut = true;
    tow_stream_shutdown(&socket->stream);
    restart_clock(socket);
}

/* TLS may have kept some of what it took. */
static bool all_is_sent(const tow_websocket *socket) {
    return !tow_send_is_waiting(socket) && !tow_stream_is_blocked(&socket->stream);
}

/* Nothing but the end of the stream is left. */
static bool has_closed(const tow_websocket *socket) {
    return socket->stage == TOW_STAGE_CROSSED || socket->stage == TOW_STAGE_FAILED;
}

/* RFC 6455, section 7.1.1: the server ends the stream first; it goes on reading until the client has ended
 * its side too, since closing with bytes unread would be a reset, which could take our Close away from the
 * peer. So it is after a failure, too. */
void tow_ending_advance(tow_websocket *socket) {
    if (!has_closed(socket) || socket->stream_closed || tow_send_is_waiting(socket))
        return;
    tow_stream_flush(&socket->stream);
    if (!all_is_sent(socket))
        return;
    if (socket->ended)
        close_stream(socket);
    else if (!socket->shut &&
             (socket->stage == TOW_STAGE_FAILED || socket->behaviour->role == TOW_ROLE_SERVER))
        end_our_side(socket);
}

void tow_ending_begin(tow_websocket *socket) {
    restart_clock(socket);
    tow_ending_advance(socket);
}

/* Ends without a Close from here on: the stream is of no use. */
static void end_broken(tow_websocket *socket, int error) {
    if (!tow_closing_is_clean(socket))
        tow_closing_note_failure(socket, tow_cause_of_error(error), error);
    close_stream(socket);
}

void tow_ending_check(tow_websocket *socket) {
    if (!socket->ended || socket->stream_closed)
        return;
    if (has_closed(socket))
        tow_ending_advance(socket);
    else if (!tow_receive_has_kept(socket) || !tow_stage_wants_messages(socket))
        end_broken(socket, TOW_ERROR_ENDED);
    else
        tow_timing_left(socket);
}

void tow_ending_give_up_unread(tow_websocket *socket) {
    end_broken(socket, TOW_ERROR_ENDED);
}

/* After its Close the peer has nothing more to say. */
void tow_ending_fin(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (tow_stage_wants_messages(socket) && tow_stage_hears(socket))
        tow_timing_left(socket);
}

void tow_ending_ended(tow_stream *stream) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    socket->ended = true;
    tow_ending_check(socket);
}

/* What TLS has to say of it goes with the stream; without memory for it the code must do. */
static void store_failure(tow_websocket *socket) {
    const char *text = tow_stream_failure_text(&socket->stream);
    if (text != NULL && tow_extra_need(socket) != NULL)
        socket->extra->failure = tow_extra_text(text, strlen(text));
}

void tow_ending_failed(tow_stream *stream, int error) {
    tow_websocket *socket = tow_websocket_of_stream(stream);
    if (socket->stream_closed)
        return;
    store_failure(socket);
    end_broken(socket, error);
}

/* Whether the peer has still to take something, our Close at the end. */
static bool is_taking(tow_websocket *socket, int64_t now) {
    return tow_progress_look(&socket->extra->progress, &socket->stream, now) > 0 || !all_is_sent(socket);
}

/* For how long it may take nothing, and when it has taken all, may leave us without the end. */
static int patience(const tow_websocket *socket, bool taking) {
    const tow_limits *limits = &socket->behaviour->limits;
    if (taking && limits->stall_seconds != TOW_OFF)
        return limits->stall_seconds;
    return !taking && (socket->stage == TOW_STAGE_FAILED || socket->shut) ? LINGER_SECONDS
                                                                          : limits->close_seconds;
}

static void give_up(tow_websocket *socket, bool taking) {
    if (!taking && tow_closing_is_clean(socket))
        close_stream(socket);
    else
        tow_websocket_abort(
            socket, taking ? TOW_CAUSE_STALL_SECONDS : TOW_CAUSE_CLOSE_SECONDS, TOW_ERROR_TIMED_OUT);
}

void tow_ending_timed_out(tow_websocket *socket) {
    if (socket->stream_closed || !tow_stage_is_closing(socket))
        return;
    if (tow_extra_need(socket) == NULL) {
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        return;
    }
    tow_progress *progress = &socket->extra->progress;
    int64_t now = tow_loop_now(socket->context->loop);
    if (progress->since == 0)
        tow_progress_note(progress, now - FIRST_LOOK);
    bool taking = is_taking(socket, now);
    int seconds = patience(socket, taking);
    if (tow_progress_is_over(progress, now, seconds))
        give_up(socket, taking);
    else
        tow_timing_close(socket, tow_progress_next(progress, now, seconds));
}

void tow_ending_closed(tow_stream *stream) {
    tow_closing_over(tow_websocket_of_stream(stream));
}
