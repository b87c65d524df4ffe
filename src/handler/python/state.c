#include "state.h"

#include "server/entrance.h"

#include "connection.h"
#include "telling.h"
#include "version.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <towline/log.h>

enum { CONNECTIONS_MAX = 1000 };

void tow_python_enter(tow_python_connection *connection) {
    tow_python *python = connection->version->python;
    tow_python_version_retain(connection->version);
    pthread_mutex_lock(&python->mutex);
    connection->next = python->connections;
    connection->previous = &python->connections;
    if (connection->next != NULL)
        connection->next->previous = &connection->next;
    python->connections = connection;
    pthread_mutex_unlock(&python->mutex);
}

static void forget(tow_python_connection *connection) {
    tow_python *python = connection->version->python;
    pthread_mutex_lock(&python->mutex);
    *connection->previous = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    pthread_mutex_unlock(&python->mutex);
}

bool tow_python_count(tow_python *python, const char **why) {
    int setting = python->settings->max_connections;
    int most = setting == TOW_OFF ? INT_MAX : setting != 0 ? setting : CONNECTIONS_MAX;
    *why = NULL;
    if (atomic_fetch_add_explicit(&python->connection_count, 1, memory_order_relaxed) >= most)
        *why = "too many connections of Python handlers (max-handler-connections)";
    else if (!tow_descriptors_take(python->descriptors, 1))
        *why = "no descriptors are left for a Python handler (ulimit -n)";
    if (*why != NULL)
        atomic_fetch_sub_explicit(&python->connection_count, 1, memory_order_relaxed);
    return *why == NULL;
}

void tow_python_uncount(tow_python *python) {
    tow_descriptors_give(python->descriptors, 1);
    atomic_fetch_sub_explicit(&python->connection_count, 1, memory_order_relaxed);
}

void tow_python_connection_free(tow_python_connection *connection) {
    tow_python_uncount(connection->version->python);
    tow_python_link_clear(&connection->link);
    tow_buffer_clear(&connection->assembly);
    free(connection);
}

void tow_python_free_if_over(tow_python_connection *connection) {
    if (!connection->link_closed || connection->socket != NULL || connection->exchange != NULL)
        return;
    tow_python_version *version = connection->version;
    forget(connection);
    tow_python_connection_free(connection);
    tow_python_version_release(version);
}

void tow_python_connections_free(tow_python *python) {
    for (tow_python_connection *connection = python->connections, *next; connection != NULL;
         connection = next) {
        next = connection->next;
        tow_python_connection_free(connection);
    }
}

void tow_python_fail(tow_python_connection *connection, int status, const char *text) {
    if (connection->exchange != NULL && tow_exchange_reject(connection->exchange, status, text) == 0)
        connection->exchange = NULL;
    if (connection->socket != NULL)
        tow_websocket_close(connection->socket, TOW_CLOSE_INTERNAL_ERROR, text);
    tow_python_link_drop(&connection->link);
}

bool tow_python_refuse_bytes(tow_python_connection *connection) {
    const tow_websocket *socket = connection->socket;
    bool is_carried =
        socket != NULL ? socket->behaviour->carrier != NULL
                       : connection->exchange != NULL && tow_exchange_entrance(connection->exchange) != NULL;
    if (is_carried)
        tow_python_fail(connection, 403, "this handler reads or writes bytes: by WebSocket only");
    return is_carried;
}

void tow_python_fail_host(tow_python_connection *connection) {
    tow_python_say(connection->version->python, TOW_LOG_ERROR, "%s: what its process says makes no sense",
        connection->version->file);
    tow_python_fail(connection, 500, "the handler's process is broken");
}

void tow_python_tell_closed(
    tow_python_connection *connection, bool clean, uint16_t code, uint16_t ours, const char *reason) {
    uint8_t head[5] = {clean};
    tow_python_put(head + 1, code, 2);
    tow_python_put(head + 3, ours, 2);
    tow_python_link_send(&connection->link, TOW_PYTHON_CLOSED, head, sizeof(head), reason, strlen(reason));
    tow_python_link_finish(&connection->link);
}
