/* options: what may be set of the handler. */
#ifndef TOW_HANDLER_SOCKETIO_OPTIONS_H
#define TOW_HANDLER_SOCKETIO_OPTIONS_H

#include "handler/socketio.h"

/* Between a namespace and its channel. */
#define TOW_SOCKETIO_PAIR ": "

extern const tow_option tow_socketio_rows[];

#endif
