/* inside: around callbacks of a socket, which may end in them: its memory waits for the last. */
#ifndef TOW_SOCKETIO_INSIDE_H
#define TOW_SOCKETIO_INSIDE_H

#include "state.h"

#include <assert.h>
#include <stdlib.h>

static inline void tow_socketio_socket_enter(tow_socketio_socket *socket) {
    socket->callbacks++;
}

static inline void tow_socketio_socket_leave(tow_socketio_socket *socket) {
    assert(socket->callbacks > 0);
    if (--socket->callbacks == 0 && socket->stage == TOW_SOCKETIO_GONE)
        free(socket);
}

#endif
