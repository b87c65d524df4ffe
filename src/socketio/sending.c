#include "sending.h"

#include "arguments.h"

#include <towline/error.h>

static int as_error(int64_t sent) {
    return sent < 0 ? (int)sent : 0;
}

static int send_message(
    tow_socketio_connection *connection, tow_message_type type, const void *data, size_t length) {
    return connection->is_over ? TOW_ERROR_CLOSED
                               : as_error(tow_websocket_send(connection->websocket, type, data, length));
}

/* A peer that waits for attachments takes nothing else: without them the connection is of no use. */
static int part_failed(tow_socketio_connection *connection, int error) {
    if (error != 0)
        tow_websocket_close(connection->websocket, 1011, "a part of a packet could not be sent");
    return error;
}

static int send_attachments(tow_socketio_connection *connection, const tow_socketio_arguments *arguments) {
    int error = 0;
    for (size_t i = 0; error == 0 && arguments != NULL && i < arguments->attachment_count; i++)
        error = send_message(
            connection, TOW_BINARY, arguments->attachments[i].data, arguments->attachments[i].length);
    return part_failed(connection, error);
}

int tow_socketio_send(tow_socketio_connection *connection, const tow_socketio_packet *head, const char *scope,
    tow_slice name, const tow_socketio_arguments *arguments) {
    tow_buffer text = {0};
    size_t count = arguments == NULL ? 0 : arguments->attachment_count;
    int error = tow_socketio_packet_append_head(&text, head->type, count, scope, head->id);
    if (error == 0)
        error = tow_socketio_arguments_append(&text, name, arguments, (tow_slice){0});
    if (error == 0)
        error = send_message(connection, TOW_TEXT, text.data, text.length);
    tow_buffer_clear(&text);
    return error != 0 ? error : send_attachments(connection, arguments);
}

int tow_socketio_send_text(tow_socketio_connection *connection, tow_socketio_packet_type type,
    const char *scope, tow_slice payload) {
    tow_buffer text = {0};
    int error = tow_socketio_packet_append_head(&text, type, 0, scope, TOW_PACKET_NO_ID);
    if (error == 0)
        error = tow_buffer_append(&text, payload.data, payload.length);
    if (error == 0)
        error = send_message(connection, TOW_TEXT, text.data, text.length);
    tow_buffer_clear(&text);
    return error;
}

int tow_socketio_send_form(tow_socketio_connection *connection, const tow_socketio_form *form) {
    int error = connection->is_over ? TOW_ERROR_CLOSED : 0;
    for (size_t i = 0; error == 0 && i < form->count; i++) {
        error = as_error(tow_websocket_send_shared(connection->websocket, form->messages[i]));
        if (i > 0)
            error = part_failed(connection, error);
    }
    return error;
}
