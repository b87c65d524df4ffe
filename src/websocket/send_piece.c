/* Messages that are sent piece by piece: each piece is a frame (RFC 6455, section 5.4). */
#include "carry.h"
#include "context.h"
#include "extra.h"
#include "frames/output.h"
#include "overflow.h"
#include "protocol/mask.h"
#include "send.h"
#include "send_posted.h"
#include "stage.h"

#include <towline/error.h>

/* Why a piece can't be the next one. */
static int order_check(const tow_websocket *socket, const tow_message_piece *piece) {
    if (piece->type != TOW_TEXT && piece->type != TOW_BINARY)
        return TOW_ERROR_ARGUMENT;
    if (piece->first == (socket->sends_pieces != 0))
        return TOW_ERROR_STATE;
    return piece->first || (uint8_t)piece->type == socket->extra->piece_type ? 0 : TOW_ERROR_ARGUMENT;
}

/* Goes on with the check of a text; *state is where it stands behind the piece. */
static int text_check(const tow_websocket *socket, const tow_message_piece *piece, tow_utf8_state *state) {
    *state = piece->first ? 0 : socket->extra->piece_utf8;
    if (piece->type != TOW_TEXT)
        return 0;
    if (!tow_utf8_check(state, piece->data, piece->length))
        return TOW_ERROR_UTF8;
    return piece->last && *state != 0 ? TOW_ERROR_UTF8 : 0;
}

static int piece_check(tow_websocket *socket, const tow_message_piece *piece, tow_utf8_state *utf8) {
    int error = tow_stage_is_open(socket) ? 0 : tow_send_message_check(socket, piece->length);
    if (error == 0)
        error = order_check(socket, piece);
    if (error == 0)
        error = text_check(socket, piece, utf8);
    return error == 0 ? tow_overflow_check_piece(socket, piece->length) : error;
}

static int send_frame(tow_websocket *socket, const tow_message_piece *piece) {
    if (tow_carrier_of(socket) != NULL)
        return tow_carried_send_piece(socket, piece);
    return tow_send_frame(
        socket, &(tow_outgoing){.opcode = piece->first ? (tow_opcode)piece->type : TOW_OPCODE_CONTINUATION,
                    .data = piece->data,
                    .length = piece->length,
                    .unfinished = !piece->last});
}

/* The message is under way before its first piece is sent, so that what it needs in the extra stays. */
static int send_unfinished(tow_websocket *socket, const tow_message_piece *piece, tow_utf8_state utf8) {
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    bool was_under_way = socket->sends_pieces != 0;
    socket->sends_pieces = true;
    int error = send_frame(socket, piece);
    if (error != 0) {
        socket->sends_pieces = was_under_way;
        return error;
    }
    socket->extra->piece_type = (uint8_t)piece->type;
    socket->extra->piece_utf8 = utf8;
    return 0;
}

/* Others may be sent. */
static void message_is_over(tow_websocket *socket) {
    socket->sends_pieces = false;
    tow_send_posted(socket);
    if (!socket->delivering)
        tow_extra_release(socket);
}

static int send_last(tow_websocket *socket, const tow_message_piece *piece) {
    int error = send_frame(socket, piece);
    if (error == 0)
        message_is_over(socket);
    return error;
}

int64_t tow_websocket_send_piece(tow_websocket *socket, const tow_message_piece *piece) {
    if (socket == NULL || piece == NULL || (piece->data == NULL && piece->length > 0))
        return TOW_ERROR_ARGUMENT;
    tow_utf8_state utf8;
    int error = piece_check(socket, piece, &utf8);
    if (error == 0)
        error = piece->last ? send_last(socket, piece) : send_unfinished(socket, piece, utf8);
    if (error == TOW_ERROR_MESSAGE_TOO_LARGE)
        message_is_over(socket);
    return error != 0 ? error : tow_send_done(socket, piece->length, piece->last);
}
