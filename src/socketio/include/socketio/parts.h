/* parts: what the program's handler needs of the library beyond towline/socketio.h: it routes by itself. */
#ifndef TOW_SOCKETIO_PARTS_H
#define TOW_SOCKETIO_PARTS_H

#include "hub/name.h"

#include <towline/socketio.h>

/* tow_socketio_new without a route; `server` may be NULL, if nothing is broadcast then. `options` may be
 * NULL. Errors: as that. */
int tow_socketio_make(tow_socketio **io, tow_server *server, const tow_socketio_options *options);

/* What is to be routed. Its user is `io`. */
tow_handler tow_socketio_handle(tow_socketio *io);

/* The channel of a room of the socket's namespace, or with an empty one of the namespace. Returns its length,
 * or ARGUMENT. */
int tow_socketio_channel_of(
    const tow_socketio_socket *socket, tow_slice room, char name[TOW_CHANNEL_NAME_MAX]);

/* As tow_socketio_to, by a user (empty: nobody knows), whom other doors name. */
int tow_socketio_to_as(tow_socketio_socket *socket, const char *room, const char *event,
    const tow_socketio_arguments *arguments, tow_slice user);

/* Who says whether a socket may stay in a room ("": in its namespace), where the channel's policy wants proof
 * now. Who may not stay in one, for whatever policy, is disconnected. Before sockets are there. */
typedef bool (*tow_socketio_stays)(tow_socketio_socket *socket, const char *room);
void tow_socketio_stay_by(tow_socketio *io, tow_socketio_stays stays);

/* It leaves the rooms that it may not stay in, and is disconnected if that is the namespace. */
void tow_socketio_sift(tow_socketio_socket *socket, tow_socketio_stays stays);

/* In on_disconnect: it is not kept, so nobody comes back as this one. */
void tow_socketio_forbid_recovery(tow_socketio_socket *socket);

#endif
