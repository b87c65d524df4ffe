/* receive: what the carrier brings becomes callbacks, unless the application, or too much that waits to be
 * sent, stands against it. */
#ifndef TOW_WEBSOCKET_RECEIVE_H
#define TOW_WEBSOCKET_RECEIVE_H

#include "base/buffer.h"
#include "websocket/websocket.h"

/* Whether what was received may be delivered now: no message while paused, say. A closing connection goes on,
 * as it waits for the peer's Close, and has no interest in messages. */
bool tow_receive_may_deliver(const tow_websocket *socket);

/* Whether so much waits to be sent that nothing is read. */
bool tow_receive_is_held(const tow_websocket *socket);

/* Delivers a whole message. The send queue may take over `assembly`, which holds it and nothing else that is
 * needed; it may be NULL. */
void tow_receive_deliver(tow_websocket *socket, const tow_message *message, tow_buffer *assembly);

/* A Ping, which is answered, or a Pong. */
void tow_receive_ping(tow_websocket *socket, const void *payload, size_t length);
void tow_receive_pong(tow_websocket *socket, const void *payload, size_t length);

/* Stops or starts reading as the socket's state asks for. */
void tow_receive_adjust(tow_websocket *socket);

#endif
