/* rooms: the channels of the hub that a socket is subscribed to: all of its namespace, its own, and those
 * that the application puts it into. */
#ifndef TOW_SOCKETIO_ROOMS_H
#define TOW_SOCKETIO_ROOMS_H

#include "hub/name.h"
#include "socketio/parts.h"
#include "state.h"

/* The channel of a room (empty: of the whole namespace); `name` has room for it. Returns its length, or
 * ARGUMENT. */
int tow_socketio_room_channel(
    const tow_socketio_scope *scope, tow_slice room, char name[TOW_CHANNEL_NAME_MAX]);

/* Into that of the namespace and its own, from now on (NULL), or with what came after these positions.
 * Errors: as tow_subscribe; it is in none then. */
int tow_socketio_rooms_begin(tow_socketio_socket *socket, const tow_position *all, const tow_position *own);

/* Into another one, which it is not in. Errors: as tow_subscribe. */
int tow_socketio_room_add(tow_socketio_socket *socket, tow_slice name, const tow_position *since);

tow_slice tow_socketio_room_name(const tow_socketio_room *room);

/* Up to where a socket that may be recovered got what is published there. */
tow_position *tow_socketio_room_latest(tow_socketio_room *room);

/* Out of one of those that the application puts it into, and out of all. */
void tow_socketio_room_remove(tow_socketio_room *room);
void tow_socketio_rooms_end(tow_socketio_socket *socket);

/* What `stays` says of it. */
bool tow_socketio_room_stays(const tow_socketio_room *room, tow_socketio_stays stays);

/* The connection takes again what is published. */
void tow_socketio_rooms_ready(tow_socketio_socket *socket);

#endif
