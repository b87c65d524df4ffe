/* manners: what clients may ask for by what they emit, where there is no application: to come into a room and
 * to leave it, to have something published there, and to show a token. */
#ifndef TOW_HANDLER_SOCKETIO_MANNERS_H
#define TOW_HANDLER_SOCKETIO_MANNERS_H

#include <towline/socketio.h>

/* "subscribe" (room), "unsubscribe" (room), "publish" (room, event, arguments), "token" (token): for sockets
 * whose user is a tow_socketio_visitor. */
extern const tow_socketio_listener tow_socketio_manners[];

#endif
