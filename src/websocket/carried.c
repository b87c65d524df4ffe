#include "carry.h"
#include "closing.h"
#include "context.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "receive.h"
#include "send.h"
#include "stage.h"
#include "websocket/carrier.h"

#include <assert.h>
#include <towline/error.h>

/* Receiving. */

static int message_check(const tow_websocket *socket, const tow_message *message) {
    int64_t max = socket->behaviour->limits.max_message;
    if (max != TOW_OFF && message->length > (uint64_t)max)
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    bool valid = message->type != TOW_TEXT || tow_utf8_valid(message->data, message->length);
    return valid ? 0 : TOW_ERROR_UTF8;
}

/* What the callback asked for is done when it has returned. */
static void settle(tow_websocket *socket) {
    tow_receive_adjust(socket);
    tow_extra_release(socket);
}

void tow_carried_message(tow_websocket *socket, const tow_message *message) {
    assert(!socket->reading_paused);
    if (!tow_stage_hears(socket) || !tow_stage_wants_messages(socket))
        return;
    int error = message_check(socket, message);
    if (error != 0) {
        tow_websocket_fail(socket, tow_cause_of_error(error), error);
        return;
    }
    socket->delivering = true;
    tow_receive_deliver(socket, message, NULL);
    socket->delivering = false;
    settle(socket);
}

void tow_carried_ping(tow_websocket *socket, const void *payload, size_t length) {
    tow_receive_ping(socket, payload, length);
}

void tow_carried_pong(tow_websocket *socket, const void *payload, size_t length) {
    tow_receive_pong(socket, payload, length);
}

void tow_carried_close(tow_websocket *socket, uint16_t code, const char *reason, size_t reason_length) {
    if (tow_stage_hears(socket))
        tow_closing_received(socket, code, reason, reason_length);
}

void tow_carried_drain(tow_websocket *socket) {
    if (tow_stage_is_open(socket))
        tow_send_less_waits(socket);
}

void tow_carried_gone(tow_websocket *socket, int error) {
    int why = error != 0 ? error : TOW_ERROR_ENDED;
    if (socket->stage != TOW_STAGE_CLOSED && !tow_closing_is_clean(socket)) {
        tow_closing_note_failure(socket, tow_cause_of_error(why), error);
        tow_send_discard(socket, (size_t)socket->behaviour->carrier->buffered(socket));
    }
    tow_closing_over(socket);
}

/* Sending. */

static void note_above_high(tow_websocket *socket) {
    if (tow_carry_waiting(socket) > (uint64_t)socket->behaviour->limits.high_mark)
        socket->above_high = true; /* TOW_OFF is above all */
}

int tow_carried_send(tow_websocket *socket, tow_message_type type, const void *data, size_t length) {
    int error = socket->behaviour->carrier->send(socket, type, data, length);
    if (error == 0)
        note_above_high(socket);
    return error;
}

/* A carrier takes whole messages: what there is of one waits for its end. */
int tow_carried_send_piece(tow_websocket *socket, const tow_message_piece *piece) {
    if (piece->first && piece->last)
        return tow_carried_send(socket, piece->type, piece->data, piece->length);
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    tow_buffer *gathered = &socket->extra->gathered;
    int error = tow_buffer_append(gathered, piece->data, piece->length);
    if (error != 0 || !piece->last)
        return error;
    error = tow_carried_send(socket, piece->type, gathered->data, gathered->length);
    if (error == 0)
        tow_buffer_clear(gathered);
    else
        gathered->length -= piece->length; /* the message is where it was */
    return error;
}

/* The end. */

/* What waits will never be sent. */
void tow_carried_reset(tow_websocket *socket) {
    uint64_t lost = socket->behaviour->carrier->buffered(socket);
    (void)socket->behaviour->carrier->close(socket, TOW_CLOSE_ABNORMAL, NULL);
    uint64_t left = socket->behaviour->carrier->buffered(socket);
    tow_send_discard(socket, lost > left ? (size_t)(lost - left) : 0);
}
