/* scope: the namespaces of a server, found by name. They last as long as their server of Socket.IO. */
#ifndef TOW_SOCKETIO_SCOPE_H
#define TOW_SOCKETIO_SCOPE_H

#include "state.h"

/* One holder more, and less: tow_socketio_free takes one away, and the last frees it. */
void tow_socketio_hold(tow_socketio *io);
void tow_socketio_release(tow_socketio *io);

/* NULL: there is none. */
tow_socketio_scope *tow_socketio_find_scope(const tow_socketio *io, tow_slice name);

#endif
