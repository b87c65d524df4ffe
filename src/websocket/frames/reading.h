/* reading: whether the stream is read. */
#ifndef TOW_WEBSOCKET_FRAMES_READING_H
#define TOW_WEBSOCKET_FRAMES_READING_H

#include "websocket/websocket.h"

/* Stops and starts reading, with the clocks that run against the peer. */
void tow_reading_stop(tow_websocket *socket);
void tow_reading_start(tow_websocket *socket);

#endif
