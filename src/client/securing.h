/* securing: TLS on the client's own stream, with the proxy that is the first on the way, or with the server.
 */
#ifndef TOW_CLIENT_SECURING_H
#define TOW_CLIENT_SECURING_H

#include "object.h"

/* The stream has just been adopted, and is connected to a proxy that speaks TLS: tow_proxying_start follows,
 * or tow_opening_fail. */
void tow_securing_proxy(tow_client *client);

/* The stream leads to the server; it was prepared for TLS if something was said before. `rest` has come
 * already. tow_opening_ask follows, or tow_opening_fail. */
void tow_securing_server(tow_client *client, const uint8_t *rest, size_t rest_length);

#endif
