/* reaching: connects a client's stream to the first host on the way: the server, its Unix socket, or a proxy.
 */
#ifndef TOW_CLIENT_REACHING_H
#define TOW_CLIENT_REACHING_H

#include "object.h"

/* The first stage. No callback runs inside. Errors: MEMORY, ADDRESS, SYSTEM. */
int tow_reaching_start(tow_client *client);

#endif
