#include "closing.h"

#include "carry.h"
#include "context.h"
#include "extra.h"
#include "extra_end.h"
#include "owner.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "receive.h"
#include "send.h"
#include "stage.h"

#include <string.h>
#include <towline/error.h>

/* Both Closes crossed, and ours is not waiting any more (RFC 6455, section 7.1.4). */
bool tow_closing_is_clean(const tow_websocket *socket) {
    return socket->stage == TOW_STAGE_CROSSED && socket->end.close_sent && tow_carry_waiting(socket) == 0;
}

/* `heard` gives its place to `end`. */
static void begin_end(tow_websocket *socket, tow_cause cause) {
    bool peer_ended = socket->stage == TOW_STAGE_PEER_ENDED;
    uint16_t code = peer_ended ? socket->extra->peer_end : TOW_CLOSE_ABNORMAL;
    socket->end = (tow_websocket_end){
        .close_code = code, .cause = (uint8_t)(peer_ended ? TOW_CAUSE_PEER_CLOSE : cause) & 63U};
    socket->above_high = false;
}

/* To a stage in which the connection is not open any more. */
static void leave(tow_websocket *socket, tow_stage stage, tow_cause cause) {
    if (tow_stage_is_open(socket))
        begin_end(socket, cause);
    if (stage != TOW_STAGE_WE_ENDED) /* else what comes is delivered still */
        socket->flow = TOW_FLOW_ON;
    bool was_open = tow_stage_is_open(socket);
    tow_stage_change(socket, stage);
    if (was_open && socket->context->watcher != NULL)
        socket->context->watcher->closing(socket);
}

void tow_closing_note_failure(tow_websocket *socket, tow_cause cause, int error) {
    if (socket->stage == TOW_STAGE_FAILED)
        return;
    leave(socket, TOW_STAGE_FAILED, cause);
    socket->end.cause = (uint8_t)cause & 63U;
    socket->end.error = (int8_t)error;
    tow_count(&socket->context->counters.ends[cause]);
}

/* Our Close is the last that we send; without memory for it the end is a reset. */
static void send_close(tow_websocket *socket, uint16_t code, const char *reason) {
    if (socket->end.close_sent)
        return;
    if (tow_carry_close(socket, code, reason) != 0)
        tow_websocket_abort(socket, TOW_CAUSE_MEMORY, TOW_ERROR_MEMORY);
    socket->end.close_sent = true;
}

static void wait_for_the_end(tow_websocket *socket) {
    if (!socket->stream_closed)
        tow_carry_closing(socket);
}

/* Events of the peer. */

/* A reason that finds no memory is left out. */
static void store_reason(tow_websocket *socket, const char *reason, size_t length) {
    if (length == 0 || tow_extra_need(socket) == NULL)
        return;
    socket->extra->close_reason = tow_extra_text(reason, length);
}

/* Whether a Close ends the peer's side alone: where somebody minds both sides, and an orderly one unless that
 * somebody is told of any. */
static bool ends_one_side(const tow_websocket *socket, uint16_t code) {
    const tow_behaviour *behaviour = socket->behaviour;
    bool is_minded =
        behaviour->on_peer_close != NULL || (behaviour->on_end != NULL && tow_close_code_is_orderly(code));
    return is_minded && tow_stage_may_close(socket);
}

static void tell_end_of_peer(tow_websocket *socket, const tow_close_event *event) {
    if (socket->behaviour->on_peer_close != NULL)
        socket->behaviour->on_peer_close(socket, event);
    else
        socket->behaviour->on_end(socket);
}

/* RFC 6455, section 5.5.1: the answer may wait until what is under way has been sent. Without memory for the
 * code it does not. */
static bool postpone_answer(tow_websocket *socket, uint16_t code) {
    if (!tow_stage_is_open(socket) || tow_extra_need(socket) == NULL)
        return false;
    socket->extra->peer_end = code;
    tow_stage_change(socket, TOW_STAGE_PEER_ENDED);
    tow_timing_update(socket); /* other limits hold */
    return true;
}

