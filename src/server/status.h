/* status: the routes of --status: counters in Prometheus' text format, and health. */
#ifndef TOW_SERVER_STATUS_H
#define TOW_SERVER_STATUS_H

#include "base/buffer.h"
#include "state.h"

/* Adds the routes. Errors: MEMORY. */
int tow_status_routes(tow_server *server);

/* Appends what /metrics answers. From any worker's thread. Errors: MEMORY. */
int tow_status_text(tow_server *server, tow_buffer *out);

#endif
