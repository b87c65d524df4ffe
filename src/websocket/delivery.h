/* delivery: a message that is all there goes to the application. */
#ifndef TOW_WEBSOCKET_DELIVERY_H
#define TOW_WEBSOCKET_DELIVERY_H

#include "base/buffer.h"
#include "websocket/websocket.h"

/* Delivers a whole message. The send queue may take over `assembly`, which holds it and nothing else that is
 * needed; it may be NULL. */
void tow_delivery_make(tow_websocket *socket, const tow_message *message, tow_buffer *assembly);

#endif
