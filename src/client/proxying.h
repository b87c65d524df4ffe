/* proxying: asks a proxy for the way to the server, on the client's own stream. */
#ifndef TOW_CLIENT_PROXYING_H
#define TOW_CLIENT_PROXYING_H

#include "object.h"

/* The stream leads to the proxy: tow_opening_ask or tow_securing_server follows, or tow_opening_fail. */
void tow_proxying_start(tow_client *client);

/* Frees what it needed. */
void tow_proxying_clear(tow_client *client);

#endif
