#include "carry.h"
#include "closing.h"
#include "context.h"
#include "delivery.h"
#include "protocol/close.h"
#include "protocol/mask.h"
#include "receive.h"
#include "send.h"
#include "stage.h"
#include "websocket/carrier.h"

#include <assert.h>
#include <string.h>
#include <towline/error.h>

enum { TOW_WORK_CARRIED = 2 };

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

void tow_carried_heard(tow_websocket *socket) {
    if (tow_stage_is_open(socket) && !socket->reading_paused)
        tow_timing_heard(socket);
}

void tow_carried_message(tow_websocket *socket, const tow_message *message) {
    assert(!socket->reading_paused);
    if (!tow_stage_hears(socket) || !tow_stage_wants_messages(socket))
        return;
    tow_carried_heard(socket);
    tow_websocket_note_work(socket, TOW_WORK_CARRIED);
    int error = message_check(socket, message);
    if (error != 0) {
        tow_websocket_fail(socket, tow_cause_of_error(error), error);
        return;
    }
    socket->delivering = true;
    tow_delivery_make(socket, message, NULL);
    socket->delivering = false;
    settle(socket);
}

void tow_carried_packet(tow_websocket *socket, const tow_packet *packet) {
    assert(tow_packet_is_message(packet));
    const tow_message message = {.type = packet->type == TOW_PACKET_TEXT ? TOW_TEXT : TOW_BINARY,
        .data = packet->data,
        .length = packet->length};
    tow_carried_message(socket, &message);
}

void tow_carried_close(tow_websocket *socket, uint16_t code, const char *reason, size_t reason_length) {
    if (tow_stage_hears(socket))
        tow_closing_received(socket, code, reason, reason_length);
}

void tow_carried_drain(tow_websocket *socket) {
    if (tow_stage_is_open(socket))
        tow_send_less_waits(socket);
}

/* Without memory for it the error must do. */
void tow_carried_explain(tow_websocket *socket, const char *text) {
    if (tow_extra_need(socket) != NULL && socket->extra->failure == NULL)
        socket->extra->failure = tow_extra_text(text, strlen(text));
}

void tow_carried_gone(tow_websocket *socket, int error) {
    int why = error != 0 ? error : TOW_ERROR_ENDED;
    if (socket->stage != TOW_STAGE_CLOSED && !tow_closing_is_clean(socket)) {
        tow_closing_note_failure(socket, tow_cause_of_error(why), error);
        tow_extra_discard(socket, (size_t)socket->behaviour->carrier->buffered(socket));
    }
    tow_closing_over(socket);
}
