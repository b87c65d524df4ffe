/* extra_end: what the extra of a connection holds is freed when that is over. */
#ifndef TOW_WEBSOCKET_EXTRA_END_H
#define TOW_WEBSOCKET_EXTRA_END_H

#include "websocket/websocket.h"

/* Frees all that is of use to an open connection only; texts and what was discarded stay. */
void tow_extra_end(tow_websocket *socket);

/* Frees all of it. */
void tow_extra_clear(tow_websocket *socket);

#endif
