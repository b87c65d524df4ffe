/* wire: WebSocket connections of Engine.IO: such with which a session begins, and such that are to take one
 * over. */
#ifndef TOW_HANDLER_ENGINEIO_WIRE_H
#define TOW_HANDLER_ENGINEIO_WIRE_H

#include "session.h"

/* The callbacks of these connections. */
tow_handler tow_engineio_wire_handler(tow_engineio *engineio);

/* An opening handshake whose parameters are right: lets it through, or answers it. */
void tow_engineio_wire_enter(tow_engineio *engineio, tow_exchange *exchange, const tow_request *request);

#endif
