/* saying: what a client is sent. */
#ifndef TOW_HANDLER_PUSHER_SAYING_H
#define TOW_HANDLER_PUSHER_SAYING_H

#include "connection.h"

/* Sends what was written, unless writing failed, and clears the buffer; without memory the client has to come
 * back. */
void tow_pusher_say(tow_pusher_connection *connection, tow_buffer *text, int error);
void tow_pusher_say_error(tow_pusher_connection *connection, int code, const char *text);

#endif
