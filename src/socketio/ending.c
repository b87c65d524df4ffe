#include "ending.h"

#include "gathering.h"
#include "past.h"
#include "sending.h"
#include "socket.h"

#include <towline/error.h>

void tow_socketio_connection_end_sockets(tow_socketio_connection *connection, tow_socketio_reason reason) {
    while (connection->sockets != NULL)
        tow_socketio_socket_end(connection->sockets, reason);
}

void tow_socketio_connection_end(
    tow_socketio_connection *connection, tow_socketio_reason reason, uint16_t code, const char *why) {
    if (connection->is_over)
        return;
    connection->is_over = true;
    tow_timer_cancel(tow_websocket_loop(connection->websocket), &connection->timer);
    tow_socketio_gathering_free(connection, tow_socketio_gathering_take(connection));
    tow_websocket_close(connection->websocket, code, why);
    tow_socketio_connection_end_sockets(connection, reason);
}

/* Its client knows that it was meant. */
static void kick(tow_socketio_connection *connection) {
    for (const tow_socketio_socket *socket = connection->sockets; socket != NULL; socket = socket->next) {
        if (socket->stage == TOW_SOCKETIO_CONNECTED)
            tow_socketio_send_text(connection, TOW_PACKET_DISCONNECT, socket->scope->name, (tow_slice){0});
    }
    tow_socketio_connection_end(connection, TOW_SOCKETIO_SERVER, 1000, NULL);
}

int tow_socketio_disconnect(tow_socketio_socket *socket, bool whole_connection) {
    if (socket == NULL)
        return TOW_ERROR_ARGUMENT;
    if (socket->stage == TOW_SOCKETIO_GONE)
        return TOW_ERROR_CLOSED;
    if (whole_connection) {
        kick(socket->connection);
        return 0;
    }
    if (socket->stage != TOW_SOCKETIO_CONNECTED)
        return TOW_ERROR_STATE;
    tow_socketio_send_text(socket->connection, TOW_PACKET_DISCONNECT, socket->scope->name, (tow_slice){0});
    socket->connection->kicked |= socket->scope->bit;
    tow_socketio_socket_end(socket, TOW_SOCKETIO_SERVER);
    return 0;
}

void tow_socketio_lose(tow_socketio_socket *socket, uint16_t code, const char *why) {
    tow_socketio_past_free(socket->past);
    socket->past = NULL;
    tow_socketio_connection_end(socket->connection, TOW_SOCKETIO_TRANSPORT, code, why);
}

void tow_socketio_expel(tow_socketio_socket *socket) {
    (void)tow_socketio_disconnect(socket, false);
}
