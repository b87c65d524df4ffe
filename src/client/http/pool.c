#include "pool.h"

static tow_http_connection *connection_in_client(tow_ring *link) {
    return (tow_http_connection *)(void *)((char *)link - offsetof(tow_http_connection, in_client));
}

void tow_http_pool_join(tow_http_connection *connection, tow_http_call *call) {
    connection->call = call;
    call->connection = connection;
    connection->host->idle--;
    connection->client->counters.idle--;
}

void tow_http_pool_part(tow_http_connection *connection) {
    connection->call->connection = NULL;
    connection->call = NULL;
    connection->host->idle++;
    connection->client->counters.idle++;
}

void tow_http_pool_forget(tow_http_connection *connection) {
    tow_http_client *client = connection->client;
    if (connection->call != NULL)
        tow_http_pool_part(connection);
    connection->host->idle--;
    client->counters.idle--;
    tow_ring_remove(&connection->in_client);
    client->counters.connections--;
    connection->host->connections--;
    tow_http_host_give(connection->host);
}

void tow_http_pool_close(tow_http_connection *connection) {
    tow_http_pool_forget(connection);
    tow_http_connection_close(connection);
}

void tow_http_pool_close_all(tow_http_client *client) {
    while (!tow_ring_is_empty(&client->connections))
        tow_http_pool_close(connection_in_client(client->connections.next));
}

/* The one that was used last, as it is the least likely to have been given up by the server. */
static tow_http_connection *find_idle(const tow_http_client *client, const tow_http_host *host) {
    const tow_ring *all = &client->connections;
    for (tow_ring *link = all->next; host->idle > 0 && link != all; link = link->next) {
        tow_http_connection *connection = connection_in_client(link);
        if (connection->call == NULL && connection->host == host)
            return connection;
    }
    return NULL;
}

/* What has come unasked would be taken for the response, or is an end that a request would be lost by. */
tow_http_connection *tow_http_pool_find(tow_http_client *client, const tow_http_host *host) {
    tow_http_connection *connection;
    while ((connection = find_idle(client, host)) != NULL && !tow_http_connection_is_quiet(connection))
        tow_http_pool_close(connection);
    return connection;
}

/* The one that was not used for longest, of this host or (NULL) of any. */
static tow_http_connection *find_oldest_idle(const tow_http_client *client, const tow_http_host *host) {
    const tow_ring *all = &client->connections;
    bool has_idle = (host == NULL ? client->counters.idle : host->idle) > 0;
    for (tow_ring *link = all->previous; has_idle && link != all; link = link->previous) {
        tow_http_connection *connection = connection_in_client(link);
        if (connection->call == NULL && (host == NULL || connection->host == host))
            return connection;
    }
    return NULL;
}

bool tow_http_pool_make_room(tow_http_client *client, const tow_http_host *host) {
    bool host_is_full = !tow_http_pool_is_below(host->connections, client->options.max_host_connections);
    if (!host_is_full &&
        tow_http_pool_is_below(client->counters.connections, client->options.max_connections))
        return true;
    tow_http_connection *idle = find_oldest_idle(client, host_is_full ? host : NULL);
    if (idle == NULL)
        return false;
    tow_http_pool_close(idle);
    return true;
}

int tow_http_pool_open(tow_http_connection **connection, tow_http_client *client, tow_http_host *host,
    const tow_http_connection_events *events) {
    const tow_http_place place = {.place = host->place,
        .tls = host->is_secure ? client->tls : NULL,
        .proxy = client->options.proxy,
        .proxy_tls = client->proxy_tls};
    int error =
        tow_http_connection_open(connection, client->loop, &place, client->options.connect_seconds, events);
    if (error != 0)
        return error;
    (*connection)->client = client;
    (*connection)->host = host;
    host->users++;
    host->connections++;
    host->idle++;
    client->counters.connections++;
    client->counters.idle++;
    client->counters.opened++;
    tow_ring_add_behind(&client->connections, &(*connection)->in_client);
    return 0;
}
