/* emit: what the application sends: to a socket, as an acknowledgement, to rooms. */
#include "arguments.h"
#include "asks.h"
#include "base/json.h"
#include "form.h"
#include "identity.h"
#include "past.h"
#include "rooms.h"
#include "scope.h"
#include "sending.h"
#include "server/channels.h"
#include "socket.h"

#include <towline/error.h>

/* To one socket. */

static int check_name(const char *event) {
    return event != NULL && tow_socketio_packet_name_is_free(tow_slice_from(event)) ? 0 : TOW_ERROR_ARGUMENT;
}

static int emit(
    tow_socketio_socket *socket, int64_t id, const char *event, const tow_socketio_arguments *arguments) {
    const tow_socketio_packet head = {.type = TOW_PACKET_EVENT, .id = id};
    return tow_socketio_send(
        socket->connection, &head, socket->scope->name, tow_slice_from(event), arguments);
}

/* To one that may come back and ask for it: with its offset. */
static int emit_and_keep(
    tow_socketio_socket *socket, const char *event, const tow_socketio_arguments *arguments) {
    char offset[TOW_POSITION_TEXT_SIZE];
    size_t length = tow_socketio_past_offset(socket->past, offset);
    tow_socketio_form *form;
    int error = tow_socketio_form_new(
        &form, socket->scope->name, tow_slice_from(event), arguments, (tow_slice){offset, length});
    if (error != 0)
        return error;
    error = tow_socketio_send_form(socket->connection, form);
    if (error != 0)
        tow_socketio_form_free(form);
    else
        tow_socketio_past_add_own(socket->past, form);
    return error;
}

int tow_socketio_emit(
    tow_socketio_socket *socket, const char *event, const tow_socketio_arguments *arguments) {
    int error = socket == NULL ? TOW_ERROR_ARGUMENT : check_name(event);
    if (error == 0)
        error = tow_socketio_socket_let_in(socket);
    if (error != 0)
        return error;
    return socket->past != NULL ? emit_and_keep(socket, event, arguments)
                                : emit(socket, TOW_PACKET_NO_ID, event, arguments);
}

int tow_socketio_emit_volatile(
    tow_socketio_socket *socket, const char *event, const tow_socketio_arguments *arguments) {
    int error = socket == NULL ? TOW_ERROR_ARGUMENT : check_name(event);
    if (error == 0)
        error = tow_socketio_socket_let_in(socket);
    if (error == 0 && tow_websocket_buffered_amount(socket->connection->websocket) > 0)
        error = TOW_ERROR_QUEUE_FULL;
    return error != 0 ? error : emit(socket, TOW_PACKET_NO_ID, event, arguments);
}

int tow_socketio_emit_with_ack(tow_socketio_socket *socket, const char *event,
    const tow_socketio_arguments *arguments, const tow_socketio_wait *wait) {
    int error = socket == NULL || wait == NULL ? TOW_ERROR_ARGUMENT : check_name(event);
    if (error == 0)
        error = tow_socketio_socket_let_in(socket);
    if (error == 0)
        error = tow_socketio_ask_begin(socket, wait);
    if (error != 0)
        return error;
    error = emit(socket, socket->next_ask - 1, event, arguments);
    if (error != 0)
        tow_socketio_ask_undo(socket);
    return error;
}

int tow_socketio_acknowledge(
    tow_socketio_socket *socket, int64_t ack, const tow_socketio_arguments *arguments) {
    const tow_socketio_packet head = {.type = TOW_PACKET_ACK, .id = ack};
    if (socket == NULL || ack < 0)
        return TOW_ERROR_ARGUMENT;
    if (socket->stage != TOW_SOCKETIO_CONNECTED)
        return socket->stage == TOW_SOCKETIO_GONE ? TOW_ERROR_CLOSED : TOW_ERROR_STATE;
    return tow_socketio_send(socket->connection, &head, socket->scope->name, (tow_slice){0}, arguments);
}

/* To rooms: what others than Socket.IO's clients get of it is one value, or bytes. */

static void describe(tow_draft *draft, tow_slice array, const tow_socketio_arguments *arguments) {
    tow_socketio_arguments checked = {.json = array.data + 1, .length = array.length - 2};
    tow_socketio_attachment bytes;
    const char *json;
    size_t length;
    draft->type = TOW_TEXT;
    draft->form = TOW_DATA_JSON;
    draft->data = array;
    if (checked.length == 0 || !tow_socketio_argument(&checked, 0, &json, &length) ||
        length != checked.length)
        return;
    draft->data = (tow_slice){json, length};
    checked.attachments = arguments == NULL ? NULL : arguments->attachments;
    checked.attachment_count = arguments == NULL ? 0 : arguments->attachment_count;
    if (!tow_socketio_binary(&checked, 0, &bytes))
        return;
    draft->type = TOW_BINARY;
    draft->data = (tow_slice){bytes.data, bytes.length};
}

/* With the form that Socket.IO's clients get. */
static int publish(
    tow_socketio_scope *scope, tow_slice channel, tow_draft *draft, const tow_socketio_arguments *arguments) {
    tow_buffer array = {0};
    int error = tow_socketio_arguments_append(&array, (tow_slice){0}, arguments, (tow_slice){0});
    if (error == 0)
        error = tow_socketio_encoding_give(scope->encoding, draft, arguments);
    if (error == 0) {
        describe(draft, (tow_slice){(const char *)array.data, array.length}, arguments);
        error = tow_hub_publish(tow_server_hub(scope->io->server), channel, draft);
        if (error != 0)
            tow_socketio_encoding_take_back(draft);
    }
    tow_buffer_clear(&array);
    return error;
}

/* The draft says by whom, and who is left out. */
static int publish_to(tow_socketio_scope *scope, const char *room, const char *event, tow_draft *draft,
    const tow_socketio_arguments *arguments) {
    char name[TOW_CHANNEL_NAME_MAX];
    tow_slice text = {0};
    if (room != NULL)
        text = tow_slice_from(room);
    int length = tow_socketio_room_channel(scope, text, name);
    if (length < 0)
        return length;
    draft->event = tow_slice_from(event);
    return publish(scope, (tow_slice){name, (size_t)length}, draft, arguments);
}

int tow_socketio_to_as(tow_socketio_socket *socket, const char *room, const char *event,
    const tow_socketio_arguments *arguments, tow_slice user) {
    int error = socket == NULL ? TOW_ERROR_ARGUMENT : check_name(event);
    if (error != 0)
        return error;
    tow_draft draft = {.user = user, .leave_out = socket->number};
    return publish_to(socket->scope, room, event, &draft, arguments);
}

int tow_socketio_to(tow_socketio_socket *socket, const char *room, const char *event,
    const tow_socketio_arguments *arguments) {
    return tow_socketio_to_as(socket, room, event, arguments, (tow_slice){0});
}

int tow_socketio_broadcast(tow_socketio *io, const tow_socketio_target *target, const char *event,
    const tow_socketio_arguments *arguments) {
    const tow_socketio_target all = {0};
    int error = io == NULL ? TOW_ERROR_ARGUMENT : check_name(event);
    if (error != 0)
        return error;
    if (target == NULL)
        target = &all;
    tow_socketio_scope *scope =
        tow_socketio_find_scope(io, tow_slice_from(target->scope == NULL ? "/" : target->scope));
    if (scope == NULL)
        return TOW_ERROR_ARGUMENT;
    tow_draft draft = {.leave_out = target->except == NULL ? 0 : tow_socketio_id_number(target->except)};
    return publish_to(scope, target->room, event, &draft, arguments);
}
