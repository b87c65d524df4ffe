/* pool: the connections of an HTTP client: which of them a call may have, and which makes room for another.
 * Those without a call are idle. What becomes of calls is not known here. */
#ifndef TOW_CLIENT_HTTP_POOL_H
#define TOW_CLIENT_HTTP_POOL_H

#include "call.h"
#include "host.h"

struct tow_http_client {
    tow_loop *loop;
    tow_http_client_options options; /* resolved; the texts of TLS are used up */
    tow_tls_context *tls;            /* made for the first https: if nothing of it is an option */
    tow_tls_context *proxy_tls;      /* with the proxy, if that speaks it */
    tow_ring hosts;
    tow_ring calls;       /* that are not over */
    tow_ring queue;       /* of these those that wait, the first to be served first */
    tow_ring connections; /* those that got idle last come first */
    tow_http_client_counters counters;
};

static inline bool tow_http_pool_is_below(size_t count, int limit) {
    return limit == TOW_OFF || count < (size_t)limit;
}

/* An idle connection of the host on which nothing waits; NULL if there is none. */
tow_http_connection *tow_http_pool_find(tow_http_client *client, const tow_http_host *host);

/* Whether a connection to the host may be opened; one that is idle makes room for it. */
bool tow_http_pool_make_room(tow_http_client *client, const tow_http_host *host);

/* Begins to open one, which is idle. Errors: as tow_http_connection_open. */
int tow_http_pool_open(tow_http_connection **connection, tow_http_client *client, tow_http_host *host,
    const tow_http_connection_events *events);

/* The call has the connection; and: it is idle again. */
void tow_http_pool_join(tow_http_connection *connection, tow_http_call *call);
void tow_http_pool_part(tow_http_connection *connection);

/* Takes it out of the pool, and from its call: it is CLOSED, or about to be. */
void tow_http_pool_forget(tow_http_connection *connection);
/* The same, and closes it. */
void tow_http_pool_close(tow_http_connection *connection);
void tow_http_pool_close_all(tow_http_client *client);

#endif
