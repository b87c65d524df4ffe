/* owner: asks what owns a socket (tow_socket_owner), for the files of this floor. */
#ifndef TOW_WEBSOCKET_OWNER_H
#define TOW_WEBSOCKET_OWNER_H

#include "websocket/websocket.h"

/* Whether its events and its end are somebody else's than the application's. */
bool tow_owner_holds(const tow_websocket *socket);

/* Its stream is closed; and: nobody retains it any more. */
void tow_owner_gone(tow_websocket *socket);
void tow_owner_released(tow_websocket *socket);

/* The opening handshake is given up. */
void tow_owner_abandon(tow_websocket *socket);

#endif
