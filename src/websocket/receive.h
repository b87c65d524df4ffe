/* receive: bytes of the stream become events, in order, one small function for each kind.
 *
 * A message that came in one read is lent to on_message where it lies. While delivery is paused, by the
 * application or because too much waits to be sent, what was read is kept. */
#ifndef TOW_WEBSOCKET_RECEIVE_H
#define TOW_WEBSOCKET_RECEIVE_H

#include "base/buffer.h"
#include "websocket/websocket.h"

/* The stream's on_bytes, on_turn and receive_into. */
void tow_receive_bytes(tow_stream *stream, uint8_t *bytes, size_t length);
void tow_receive_turn(tow_stream *stream);
uint8_t *tow_receive_into(tow_stream *stream, size_t *length);

/* Treats what was kept, then reads again if nothing stands against it. Runs callbacks unless the connection
 * is closing. */
void tow_receive_go_on(tow_websocket *socket);

/* Pauses or resumes the stream as the socket's state asks for. */
void tow_receive_adjust(tow_websocket *socket);

/* Whether what was received may be delivered now: no message while paused, say. A closing connection goes on,
 * as it waits for the peer's Close, and has no interest in messages. */
bool tow_receive_may_deliver(const tow_websocket *socket);

/* Whether delivery goes on: it may, and the connection's turn is not over. If it is, it goes on in the next
 * round. */
bool tow_receive_goes_on(tow_websocket *socket);

/* Ends the turn: delivery goes on in the next round. */
void tow_receive_yield(tow_websocket *socket);

/* Delivers a whole message. The send queue may take over `assembly`, which holds it and nothing else that is
 * needed; it may be NULL. */
void tow_receive_deliver(tow_websocket *socket, const tow_message *message, tow_buffer *assembly);

/* Whether something that was received waits for its delivery. */
bool tow_receive_has_kept(const tow_websocket *socket);

#endif
