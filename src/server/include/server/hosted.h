/* hosted: a server inside of another one (Apache), which accepts the connections, speaks TLS, reads the heads
 * of requests, and has a thread for each connection. It brings them as streams that it carries
 * (transport/carried_stream.h), on which the head of a request comes as HTTP/1.1 has it; all else is as with
 * connections of the server's own.
 *
 * The server has `workers`, of which the first is nobody's, and `listen` "off"; it listens, and is not run.
 * Each of the host's threads borrows a worker for good, whose loop it steps while it has a connection. The
 * first worker's loop is stepped by one of those threads, on behalf of all; while none has a connection, it
 * rests. */
#ifndef TOW_SERVER_HOSTED_H
#define TOW_SERVER_HOSTED_H

#include "transport/carried_stream.h"

#include <towline/server.h>

typedef struct tow_worker tow_worker;

/* A connection that is brought. */
typedef struct tow_hosted {
    tow_carriage carriage;
    tow_address client; /* as the host knows it; length 0: not known */
    bool is_secure;     /* it came by TLS */
} tow_hosted;

/* Lends a worker to the calling thread. Errors: STATE (there is none left, or the server does not serve),
 * MEMORY, DESCRIPTORS, SYSTEM. */
int tow_server_lend(tow_server *server, tow_worker **worker);

/* Whether the server has a route for a path (without query). Any thread. */
bool tow_server_has_route(tow_server *server, const char *path);

/* The loop of a worker, for what carries its connections. */
tow_loop *tow_lent_loop(const tow_worker *worker);

/* On the thread that has borrowed the worker, which has no connection: begins one, of which `*stream` is to
 * be told. Errors: MEMORY, ARGUMENT; nothing has begun then. */
int tow_lent_begin(tow_worker *worker, const tow_hosted *hosted, tow_byte_stream **stream);

/* Serves it: returns when it is over, and nothing of it is left on the loop, or what is left (a process that
 * does not end) has had its time; that goes on with the next connection of the worker. */
void tow_lent_serve(tow_worker *worker);

/* Gives the worker back, on its thread, which ends. NULL is allowed. */
void tow_lent_return(tow_worker *worker);

/* How many have not been given back: with none the server may be freed. */
int tow_server_lent_count(const tow_server *server);

#endif
