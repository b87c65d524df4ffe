/* away: sockets whose connection is lost, and which are kept for some time: in their rooms, so that their
 * past goes on. They are found by the secret that their client has, on the worker that they live on. */
#ifndef TOW_SOCKETIO_AWAY_H
#define TOW_SOCKETIO_AWAY_H

#include "state.h"

/* For so many, where no address has more than there are places left: whoever comes next finds some. NULL
 * without memory. `on_over` gets those that are not waited for any more. */
tow_socketio_away *tow_socketio_away_new(size_t max, void (*on_over)(tow_socketio_socket *socket));
void tow_socketio_away_free(tow_socketio_away *away); /* NULL is allowed */

/* Keeps a socket that loses its connection, and for which the caller holds its tow_socketio. False: there are
 * too many, or too many of its address. */
bool tow_socketio_away_keep(tow_socketio_socket *socket);

/* Whether there is one with this secret, and on which worker. Any thread. */
bool tow_socketio_away_find(
    const tow_socketio_scope *scope, const char id[TOW_SOCKETIO_ID_LENGTH + 1], size_t *worker);

/* The one with this secret on this worker, which is not away any more; NULL: there is none. */
tow_socketio_socket *tow_socketio_away_take(
    const tow_socketio_scope *scope, size_t worker, const char id[TOW_SOCKETIO_ID_LENGTH + 1]);

/* It is not waited for any more. */
void tow_socketio_away_drop(tow_socketio_socket *socket);

#endif
