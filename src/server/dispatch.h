/* dispatch: what to do with a request that was read: host rule, route, then the handler or the opening
 * handshake. */
#ifndef TOW_SERVER_DISPATCH_H
#define TOW_SERVER_DISPATCH_H

#include "conversation.h"

/* Afterwards the exchange is answered, or wants its body, or has work, or its state is TOW_OVER. `bytes`
 * begin with the head, of `head_length`; what stands behind it may be frames. */
void tow_dispatch(
    tow_exchange *exchange, const tow_http_head *head, size_t head_length, uint8_t *bytes, size_t length);

/* A step of the work that a handler has begun. Afterwards there is another, or the exchange is answered. */
void tow_dispatch_work(tow_exchange *exchange);

/* Frees it, if there was any: the answer is out. */
void tow_dispatch_end_work(tow_exchange *exchange);

/* The body that a handler wanted is there. */
void tow_dispatch_body(tow_exchange *exchange);

/* The body that a handler wanted is more than it takes. */
void tow_dispatch_body_too_large(tow_exchange *exchange);

#endif
