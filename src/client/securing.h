/* securing: TLS on the client's own stream, with the proxy that is the first on the way, or with the server.
 */
#ifndef TOW_CLIENT_SECURING_H
#define TOW_CLIENT_SECURING_H

#include "object.h"

/* A stage: the stream has just been adopted, and is connected to a proxy that speaks TLS; nothing has come.
 */
void tow_securing_proxy(tow_client *client, uint8_t *rest, size_t rest_length);

/* A stage: the stream leads to the server; it was prepared for TLS if something was said before. `rest` has
 * come already. */
void tow_securing_server(tow_client *client, uint8_t *rest, size_t rest_length);

#endif
