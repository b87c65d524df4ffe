/* The blocking client: a socket, a loop of its own, and one driver that turns the loop until what a call
 * waits for has happened. The socket's callbacks only write down what they hear. */
#include "object.h"
#include "transport/loop.h"
#include "transport/timer.h"

#include "base/buffer.h"
#include "protocol/close.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <towline/blocking.h>
#include <towline/error.h>

struct tow_blocking {
    tow_loop *loop;
    tow_websocket *socket;
    tow_timer timer; /* the time of the call under way; not set: it is over, or there is no limit */
    bool has_limit;
    bool has_waiting; /* a message came that was not received yet; the socket is paused */
    tow_message_type waiting_type;
    tow_buffer waiting;
    tow_buffer received; /* lent to the user */
    bool closed;
    tow_close_event close;
    char reason[TOW_CLOSE_REASON_MAX + 1];
    int error;
    char text[512];
};

static tow_blocking *of(const tow_websocket *socket) {
    return tow_websocket_user(socket);
}

/* What the socket tells. */

static void on_message(tow_websocket *socket, const tow_message *message) {
    tow_blocking *blocking = of(socket);
    assert(!blocking->has_waiting);
    if (tow_buffer_append(&blocking->waiting, message->data, message->length) != 0) {
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
        return;
    }
    blocking->waiting_type = message->type;
    blocking->has_waiting = true;
    tow_websocket_pause(socket);
}

static void on_error(tow_websocket *socket, const tow_error_event *event) {
    tow_blocking *blocking = of(socket);
    blocking->error = event->error;
    snprintf(blocking->text, sizeof(blocking->text), "%s", event->text);
}

static void on_close(tow_websocket *socket, const tow_close_event *event) {
    tow_blocking *blocking = of(socket);
    blocking->closed = true;
    blocking->close = *event;
    memcpy(blocking->reason, event->reason, event->reason_length); /* of a Close frame: at most 123 bytes */
    blocking->close.reason = blocking->reason;
}

/* The driver. */

static void time_is_over(tow_timer *timer) {
    (void)timer;
}

static void clock_start(tow_blocking *blocking, int timeout_milliseconds) {
    blocking->has_limit = timeout_milliseconds >= 0;
    if (blocking->has_limit)
        tow_timer_set(blocking->loop, &blocking->timer,
            tow_loop_now(blocking->loop) + timeout_milliseconds * TOW_MILLISECOND, time_is_over);
}

static void clock_stop(tow_blocking *blocking) {
    tow_timer_cancel(blocking->loop, &blocking->timer);
}

static bool is_late(const tow_blocking *blocking) {
    return blocking->has_limit && !tow_timer_is_set(&blocking->timer);
}

/* Turns the loop until the condition holds or the call's time is over: TIMED_OUT then. */
static int wait_until(tow_blocking *blocking, bool (*holds)(const tow_blocking *blocking)) {
    while (!holds(blocking)) {
        if (is_late(blocking))
            return TOW_ERROR_TIMED_OUT;
        int error = tow_loop_round(blocking->loop);
        if (error < 0)
            return error;
    }
    return 0;
}

/* What is waited for. The end of the connection is the end of every wait. */

static bool is_not_connecting(const tow_blocking *blocking) {
    return tow_websocket_ready_state(blocking->socket) != TOW_CONNECTING;
}

static bool is_sent(const tow_blocking *blocking) {
    return blocking->closed || tow_websocket_buffered_amount(blocking->socket) == 0;
}

static bool has_message(const tow_blocking *blocking) {
    return blocking->closed || blocking->has_waiting;
}

static bool is_closed(const tow_blocking *blocking) {
    return blocking->closed;
}

/* Whether what was sent last may have stayed here. */
static bool is_lost(const tow_blocking *blocking) {
    bool has_failed =
        blocking->closed ? !blocking->close.was_clean : blocking->socket->stage == TOW_STAGE_FAILED;
    return has_failed || tow_websocket_buffered_amount(blocking->socket) > 0;
}

static int how_it_ended(const tow_blocking *blocking) {
    return blocking->close.was_clean ? TOW_ERROR_CLOSED : TOW_ERROR_ENDED;
}

/* Opening. */

static int begin(tow_blocking *blocking, const char *url, const tow_websocket_options *options) {
    tow_websocket_options ours = *options;
    ours.user = blocking;
    ours.on_open = NULL;
    ours.on_message = on_message;
    ours.on_piece = NULL;
    ours.on_error = on_error;
    ours.on_close = on_close;
    ours.on_drain = NULL;
    ours.on_ping = NULL;
    ours.on_pong = NULL;
    int error = tow_websocket_open(&blocking->socket, blocking->loop, url, &ours);
    if (error == 0)
        tow_client_of(blocking->socket)->holder = blocking;
    return error;
}

int tow_blocking_open_on(tow_blocking **out, tow_loop *loop, const char *url,
    const tow_websocket_options *options, int timeout_milliseconds) {
    *out = NULL;
    tow_blocking *blocking = calloc(1, sizeof(*blocking));
    if (blocking == NULL) {
        tow_loop_free(loop);
        return TOW_ERROR_MEMORY;
    }
    blocking->loop = loop;
    int error = begin(blocking, url, options);
    if (error != 0) {
        tow_blocking_free(blocking);
        return error;
    }
    *out = blocking;
    clock_start(blocking, timeout_milliseconds);
    error = wait_until(blocking, is_not_connecting);
    clock_stop(blocking);
    return error == 0 && blocking->closed ? blocking->error : error;
}

