/* client_event: what clients say to each other. */
#ifndef TOW_HANDLER_PUSHER_CLIENT_EVENT_H
#define TOW_HANDLER_PUSHER_CLIENT_EVENT_H

#include "connection.h"
#include "message.h"

void tow_pusher_client_event(tow_pusher_connection *connection, tow_pusher_message *message);

#endif
