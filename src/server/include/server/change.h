/* change: what of a server's options may change while it serves. */
#ifndef TOW_SERVER_CHANGE_H
#define TOW_SERVER_CHANGE_H

#include <towline/server.h>

typedef struct tow_server_change { /* as in tow_server_options, all of them */
    const char *const *allow_origins;
    const char *const *hosts;
    tow_limits limits;
} tow_server_change;

/* Takes these in the place of those that it has: for requests that come from now on, and for all routes that
 * have none of their own. What is open keeps what it has, and so does a route whose own limits contradict
 * them. Not beside tow_server_route or another change on other threads. Errors: ARGUMENT (as tow_server_new;
 * the log says which), MEMORY; everything stays as it was then. */
int tow_server_change_options(tow_server *server, const tow_server_change *change);

#endif
