#include "carried_echo.h"

#include "../unit.h"
#include "websocket/websocket.h"

#include <stdio.h>
#include <string.h>

struct heard heard;

static void opened(tow_websocket *socket) {
    heard.opens++;
    heard.socket = socket;
    snprintf(heard.protocol, sizeof(heard.protocol), "%s", tow_websocket_protocol(socket));
    assert_non_null(tow_websocket_request(socket));
    snprintf(heard.path, sizeof(heard.path), "%s", tow_request_path(tow_websocket_request(socket)));
    if (heard.closes_at_once)
        tow_websocket_close(socket, 4001, "no such app");
}

static void echo(tow_websocket *socket, const tow_message *message) {
    heard.messages++;
    tow_websocket_note_work(socket, heard.work);
    tow_websocket_send(socket, message->type, message->data, message->length);
    if (heard.pauses)
        tow_websocket_pause(socket);
}

static void closed(tow_websocket *socket, const tow_close_event *event) {
    heard.closes++;
    heard.code = event->code;
    heard.socket = NULL;
    snprintf(heard.reason, sizeof(heard.reason), "%s", event->reason);
}

void carried_echo_begin(tow_handler *handler) {
    memset(&heard, 0, sizeof(heard));
    handler->on_open = opened;
    handler->on_message = echo;
    handler->on_close = closed;
}
