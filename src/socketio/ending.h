/* ending: how connections end, and sockets by the server's will. */
#ifndef TOW_SOCKETIO_ENDING_H
#define TOW_SOCKETIO_ENDING_H

#include "state.h"

/* Closes it: nothing of what it sends is heard any more, and its sockets are gone. */
void tow_socketio_connection_end(
    tow_socketio_connection *connection, tow_socketio_reason reason, uint16_t code, const char *why);
void tow_socketio_connection_end_sockets(tow_socketio_connection *connection, tow_socketio_reason reason);

/* For tow_socketio_above. */
void tow_socketio_lose(tow_socketio_socket *socket, uint16_t code, const char *why);
void tow_socketio_expel(tow_socketio_socket *socket);

#endif
