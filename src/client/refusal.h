/* refusal: an answer that is none to the opening handshake, the server's or a proxy's: its status, where it
 * leads, and the beginning of its body, which may come after the head and is waited for a moment. */
#ifndef TOW_CLIENT_REFUSAL_H
#define TOW_CLIENT_REFUSAL_H

#include "object.h"

/* Takes the stream over; the handshake fails with HTTP_STATUS, now or when enough of the body has come.
 * `rest` came behind the head. */
void tow_refusal_begin(
    tow_client *client, const tow_http_head *head, const uint8_t *rest, size_t rest_length);

/* The same for a proxy, which has refused the talk that is under way: the error is PROXY. */
void tow_refusal_begin_proxy(tow_client *client);

#endif
