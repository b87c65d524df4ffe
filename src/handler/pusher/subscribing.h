/* subscribing: "pusher:subscribe" and "pusher:unsubscribe": who may hear a channel, and what is said first.
 */
#ifndef TOW_HANDLER_PUSHER_SUBSCRIBING_H
#define TOW_HANDLER_PUSHER_SUBSCRIBING_H

#include "connection.h"
#include "message.h"

void tow_pusher_subscribe(tow_pusher_connection *connection, tow_pusher_message *message);
void tow_pusher_unsubscribe(tow_pusher_connection *connection, tow_pusher_message *message);

#endif
