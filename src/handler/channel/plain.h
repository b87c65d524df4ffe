/* plain: a WebSocket whose messages are those of one channel, as they are. */
#ifndef TOW_HANDLER_CHANNEL_PLAIN_H
#define TOW_HANDLER_CHANNEL_PLAIN_H

#include "visit.h"

/* Its user is a visit; later that, or NULL where nothing more has to be known of it. */
void tow_plain_begin(tow_websocket *socket);
void tow_plain_take(tow_websocket *socket, const tow_message *message);
void tow_plain_end(tow_websocket *socket);

#endif