void tow_closing_received(tow_websocket *socket, uint16_t code, const char *reason, size_t reason_length) {
    bool one_side = ends_one_side(socket, code);
    bool postponed = one_side && postpone_answer(socket, code);
    if (!postponed)
        leave(socket, TOW_STAGE_CROSSED, TOW_CAUSE_PEER_CLOSE);
    store_reason(socket, reason, reason_length);
    if (!postponed) {
        socket->end.close_code = code;
        send_close(socket, code, NULL); /* section 5.5.1: typically the code that came */
        wait_for_the_end(socket);
    }
    if (one_side)
        tell_end_of_peer(
            socket, &(tow_close_event){.code = code, .reason = reason, .reason_length = reason_length});
}

static const char *text_or_empty(const char *text) {
    return text != NULL ? text : "";
}

tow_websocket_ending tow_websocket_how_it_ended(const tow_websocket *socket) {
    const tow_websocket_extra *extra = socket->extra;
    const tow_websocket_end *end = &socket->end;
    tow_websocket_ending ending = {.cause = end->cause, .code = TOW_CLOSE_ABNORMAL, .reason = ""};
    uint16_t sent = end->close_sent ? tow_cause_code(end->cause, end->error) : 0;
    if (end->cause == TOW_CAUSE_PEER_CLOSE) {
        ending.code = end->close_code;
        ending.reason = extra != NULL ? text_or_empty(extra->close_reason) : "";
    } else if (end->cause == TOW_CAUSE_APPLICATION) {
        ending.code = extra != NULL && extra->our_code != 0 ? extra->our_code : end->close_code;
        ending.reason = extra != NULL ? text_or_empty(extra->our_reason) : "";
    } else if (sent != 0) {
        ending.code = sent;
        ending.reason = tow_cause_reason(end->cause, end->error);
    }
    return ending;
}

/* The events. */

/* A limit is named: "timed out" says little. */
static const char *failure_text(const tow_websocket *socket) {
    const tow_websocket_end *end = &socket->end;
    if (socket->extra != NULL && socket->extra->failure != NULL)
        return socket->extra->failure;
    return tow_cause_ender(end->cause) == TOW_ENDED_BY_LIMIT ? tow_cause_reason(end->cause, end->error)
                                                             : tow_strerror(end->error);
}

static void tell_error(tow_websocket *socket) {
    const tow_error_event event = {.error = socket->end.error, .text = failure_text(socket)};
    if (socket->end.error != 0 && socket->behaviour->on_error != NULL)
        socket->behaviour->on_error(socket, &event);
}

static void tell_close(tow_websocket *socket, bool was_clean) {
    const char *reason = socket->extra != NULL ? text_or_empty(socket->extra->close_reason) : "";
    const tow_close_event event = {.code = socket->end.close_code,
        .was_clean = was_clean,
        .reason = reason,
        .reason_length = strlen(reason)};
    if (socket->behaviour->on_close != NULL)
        socket->behaviour->on_close(socket, &event);
}

/* Final state first, callbacks last; a client may free its socket in each, which takes the later ones away.
 */
static void tell_end(tow_websocket *socket) {
    bool was_clean = tow_closing_is_clean(socket);
    if (socket->stage != TOW_STAGE_FAILED)
        tow_count(&socket->context->counters.ends[socket->end.cause]);
    socket->stream_closed = true;
    tow_stage_change(socket, TOW_STAGE_CLOSED);
    tow_count(&socket->context->counters.closed);
    tow_timer_cancel(socket->context->loop, &socket->timer);
    tow_receiver_clear(&socket->receiver);
    tow_extra_end(socket);
    tell_error(socket);
    tell_close(socket, was_clean);
}

void tow_closing_over(tow_websocket *socket) {
    if (socket->stage != TOW_STAGE_CLOSED)
        tell_end(socket);
    if (tow_websocket_is_retained(socket))
        socket->extra->outlives = true;
    tow_owner_gone(socket);
}

/* Calls from above. */

void tow_websocket_fail(tow_websocket *socket, tow_cause cause, int error) {
    if (tow_stage_is_connecting(socket)) {
        tow_owner_abandon(socket);
        return;
    }
    if (socket->stage >= TOW_STAGE_FAILED || socket->stream_closed)
        return;
    const char *reason = tow_cause_reason(cause, error);
    tow_closing_note_failure(socket, cause, error);
    send_close(socket, tow_cause_code(cause, error), reason);
    if (socket->stream_closed)
        return;
    tow_receive_adjust(socket);
    wait_for_the_end(socket);
}

