/* input: bytes of the stream become events, in order, one small function for each kind.
 *
 * A message that came in one read is lent to on_message where it lies. While delivery is paused, by the
 * application or because too much waits to be sent, what was read is kept. */
#ifndef TOW_WEBSOCKET_FRAMES_INPUT_H
#define TOW_WEBSOCKET_FRAMES_INPUT_H

#include "websocket/websocket.h"

/* The stream's on_bytes, on_turn and receive_into. */
void tow_receive_bytes(tow_stream *stream, uint8_t *bytes, size_t length);
void tow_receive_turn(tow_stream *stream);
uint8_t *tow_receive_into(tow_stream *stream, size_t *length);

/* Treats what was kept, then reads again if nothing stands against it. Runs callbacks unless the connection
 * is closing. */
void tow_input_go_on(tow_websocket *socket);

/* The application has resumed: what was kept comes in the next round, or reading goes on. */
void tow_input_resumed(tow_websocket *socket);

#endif
