/* control: what a Ping or a Pong of the peer brings about. */
#ifndef TOW_WEBSOCKET_CONTROL_H
#define TOW_WEBSOCKET_CONTROL_H

#include "websocket/websocket.h"

/* A Ping, which is answered, or a Pong. */
void tow_control_ping(tow_websocket *socket, const void *payload, size_t length);
void tow_control_pong(tow_websocket *socket, const void *payload, size_t length);

#endif
