/* opening: the opening handshake as a client (RFC 6455, section 4.1) on a stream that leads to the server:
 * sends the request, reads the response, and gives the stream to the websocket floor. */
#ifndef TOW_CLIENT_OPENING_H
#define TOW_CLIENT_OPENING_H

#include "object.h"

/* The last stage. `rest` has come already. */
void tow_opening_ask(tow_client *client, uint8_t *rest, size_t rest_length);

#endif
