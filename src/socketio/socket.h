/* socket: one client in one namespace, from its CONNECT to its end. */
#ifndef TOW_SOCKETIO_SOCKET_H
#define TOW_SOCKETIO_SOCKET_H

#include "state.h"

/* With an id of its own, and nothing said. NULL without memory. */
tow_socketio_socket *tow_socketio_socket_new(tow_socketio_connection *connection, tow_socketio_scope *scope);
void tow_socketio_socket_name(tow_socketio_socket *socket);

/* The application is asked whether it may come in. Errors: MEMORY and the like; it is gone then. */
int tow_socketio_socket_ask(tow_socketio_socket *socket, const tow_socketio_arguments *auth);

/* It is in. */
void tow_socketio_socket_connected(tow_socketio_socket *socket);

/* Its client hears that it is in. Errors: as tow_socketio_send_text. */
int tow_socketio_socket_say_accepted(const tow_socketio_socket *socket);

tow_socketio_socket *tow_socketio_socket_in(
    const tow_socketio_connection *connection, const tow_socketio_scope *scope);

/* Something is sent to it: it is let in, if nothing was said of that. Errors: STATE, and as
 * tow_socketio_accept. */
int tow_socketio_socket_let_in(tow_socketio_socket *socket);

/* It is over, and its connection has it no more. */
void tow_socketio_socket_end(tow_socketio_socket *socket, tow_socketio_reason reason);

/* One that was away is not waited for any more. */
void tow_socketio_socket_forget(tow_socketio_socket *socket);

#endif
