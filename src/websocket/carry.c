#include "carry.h"

#include <towline/error.h>

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

static bool is_too_large(const tow_websocket *socket, size_t gathered, size_t more) {
    int64_t max = socket->behaviour->limits.max_message;
    return max != TOW_OFF && (gathered > (uint64_t)max || more > (uint64_t)max - gathered);
}

/* A carrier takes whole messages: what there is of one waits for its end. */
int tow_carried_send_piece(tow_websocket *socket, const tow_message_piece *piece) {
    if (piece->first && piece->last)
        return tow_carried_send(socket, piece->type, piece->data, piece->length);
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    tow_buffer *gathered = &socket->extra->gathered;
    if (is_too_large(socket, gathered->length, piece->length)) {
        tow_buffer_clear(gathered);
        return TOW_ERROR_MESSAGE_TOO_LARGE;
    }
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

void tow_carried_reading(tow_websocket *socket, bool on) {
    tow_carrier_of(socket)->set_paused(socket, !on);
    if (tow_stage_is_open(socket))
        (on ? tow_timing_go_on : tow_timing_stop)(socket);
}

/* The end. */

/* The time that a peer has for it, as over frames. */
void tow_carried_closing(tow_websocket *socket) {
    int seconds =
        socket->stage == TOW_STAGE_FAILED ? TOW_LINGER_SECONDS : socket->behaviour->limits.close_seconds;
    if (seconds != TOW_OFF)
        tow_timing_close(socket, tow_loop_now(socket->context->loop) + seconds * TOW_SECOND);
}

/* What waits will never be sent. */
void tow_carried_reset(tow_websocket *socket) {
    uint64_t lost = socket->behaviour->carrier->buffered(socket);
    (void)socket->behaviour->carrier->close(socket, TOW_CLOSE_ABNORMAL, NULL);
    uint64_t left = socket->behaviour->carrier->buffered(socket);
    tow_extra_discard(socket, lost > left ? (size_t)(lost - left) : 0);
}
