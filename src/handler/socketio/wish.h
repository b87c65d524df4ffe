/* wish: what a visitor has asked for, until whoever keeps the channels has said whether it may. */
#ifndef TOW_HANDLER_SOCKETIO_WISH_H
#define TOW_HANDLER_SOCKETIO_WISH_H

#include "visitor.h"

enum { TOW_SOCKETIO_WISHES_MAX = 16 /* of a visitor, at once */ };

/* It is gone: nothing is answered any more. */
void tow_socketio_wishes_drop(tow_socketio_visitor *visitor);

#endif
