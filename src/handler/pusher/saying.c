#include "saying.h"

#include "envelope.h"

void tow_pusher_say(tow_pusher_connection *connection, tow_buffer *text, int error) {
    if (error == 0)
        (void)tow_websocket_send(connection->socket, TOW_TEXT, text->data, text->length);
    else
        (void)tow_websocket_close(connection->socket, TOW_PUSHER_OVER_CAPACITY, "out of memory");
    tow_buffer_clear(text);
}

void tow_pusher_say_error(tow_pusher_connection *connection, int code, const char *text) {
    tow_buffer out = {0};
    tow_pusher_say(connection, &out, tow_pusher_write_error(&out, code, text));
}