int tow_blocking_open_sized(tow_blocking **blocking, const char *url, const tow_websocket_options *options,
    int timeout_milliseconds, size_t options_size) {
    tow_websocket_options known = {0};
    tow_loop *loop;
    if (blocking == NULL)
        return TOW_ERROR_ARGUMENT;
    *blocking = NULL;
    if (url == NULL || timeout_milliseconds < TOW_OFF)
        return TOW_ERROR_ARGUMENT;
    if (options != NULL)
        memcpy(&known, options, options_size < sizeof(known) ? options_size : sizeof(known));
    int error = tow_loop_new(&loop, NULL);
    return error != 0 ? error : tow_blocking_open_on(blocking, loop, url, &known, timeout_milliseconds);
}

void tow_blocking_free(tow_blocking *blocking) {
    if (blocking == NULL)
        return;
    tow_websocket_free(blocking->socket);
    tow_loop_free(blocking->loop);
    tow_buffer_clear(&blocking->waiting);
    tow_buffer_clear(&blocking->received);
    free(blocking);
}

/* Sending. */

/* Until the message is accepted, being late means that it is not. */
static int wait_to_send(tow_blocking *blocking) {
    int error = wait_until(blocking, is_not_connecting);
    if (error == TOW_ERROR_TIMED_OUT)
        return TOW_ERROR_CONNECTING;
    if (error == 0)
        error = wait_until(blocking, is_sent); /* what was sent before, when its time was over */
    return error == TOW_ERROR_TIMED_OUT ? TOW_ERROR_QUEUE_FULL : error;
}

static int send_message(tow_blocking *blocking, tow_message_type type, const void *data, size_t length) {
    int error = wait_to_send(blocking);
    if (error != 0)
        return error;
    if (blocking->closed)
        return how_it_ended(blocking);
    int64_t buffered = tow_websocket_send(blocking->socket, type, data, length);
    if (buffered < 0)
        return (int)buffered;
    error = tow_loop_step(blocking->loop); /* sends it; a round does, too, but may then wait for an answer */
    if (error >= 0)
        error = wait_until(blocking, is_sent);
    if (error != 0 || !is_lost(blocking))
        return error;
    (void)wait_until(blocking, is_closed); /* it is about to be */
    return how_it_ended(blocking);
}

int tow_blocking_send(tow_blocking *blocking, tow_message_type type, const void *data, size_t length,
    int timeout_milliseconds) {
    if (blocking == NULL || timeout_milliseconds < TOW_OFF)
        return TOW_ERROR_ARGUMENT;
    clock_start(blocking, timeout_milliseconds);
    int error = send_message(blocking, type, data, length);
    clock_stop(blocking);
    return error;
}

/* Receiving. */

/* The message that waits becomes the one that is lent, and the next may come. */
static void hand_over(tow_blocking *blocking, tow_message *message) {
    tow_buffer free_buffer = blocking->received;
    blocking->received = blocking->waiting;
    blocking->waiting = free_buffer;
    blocking->waiting.length = 0;
    blocking->has_waiting = false;
    *message = (tow_message){
        .type = blocking->waiting_type, .data = blocking->received.data, .length = blocking->received.length};
    tow_websocket_resume(blocking->socket);
}

int tow_blocking_receive(tow_blocking *blocking, tow_message *message, int timeout_milliseconds) {
    if (blocking == NULL || message == NULL || timeout_milliseconds < TOW_OFF)
        return TOW_ERROR_ARGUMENT;
    clock_start(blocking, timeout_milliseconds);
    int error = wait_until(blocking, has_message);
    clock_stop(blocking);
    if (error != 0)
        return error;
    if (!blocking->has_waiting)
        return how_it_ended(blocking);
    hand_over(blocking, message);
    return 0;
}

/* Closing. */

int tow_blocking_close(tow_blocking *blocking, uint16_t code, const char *reason, int timeout_milliseconds) {
    if (blocking == NULL || timeout_milliseconds < TOW_OFF)
        return TOW_ERROR_ARGUMENT;
    int error = tow_websocket_close(blocking->socket, code, reason);
    if (error != 0)
        return error;
    clock_start(blocking, timeout_milliseconds);
    error = wait_until(blocking, is_closed);
    clock_stop(blocking);
    return error == 0 && !blocking->close.was_clean ? TOW_ERROR_ENDED : error;
}

int tow_blocking_error(const tow_blocking *blocking) {
    return blocking == NULL ? TOW_ERROR_ARGUMENT : blocking->error;
}

const char *tow_blocking_error_text(const tow_blocking *blocking) {
    return blocking == NULL ? "" : blocking->text;
}

const tow_close_event *tow_blocking_close_event(const tow_blocking *blocking) {
    return blocking != NULL && blocking->closed ? &blocking->close : NULL;
}

tow_websocket *tow_blocking_socket(tow_blocking *blocking) {
    return blocking == NULL ? NULL : blocking->socket;
}
