/* due: what is done when a connection's time is up: an open one's limits (timing.h), and the time that a peer
 * has for the end. */
#ifndef TOW_WEBSOCKET_DUE_H
#define TOW_WEBSOCKET_DUE_H

#include "websocket/websocket.h"

/* The socket's timer fired. */
void tow_due_fired(tow_timer *timer);

#endif
