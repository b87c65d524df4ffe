/* dispatch: what to do with a request that was read: admission, route, then the handler or the opening
 * handshake. */
#ifndef TOW_SERVER_DISPATCH_H
#define TOW_SERVER_DISPATCH_H

#include "exchange_state.h"

/* After tow_exchange_start. Afterwards the exchange is answered, or wants its body, or has work, or is over.
 * `bytes` are the head's, which may be changed. */
void tow_dispatch(tow_exchange *exchange, const tow_http_head *head, uint8_t *bytes, size_t length);

/* A step of the work that a handler has begun. Afterwards there is another, or the exchange is answered. */
void tow_dispatch_work(tow_exchange *exchange);

/* A piece of the body of a handler that wanted it so. */
void tow_dispatch_piece(tow_exchange *exchange, tow_slice piece);

/* The body that a handler wanted is there. */
void tow_dispatch_body(tow_exchange *exchange);

/* The request was let in by its handler later, and goes on now. */
void tow_dispatch_admitted(tow_exchange *exchange);

#endif
