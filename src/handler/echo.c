#include "handler/echo.h"

static int take_first(const tow_request *request, const char *const *offered, size_t count) {
    return count > 0 ? 0 : -1;
}

/* A peer that does not read is no longer read itself: sending pauses receiving, so nothing piles up here. */
static void echo(tow_websocket *socket, const tow_message *message) {
    tow_websocket_send(socket, message->type, message->data, message->length);
}

tow_handler tow_echo_handler(void) {
    return (tow_handler){.on_select = take_first, .on_message = echo, .any_origin = true};
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    (void)settings, (void)place, (void)why;
    *handler = tow_echo_handler();
    handler->any_origin = false; /* its route says which */
    return 0;
}

const tow_handler_kind tow_echo_kind = {.name = "echo", .make = make};
