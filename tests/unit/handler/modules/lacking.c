/* A handler that calls what there is not. */
#include <towline/handler.h>

void there_is_no_such_function(void);

static void on_message(tow_websocket *socket, const tow_message *message) {
    there_is_no_such_function();
}

TOW_HANDLER(.on_message = on_message);
