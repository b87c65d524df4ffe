#include "timing.h"

#include "carry.h"
#include "context.h"
#include "extra.h"
#include "stage.h"
#include "frames/output.h"

#include <towline/error.h>

#define NEVER INT64_MAX

enum { LEFT_SECONDS = 60 }; /* without idle_seconds */

static tow_loop *loop_of(const tow_websocket *socket) {
    return socket->context->loop;
}

static uint32_t milliseconds(const tow_websocket *socket) {
    return (uint32_t)(tow_loop_now(loop_of(socket)) / TOW_MILLISECOND);
}

/* How long nothing was received, in nanoseconds. */
static int64_t silence(const tow_websocket *socket) {
    return (int64_t)(uint32_t)(milliseconds(socket) - socket->heard) * TOW_MILLISECOND;
}

static int64_t earlier(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* When `limit` seconds have passed since `since`. */
static int64_t after(int64_t since, int limit) {
    return limit == TOW_OFF ? NEVER : since + limit * TOW_SECOND;
}

static int64_t message_deadline(const tow_websocket *socket) {
    const tow_websocket_extra *extra = socket->extra;
    if (extra == NULL || extra->message_began == 0 || socket->reading_paused)
        return NEVER;
    const tow_limits *limits = &socket->behaviour->limits;
    int64_t deadline = after(extra->message_began, limits->message_seconds);
    return deadline == NEVER ? NEVER : deadline + tow_limits_time_for(limits, extra->message_bytes);
}

/* When to look whether the peer takes something. */
static int64_t stall_deadline(const tow_websocket *socket) {
    const tow_websocket_extra *extra = socket->extra;
    if (extra == NULL || tow_queue_is_empty(&extra->queue))
        return NEVER;
    int seconds = socket->behaviour->limits.stall_seconds;
    return seconds == TOW_OFF ? NEVER
                              : tow_progress_next(&extra->progress, tow_loop_now(loop_of(socket)), seconds);
}

/* How long the application may leave unread what the peer said before it ended its side. */
static int64_t left_deadline(const tow_websocket *socket) {
    int seconds = socket->behaviour->limits.idle_seconds;
    if (socket->extra == NULL || socket->extra->left == 0)
        return NEVER;
    return after(socket->extra->left, seconds == TOW_OFF ? LEFT_SECONDS : seconds);
}

static int64_t idle_deadline(const tow_websocket *socket, int64_t heard) {
    if (socket->reading_paused || socket->stage == TOW_STAGE_PEER_ENDED)
        return NEVER;
    return after(heard, socket->behaviour->limits.idle_seconds);
}

static int64_t ping_deadline(const tow_websocket *socket, int64_t heard) {
    if (socket->reading_paused || socket->pinged || socket->stage == TOW_STAGE_PEER_ENDED)
        return NEVER;
    return after(heard, socket->behaviour->limits.ping_seconds);
}

static int64_t next_deadline(const tow_websocket *socket) {
    int64_t now = tow_loop_now(loop_of(socket));
    if (socket->lost)
        return 0;
    int64_t heard = now - silence(socket);
    return earlier(earlier(earlier(message_deadline(socket), stall_deadline(socket)), left_deadline(socket)),
        earlier(idle_deadline(socket, heard), ping_deadline(socket, heard)));
}

static void note_ahead(tow_websocket *socket, size_t untaken) {
    if (untaken > 0 && tow_extra_need(socket) == NULL)
        return;
    if (socket->extra != NULL)
        socket->extra->ahead = untaken;
}

void tow_websocket_mark(tow_websocket *socket) {
    if (tow_carrier_of(socket) == NULL && tow_stage_is_open(socket))
        note_ahead(socket, tow_stream_untaken(&socket->stream));
}

/* An answer can't come before what is ahead of the Ping is with the peer; while it takes of that it lives. */
static bool takes_what_is_ahead(tow_websocket *socket, int64_t since) {
    if (tow_carrier_of(socket) != NULL || socket->extra == NULL)
        return false;
    tow_progress *progress = &socket->extra->progress;
    size_t before = socket->extra->ahead;
    size_t left = tow_stream_untaken(&socket->stream);
    note_ahead(socket, left);
    if (tow_send_is_waiting(socket)) {
        (void)tow_progress_look(progress, &socket->stream, tow_loop_now(loop_of(socket)));
        return progress->since > since;
    }
    return left > 0 && left < before;
}

bool tow_websocket_lives(tow_websocket *socket, int64_t since) {
    if (!tow_stage_is_open(socket))
        return false;
    bool is_heard = silence(socket) + TOW_MILLISECOND < tow_loop_now(loop_of(socket)) - since;
    return socket->reading_paused || is_heard || takes_what_is_ahead(socket, since);
}

/* Nothing of what is queued was taken. */
static bool is_stalled(tow_websocket *socket, int64_t now) {
    if (!tow_send_is_waiting(socket))
        return false;
    tow_progress *progress = &socket->extra->progress;
    (void)tow_progress_look(progress, &socket->stream, now);
    return tow_progress_is_over(progress, now, socket->behaviour->limits.stall_seconds);
}

tow_due tow_timing_due(tow_websocket *socket) {
    int64_t now = tow_loop_now(loop_of(socket));
    int64_t heard = now - silence(socket);
    if (is_stalled(socket, now))
        return TOW_DUE_STALL;
    if (left_deadline(socket) <= now)
        return TOW_DUE_LEFT;
    if (message_deadline(socket) <= now)
        return TOW_DUE_MESSAGE;
    if (idle_deadline(socket, heard) <= now) {
        if (!takes_what_is_ahead(socket, heard))
            return TOW_DUE_IDLE;
        socket->heard = milliseconds(socket);
        return TOW_DUE_NOTHING;
    }
    return ping_deadline(socket, heard) <= now ? TOW_DUE_PING : TOW_DUE_NOTHING;
}

void tow_timing_update(tow_websocket *socket) {
    int64_t deadline = next_deadline(socket);
    if (deadline == NEVER)
        tow_timer_cancel(loop_of(socket), &socket->timer);
    else
        tow_timer_set(loop_of(socket), &socket->timer, deadline, socket->context->above->time_is_up);
}

/* A deadline that is long past does not wait for the next tick. */
void tow_timing_now(tow_websocket *socket) {
    tow_timer_set(loop_of(socket), &socket->timer, 0, socket->context->above->time_is_up);
}

void tow_timing_close(tow_websocket *socket, int64_t deadline) {
    tow_timer_set(loop_of(socket), &socket->timer, deadline, socket->context->above->time_is_up);
}

/* After a Ping the timer stands at the idle deadline; with an answer the next Ping is due before that. */
void tow_timing_heard(tow_websocket *socket) {
    bool was_pinged = socket->pinged;
    socket->heard = milliseconds(socket);
    socket->pinged = false;
    if (!was_pinged)
        return;
    note_ahead(socket, 0);
    tow_timing_update(socket);
}

int tow_timing_left(tow_websocket *socket) {
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    if (socket->extra->left == 0)
        socket->extra->left = tow_loop_now(loop_of(socket));
    if (tow_stage_is_open(socket))
        tow_timing_update(socket);
    return 0;
}

void tow_timing_left_anew(tow_websocket *socket) {
    if (socket->extra != NULL && socket->extra->left != 0)
        socket->extra->left = tow_loop_now(loop_of(socket));
}

void tow_timing_stop(tow_websocket *socket) {
    socket->heard = milliseconds(socket) - socket->heard;
    if (socket->extra != NULL && socket->extra->message_began != 0)
        socket->extra->message_began = tow_loop_now(loop_of(socket)) - socket->extra->message_began;
}

void tow_timing_go_on(tow_websocket *socket) {
    socket->heard = milliseconds(socket) - socket->heard;
    if (socket->extra != NULL && socket->extra->message_began != 0)
        socket->extra->message_began = tow_loop_now(loop_of(socket)) - socket->extra->message_began;
    tow_timing_update(socket);
}
