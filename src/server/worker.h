/* worker: what one loop of a server owns: listeners, connections, counters, and the drain. */
#ifndef TOW_SERVER_WORKER_H
#define TOW_SERVER_WORKER_H

#include "state.h"

/* Makes a worker on a loop: takes the sites' sockets (the first worker) or opens its own, and starts to
 * accept. Errors: as tow_listen_socket and tow_listener_start, MEMORY; nothing is left on the loop then but
 * listeners that were stopped. */
int tow_worker_begin(tow_worker *worker, tow_loop *loop, bool is_first);

/* Any thread, and signal handlers: the worker drains soon, or as soon as it begins. */
void tow_worker_stop(tow_worker *worker);

/* The same for each worker of a server, once. */
void tow_worker_stop_all(tow_server *server);

/* A letter for each worker that makes it `act` on its thread, between callbacks; made ahead, so that nothing
 * can fail when they are left. Errors: MEMORY; those that were made are in the list. */
int tow_errands_make(tow_server *server, void (*act)(tow_worker *worker), tow_letter **letters);

/* Any thread. Leaves the letters of such a list, or frees those that a worker does not take, or all of them
 * where they are not `wanted`. */
void tow_errands_leave(tow_letter *letters, bool wanted);

/* Such an act: it takes `next_tls`, for the connections that come from now on. */
void tow_worker_take_context(tow_worker *worker);

/* Such an act: it looks at the routes, so that it lets go of older ones. */
void tow_worker_look_at_routes(tow_worker *worker);

/* Another: it takes the server's newest rules, and looks at the routes. */
void tow_worker_take_rules(tow_worker *worker);

/* Runs the loop until the drain is done. Errors: as tow_loop_run. */
int tow_worker_run(tow_worker *worker);

/* When nothing runs any more: takes it off its loop, where its connections are reset and their sockets'
 * on_close comes; they may take a while to go. Does nothing if it never began, or its loop is gone. */
void tow_worker_abandon(tow_worker *worker);

/* When nothing runs any more: frees what the worker holds. A second call does nothing. */
void tow_worker_end(tow_worker *worker);

#endif
