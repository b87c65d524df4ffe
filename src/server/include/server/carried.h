/* carried: sockets of a server's routes that are over another carrier. They have a place among the worker's
 * connections, and with it an id, a drain and lines of the log, but no stream. */
#ifndef TOW_SERVER_CARRIED_H
#define TOW_SERVER_CARRIED_H

#include "transport/loop.h"
#include "websocket/carrier.h"

#include <towline/server.h>

/* Opens a socket of the route of an exchange that has come by an entrance: `own` is the carrier's
 * (socket->carried), the user who admission says, the subprotocol one that was offered. on_open runs in this
 * call, and the socket may be closing when it returns. It is the worker's, and goes after tow_carried_gone.
 * Errors: LIMIT (as many as connections may be open, or as one address may have), UNSUPPORTED (the route
 * wants WebSocket itself), MEMORY. */
int tow_exchange_open_carried(
    tow_exchange *exchange, const tow_carrier *carrier, void *own, tow_websocket **socket);

/* Whether its route's sockets may be over other carriers; the limits that they have. */
bool tow_exchange_may_be_carried(const tow_exchange *exchange);
const tow_limits *tow_exchange_route_limits(const tow_exchange *exchange);

/* On the thread of its worker: the socket of an id; NULL: it is gone, or is not over this carrier. */
tow_websocket *tow_server_carried(tow_server *server, tow_websocket_id id, const tow_carrier *carrier);

/* -- From worker to worker -- */

size_t tow_server_workers(const tow_server *server);

/* The worker of an exchange, of a socket's id. */
size_t tow_exchange_worker_number(const tow_exchange *exchange);
size_t tow_websocket_id_worker(tow_websocket_id id);

/* Any thread. Leaves a letter for a worker, of so many bytes, which count as posted until
 * tow_server_letter_opened (also where it is dropped). While it drains it takes them as long as it has
 * connections, which may wait for them. False: there is no such worker, or it takes none (any more), or more
 * than max_posted waits; the letter is still the caller's, and not counted. */
bool tow_server_leave_letter(tow_server *server, size_t worker, tow_letter *letter, size_t bytes);

/* The same whatever waits: for small ones that somebody waits for, of which each connection has a few at
 * most. */
bool tow_server_owe_letter(tow_server *server, size_t worker, tow_letter *letter, size_t bytes);
void tow_server_letter_opened(tow_server *server, size_t worker, size_t bytes);

/* As tow_post_close, whatever waits: for who closes a socket for good, once. Errors: ARGUMENT, STATE, MEMORY.
 */
int tow_server_close_socket(tow_server *server, tow_websocket_id id, uint16_t code, const char *reason);

#endif
