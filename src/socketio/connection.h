/* connection: what comes on one connection, packet by packet, goes to its sockets; what breaks the protocol
 * ends it.
 *
 * It is an ordinary socket of a route (tow_socketio_handle): messages, whatever carries them. */
#ifndef TOW_SOCKETIO_CONNECTION_H
#define TOW_SOCKETIO_CONNECTION_H

#include "state.h"

/* One of its sockets was let in. */
void tow_socketio_connection_has_socket(tow_socketio_connection *connection);

/* Closes it: nothing of what it sends is heard any more, and its sockets are gone. */
void tow_socketio_connection_end(
    tow_socketio_connection *connection, tow_socketio_reason reason, uint16_t code, const char *why);

/* The same, and its client knows that it was meant. */
void tow_socketio_connection_kick(tow_socketio_connection *connection);

#endif
