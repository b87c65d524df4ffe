/* placing: which worker gets a connection that was accepted, by a listener of ours or by somebody else, and
 * how its descriptor gets there. */
#ifndef TOW_SERVER_PLACING_H
#define TOW_SERVER_PLACING_H

#include "state.h"

/* Serves it on this worker, or on one that has less to do. What is over max_connections gets its 503 here. */
void tow_place_accepted(tow_worker *worker, int fd, bool local);

#endif
