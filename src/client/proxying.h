/* proxying: asks a proxy for the way to the server, on the client's own stream. */
#ifndef TOW_CLIENT_PROXYING_H
#define TOW_CLIENT_PROXYING_H

#include "object.h"

/* A stage: the stream leads to the proxy. `rest` has come already. */
void tow_proxying_start(tow_client *client, uint8_t *rest, size_t rest_length);

#endif
