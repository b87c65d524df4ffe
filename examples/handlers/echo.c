/* Sends every message back as it came. Any page may connect: it keeps nothing that could be stolen. */
#include <towline/handler.h>

static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

TOW_HANDLER(.on_message = echo, .any_origin = true);
