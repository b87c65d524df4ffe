/* Sockets of a server that outlive their connection, for those who retained them. */
#include "extra.h"
#include "owner.h"
#include "websocket/websocket.h"

#include <towline/error.h>

bool tow_websocket_is_retained(const tow_websocket *socket) {
    return socket->extra != NULL && socket->extra->references > 0;
}

static bool is_client(const tow_websocket *socket) {
    return socket->behaviour->role == TOW_ROLE_CLIENT;
}

int tow_websocket_retain(tow_websocket *socket) {
    if (socket == NULL)
        return TOW_ERROR_ARGUMENT;
    if (is_client(socket))
        return 0;
    if (tow_extra_need(socket) == NULL)
        return TOW_ERROR_MEMORY;
    socket->extra->references++;
    return 0;
}

void tow_websocket_release(tow_websocket *socket) {
    if (socket == NULL || is_client(socket) || !tow_websocket_is_retained(socket) ||
        --socket->extra->references > 0)
        return;
    if (socket->extra->outlives)
        tow_owner_released(socket);
    else if (!socket->delivering)
        tow_extra_release(socket);
}
