/* listener_text: where a server listens, beyond tow_server_port: the addresses of sockets that somebody else
 * has opened. */
#ifndef TOW_SERVER_LISTENER_TEXT_H
#define TOW_SERVER_LISTENER_TEXT_H

#include "transport/address.h"

#include <towline/server.h>

/* The address of the socket at `place` (from 0) of listener `index`, as tow_server_port counts them. False:
 * there is none. */
bool tow_server_listener_text(
    const tow_server *server, size_t index, size_t place, char out[TOW_ADDRESS_TEXT_MAX]);

#endif
