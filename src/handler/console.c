#include "handler/console.h"

#include "reply.h"

/* Made by script/embed.py from web/console.html. */
extern const unsigned char tow_console_page[];
extern const size_t tow_console_page_length;
extern const char tow_console_policy[];

/* The policy lets the page be nothing but itself: its own script and style, and connections to WebSocket
 * servers. */
static const tow_header_field page_fields[] = {
    {"Content-Security-Policy", tow_console_policy},
    {"Cache-Control", "no-cache"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
};

static void answer(tow_exchange *exchange, const tow_request *request) {
    if (!tow_reply_is_reading(exchange, request))
        return;
    if (tow_reply_fields(exchange, page_fields, sizeof(page_fields) / sizeof(page_fields[0])) != 0)
        tow_reply_status(exchange, 503);
    else
        tow_exchange_respond(
            exchange, 200, "text/html; charset=utf-8", tow_console_page, tow_console_page_length);
}

tow_handler tow_console_handler(void) {
    return (tow_handler){.on_request = answer};
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    (void)settings, (void)place, (void)why;
    *handler = tow_console_handler();
    return 0;
}

const tow_handler_kind tow_console_kind = {.name = "console", .make = make};
