#include "unfinished.h"

#include "../extra.h"
#include "piecewise.h"
#include "websocket/websocket.h"

static size_t holds(const tow_websocket *socket) {
    return socket->extra->assembly.length + tow_piecewise_bytes(socket);
}

tow_cause tow_unfinished_update(tow_websocket *socket) {
    tow_unfinished_part *part = &socket->extra->unfinished;
    size_t bytes = holds(socket);
    bool is_first = part->bytes == 0 && bytes > 0;
    return tow_unfinished_hold(
        socket->context, part, is_first ? tow_websocket_address_key(socket) : 0, bytes);
}
