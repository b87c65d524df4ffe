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

/* Any thread, while the loop is there. Connections that come from some round on get the certificate that was
 * read last; does nothing if none will come any more. Errors: MEMORY. */
int tow_worker_reload(tow_worker *worker);

/* A letter that makes the worker look at the routes, so that it lets go of older ones; made ahead, as nothing
 * may fail when they have changed. NULL without memory. */
tow_letter *tow_worker_look_letter(tow_worker *worker);

/* Any thread. Leaves such a letter, or frees it where the worker takes none, or `wanted` is false. */
void tow_worker_look(tow_letter *letter, bool wanted);

/* Runs the loop until the drain is done. Errors: as tow_loop_run. */
int tow_worker_run(tow_worker *worker);

/* When nothing runs any more: takes it off its loop, where its connections are reset and their sockets'
 * on_close comes; they may take a while to go. Does nothing if it never began, or its loop is gone. */
void tow_worker_abandon(tow_worker *worker);

/* When nothing runs any more: frees what the worker holds. A second call does nothing. */
void tow_worker_end(tow_worker *worker);

#endif
