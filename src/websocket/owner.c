#include "owner.h"

#include <towline/error.h>

/* A socket without a behaviour, or with one of nobody's, has an owner that says nothing. */
static const tow_socket_owner *owner_of(const tow_websocket *socket) {
    static const tow_socket_owner nobody;
    bool has_owner = socket != NULL && socket->behaviour != NULL && socket->behaviour->owner != NULL;
    return has_owner ? socket->behaviour->owner : &nobody;
}

tow_websocket_id tow_websocket_identify(const tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    return owner->identify == NULL ? 0 : owner->identify(socket);
}

const tow_request *tow_websocket_request(const tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    return owner->request == NULL ? NULL : owner->request(socket);
}

const tow_response *tow_websocket_response(const tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    return owner->response == NULL ? NULL : owner->response(socket);
}

int tow_websocket_peer(const tow_websocket *socket, char *text, size_t size) {
    if (socket == NULL || text == NULL)
        return TOW_ERROR_ARGUMENT;
    const tow_socket_owner *owner = owner_of(socket);
    if (owner->peer != NULL)
        return owner->peer(socket, text, size);
    bool has_stream = socket->behaviour == NULL || socket->behaviour->carrier == NULL;
    return has_stream ? tow_stream_peer_text(&socket->stream, text, size) : TOW_ERROR_STATE;
}

void tow_websocket_free(tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    if (owner->free != NULL)
        owner->free(socket);
}

uint64_t tow_websocket_address_key(const tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    return owner->address == NULL ? 0 : owner->address(socket);
}

bool tow_owner_holds(const tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    return owner->is_held != NULL && owner->is_held(socket);
}

void tow_owner_gone(tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    if (owner->gone != NULL)
        owner->gone(socket);
}

void tow_owner_released(tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    if (owner->released != NULL)
        owner->released(socket);
}

void tow_owner_abandon(tow_websocket *socket) {
    const tow_socket_owner *owner = owner_of(socket);
    if (owner->abandon != NULL)
        owner->abandon(socket);
}
