/* A handler that has nothing to say. */
#include <towline/handler.h>

static void on_message(tow_websocket *socket, const tow_message *message) {
}

TOW_HANDLER(.on_message = on_message);
