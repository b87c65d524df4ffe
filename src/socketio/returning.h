/* returning: a client shows the secret of a socket that is away, and is that socket again: at once where it
 * lives on the same worker, else when what is left of it has come from there. What it missed is sent, or, if
 * that is not whole, it is a new one. */
#ifndef TOW_SOCKETIO_RETURNING_H
#define TOW_SOCKETIO_RETURNING_H

#include "state.h"

/* False: it is a client like others. */
bool tow_socketio_return_begin(
    tow_socketio_connection *connection, tow_socketio_scope *scope, const tow_socketio_packet *packet);

#endif