void tow_websocket_abort(tow_websocket *socket, tow_cause cause, int error) {
    if (tow_stage_is_connecting(socket)) {
        tow_owner_abandon(socket);
        return;
    }
    if (socket->stream_closed || socket->stage >= TOW_STAGE_ABANDONED)
        return;
    if (!tow_closing_is_clean(socket))
        tow_closing_note_failure(socket, cause, error);
    socket->stream_closed = true;
    tow_carry_reset(socket);
}

void tow_websocket_end_now(tow_websocket *socket) {
    tow_websocket_abort(socket, TOW_CAUSE_APPLICATION_RESET, 0);
    tell_end(socket);
}

/* As a client the WHATWG standard's codes; as a server those of RFC 6455, section 7.4, but 1010, which is a
 * client's. */
static bool code_is_allowed(tow_role role, uint16_t code) {
    if (role == TOW_ROLE_CLIENT)
        return code == TOW_CLOSE_NORMAL || (code >= 3000 && code <= 4999);
    return tow_close_code_is_legal(code) && code != TOW_CLOSE_MANDATORY_EXTENSION;
}

int tow_websocket_close_check(tow_role role, uint16_t code, const char *reason) {
    size_t reason_length = reason == NULL ? 0 : strlen(reason);
    if (code == 0)
        return reason_length == 0 ? 0 : TOW_ERROR_ARGUMENT;
    if (!code_is_allowed(role, code) || reason_length > TOW_CLOSE_REASON_MAX)
        return TOW_ERROR_ARGUMENT;
    return tow_utf8_valid(reason, reason_length) ? 0 : TOW_ERROR_ARGUMENT;
}

/* For the log: the peer's answer need not have the same code, and has no reason. Without memory it must do.
 */
static void remember_our_close(tow_websocket *socket, uint16_t code, const char *reason) {
    if (!socket->context->keeps_tallies || tow_extra_need(socket) == NULL)
        return;
    socket->extra->our_code = code;
    if (reason != NULL)
        socket->extra->our_reason = tow_extra_text(reason, strlen(reason));
}

void tow_websocket_close_because(tow_websocket *socket, tow_cause cause, uint16_t code, const char *reason) {
    if (!tow_stage_may_close(socket))
        return;
    leave(socket, socket->stage == TOW_STAGE_PEER_ENDED ? TOW_STAGE_CROSSED : TOW_STAGE_CLOSING, cause);
    if (cause == TOW_CAUSE_APPLICATION)
        remember_our_close(socket, code, reason);
    send_close(socket, code, reason);
    wait_for_the_end(socket);
    if (!socket->delivering && !socket->stream_closed)
        tow_carry_go_on(socket);
}

int tow_websocket_close(tow_websocket *socket, uint16_t code, const char *reason) {
    if (socket == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = tow_websocket_close_check(socket->behaviour->role, code, reason);
    if (error != 0)
        return error;
    if (tow_stage_is_connecting(socket))
        tow_owner_abandon(socket);
    else
        tow_websocket_close_because(socket, TOW_CAUSE_APPLICATION, code, reason);
    socket->end.was_asked = true;
    return 0;
}

void tow_websocket_hang_up(tow_websocket *socket) {
    if (tow_stage_is_connecting(socket)) {
        tow_owner_abandon(socket);
        return;
    }
    if (socket->stage >= TOW_STAGE_CROSSED || socket->stream_closed)
        return;
    tow_closing_note_failure(socket, TOW_CAUSE_APPLICATION_END, 0);
    tow_receive_adjust(socket);
    wait_for_the_end(socket);
}

void tow_websocket_shutdown_with(tow_websocket *socket, uint16_t code, const char *reason) {
    if (!tow_stage_is_open(socket))
        return;
    bool answers = socket->stage == TOW_STAGE_PEER_ENDED;
    leave(socket, answers ? TOW_STAGE_CROSSED : TOW_STAGE_WE_ENDED, TOW_CAUSE_APPLICATION);
    if (!answers)
        remember_our_close(socket, code, reason);
    send_close(socket, code, reason);
    if (answers)
        wait_for_the_end(socket);
    else if (!socket->stream_closed)
        tow_timer_cancel(socket->context->loop, &socket->timer);
}

void tow_websocket_shutdown(tow_websocket *socket) {
    bool answers = socket->stage == TOW_STAGE_PEER_ENDED;
    tow_websocket_shutdown_with(socket, answers ? socket->extra->peer_end : TOW_CLOSE_NORMAL, NULL);
}
