/* visitor: who the client is: the stream's peer, or, where that is a trusted proxy, whom it names. */
#ifndef TOW_SERVER_VISITOR_H
#define TOW_SERVER_VISITOR_H

#include "conversation.h"

/* Reads the PROXY header with which a trusted proxy begins (--proxy-protocol). Returns how many bytes it
 * took, 0 while it is not whole (exchange->introduced tells), or ARGUMENT. */
int tow_visitor_introduce(tow_exchange *exchange, const uint8_t *bytes, size_t length);

/* Finds out who sent a request, and counts the connection by that address. Errors: HTTP_SYNTAX (what a
 * trusted proxy says can't be read), LIMIT (the address has too many connections), MEMORY. */
int tow_visitor_identify(tow_exchange *exchange, const tow_http_head *head);

/* HOST[:PORT] that the client asked for: what a trusted proxy says of that, else Host. */
tow_slice tow_visitor_authority(const tow_exchange *exchange, const tow_http_head *head);

/* "127.0.0.1:50001", "127.0.0.1" when the port is not known (a proxy need not say it), "unix"; "unknown" for
 * an address of length 0. */
void tow_visitor_text(const tow_address *address, char out[TOW_ADDRESS_TEXT_MAX]);

/* Whether a peer is a trusted proxy. */
bool tow_visitor_is_proxy(const tow_settings *settings, const tow_address *address);

#endif
