/* piecewise: messages that are not treated at once, as their receiver wants them in pieces, or because
 * inflating them takes more than a turn.
 *
 * A piece that is not compressed is lent where it lies. A compressed one is inflated a bounded part at a
 * time, and what of it is still to be inflated is kept when delivery has to stop in between: because it was
 * paused, because too much waits to be sent, or because the connection's turn is over. A compressed message
 * that is wanted whole grows by a step in each turn. */
#ifndef TOW_WEBSOCKET_PIECEWISE_H
#define TOW_WEBSOCKET_PIECEWISE_H

#include "../extra.h"
#include "base/buffer.h"
#include "websocket/websocket.h"

/* Delivers what was received of a message, which the behaviour wants in pieces. Returns 0, or why the message
 * fails: COMPRESSED_DATA, MESSAGE_TOO_LARGE, UTF8, MEMORY. */
int tow_piecewise_receive(tow_websocket *socket, const tow_received *received);

/* Inflates a compressed message that is all there and wanted whole, and delivers it, now or in a later turn.
 * `owner` is the buffer that holds it, which may be taken over, or NULL. Returns as above. */
int tow_piecewise_receive_whole(
    tow_websocket *socket, tow_message_type type, const uint8_t *data, size_t length, tow_buffer *owner);

/* Whether a message waits to go on; and: goes on with it, as above. */
bool tow_piecewise_waits(const tow_websocket *socket);
int tow_piecewise_go_on(tow_websocket *socket);

/* The behaviour will want messages in pieces: what was assembled of one under way is delivered so, from the
 * next round on. Errors: MEMORY. */
int tow_piecewise_adopt(tow_websocket *socket);

/* How many bytes it holds of one. */
size_t tow_piecewise_bytes(const tow_websocket *socket);

/* Frees what the connection has of a message. */
void tow_piecewise_end(tow_websocket *socket);

/* Whether something that was received waits for its delivery: a piece, or what was kept behind it. */
static inline bool tow_receive_has_kept(const tow_websocket *socket) {
    return socket->extra != NULL && (socket->extra->kept.length > 0 || tow_piecewise_waits(socket));
}

#endif
