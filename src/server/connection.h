/* connection: from accept to the end of the stream: counted, admitted by its address, ended. */
#ifndef TOW_SERVER_CONNECTION_H
#define TOW_SERVER_CONNECTION_H

#include "server/hosted.h"
#include "slot.h"

/* Takes over an accepted descriptor: counted already (SERVED) or not to be counted. The descriptor is closed
 * when it fails. */
void tow_connection_open(tow_worker *worker, int fd, tow_connection_kind kind, bool local);

/* A place for one among the worker's connections, zeroed but for what tells it from others; NULL without
 * memory. Its kind is the caller's to set, and to count. */
tow_connection *tow_connection_take_slot(tow_worker *worker);
void tow_connection_give_slot(tow_connection *connection);

/* Undoes what was counted for one that came to nothing, and gives its place back. */
void tow_connection_undo(tow_connection *connection);

/* The same for one that is carried, and is not counted yet. `*handle` is told of what comes. Errors: MEMORY,
 * ARGUMENT; nothing is left then. */
int tow_connection_host(tow_worker *worker, const tow_hosted *hosted, tow_byte_stream **handle);

/* Gives up a descriptor that is counted as SERVED and was not opened. */
void tow_connection_abandon(tow_worker *worker, int fd);

/* What the drain does: ends it politely, or (late) resets it, which the log tells; or resets what is left. */
void tow_connection_drain(tow_connection *connection);
void tow_connection_end_late(tow_connection *connection);
void tow_connection_reset(tow_connection *connection);

/* After that: a WebSocket's on_close comes in this call, or on_gone of a request that was kept. */
void tow_connection_tell_end(tow_connection *connection);

/* After that: its route, which it may be the last to hold, tells nobody of anything; those of sockets that
 * are retained, too. */
void tow_connection_end_route(const tow_connection *connection);

/* For every route's behaviour: what owns its sockets, and its on_open. */
extern const tow_socket_owner tow_connection_owner;
void tow_connection_socket_opened(tow_websocket *socket);

/* When the worker ends: frees what retained sockets hold. */
void tow_connection_forget(tow_connection *connection);

#endif
