/* stages: the order in which a client gets from nothing to an open WebSocket. */
#ifndef TOW_CLIENT_STAGES_H
#define TOW_CLIENT_STAGES_H

#include "object.h"

/* Begins with the first stage, and sets the time limit for all of them; the others follow by themselves. No
 * callback runs inside. Errors: MEMORY, ADDRESS, SYSTEM. */
int tow_stages_start(tow_client *client);

#endif
