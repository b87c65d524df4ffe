/* send_posted: what is posted is sent, or waits for the end of a message in pieces. */
#ifndef TOW_WEBSOCKET_SEND_POSTED_H
#define TOW_WEBSOCKET_SEND_POSTED_H

#include "websocket/websocket.h"

/* The message in pieces has ended: sends what waited for that. */
void tow_send_posted(tow_websocket *socket);

#endif
