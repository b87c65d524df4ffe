/* admission: whether a request is let in, in one order: what proxies say of the client, host, redirect to
 * TLS; for an opening handshake then origin, drain, and the handler's word. */
#ifndef TOW_SERVER_ADMISSION_H
#define TOW_SERVER_ADMISSION_H

#include "exchange_state.h"

/* Any request. True: it was answered, or reset, or its handler decides later. */
bool tow_admission_refuses(tow_exchange *exchange);

/* An opening handshake that was let in so far, and whose form is right. The same. */
bool tow_admission_refuses_opening(tow_exchange *exchange);

/* One that came by an entrance, and perhaps begins a session. The same. */
bool tow_admission_refuses_entrance(tow_exchange *exchange, bool begins);

/* Another request that was let in so far. The same. */
bool tow_admission_refuses_request(tow_exchange *exchange);

/* A request that the handler let in later goes on now. False: it was answered after all, as the server
 * drains.
 */
bool tow_admission_goes_on(tow_exchange *exchange);

#endif
