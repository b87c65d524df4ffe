/* entrances: which of a server's entrances a request has come by, and what that has to do with WebSocket. */
#ifndef TOW_SERVER_ENTRANCES_H
#define TOW_SERVER_ENTRANCES_H

#include "exchange_state.h"
#include "server/entrance.h"

/* The route of WebSocket that a path leads to by an entrance, which the exchange notes, and the path by which
 * that route has it; NULL: none does. */
const tow_route *tow_entrances_find(
    tow_exchange *exchange, const tow_routes *routes, tow_slice path, tow_slice *base);

/* The subprotocol for a session: what admission says, or else the handler's choice among what is offered; it
 * lives as long as the request. Errors: MEMORY. */
int tow_entrance_select(tow_exchange *exchange, tow_slice *chosen);

/* Whether the request offers this subprotocol: that is where the slice points to then. */
bool tow_entrance_offers(const tow_exchange *exchange, const char *name, tow_slice *offered);

/* With the server: what its entrances hold. */
void tow_entrances_clear(tow_server *server);

#endif
