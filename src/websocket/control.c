#include "control.h"

#include "context.h"
#include "stage.h"

/* RFC 6455, section 5.5.2: a Ping is answered with its payload, unless a Close was sent. */
void tow_control_ping(tow_websocket *socket, const void *payload, size_t length) {
    if (!tow_stage_is_open(socket))
        return;
    if (!socket->behaviour->no_pongs)
        tow_websocket_pong(socket, payload, length);
    if (socket->behaviour->on_ping != NULL && tow_stage_is_open(socket))
        socket->behaviour->on_ping(socket, payload, length);
}

void tow_control_pong(tow_websocket *socket, const void *payload, size_t length) {
    if (!tow_stage_is_open(socket))
        return;
    tow_count(&socket->context->counters.pongs_received);
    if (socket->behaviour->on_pong != NULL)
        socket->behaviour->on_pong(socket, payload, length);
}
