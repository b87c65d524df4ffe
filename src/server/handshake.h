/* handshake: the opening handshake as a server does it (RFC 6455, section 4.2): a request in; 101 and a
 * WebSocket, or a refusal out. */
#ifndef TOW_SERVER_HANDSHAKE_H
#define TOW_SERVER_HANDSHAKE_H

#include "conversation.h"

/* Answers the request. `rest` are the bytes that came behind its head. */
void tow_handshake_answer(tow_exchange *exchange, tow_request *request, uint8_t *rest, size_t rest_length);

#endif
