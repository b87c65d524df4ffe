/* sending: packets to the peer of a connection. */
#ifndef TOW_SOCKETIO_SENDING_H
#define TOW_SOCKETIO_SENDING_H

#include "form.h"
#include "state.h"

/* `name` is that of an event, or its data is NULL. Errors: as tow_socketio_emit. */
int tow_socketio_send(tow_socketio_connection *connection, const tow_socketio_packet *head, const char *scope,
    tow_slice name, const tow_socketio_arguments *arguments);

/* A packet whose payload, which may be empty, is ready. Errors: CLOSED, QUEUE_FULL, MEMORY. */
int tow_socketio_send_text(
    tow_socketio_connection *connection, tow_socketio_packet_type type, const char *scope, tow_slice payload);

int tow_socketio_send_form(tow_socketio_connection *connection, const tow_socketio_form *form);

#endif
