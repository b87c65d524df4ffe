#include "handler/client_script.h"

#include "reply.h"

#include <string.h>

/* Made by script/embed_script.py from web/towline.js: without its comments, and the same by gzip. */
extern const unsigned char tow_client_script[], tow_client_script_gzip[];
extern const size_t tow_client_script_length, tow_client_script_gzip_length;

static const tow_header_field fields[] = {
    {"Access-Control-Allow-Origin", "*"},
    {"Cross-Origin-Resource-Policy", "cross-origin"},
    {"Cache-Control", "public, max-age=3600"},
    {"Vary", "Accept-Encoding"},
    {"X-Content-Type-Options", "nosniff"},
};
static const tow_header_field compressed = {"Content-Encoding", "gzip"};

/* Browsers name it without a weight; who has more to say about it gets the text itself. */
static bool takes_gzip(const tow_request *request) {
    const char *takes = tow_request_header(request, "Accept-Encoding");
    const char *found = takes != NULL ? strstr(takes, "gzip") : NULL;
    return found != NULL && strchr(takes, ';') == NULL && strpbrk(found + strlen("gzip"), "-_") == NULL;
}

static void answer(tow_exchange *exchange, const tow_request *request) {
    if (!tow_reply_is_reading(exchange, request))
        return;
    bool is_compressed = takes_gzip(request);
    int error = tow_reply_fields(exchange, fields, sizeof(fields) / sizeof(fields[0]));
    if (error == 0 && is_compressed)
        error = tow_reply_fields(exchange, &compressed, 1);
    if (error != 0)
        tow_reply_status(exchange, 503);
    else
        tow_exchange_respond(exchange, 200, "text/javascript; charset=utf-8",
            is_compressed ? tow_client_script_gzip : tow_client_script,
            is_compressed ? tow_client_script_gzip_length : tow_client_script_length);
}

tow_handler tow_client_script_handler(void) {
    return (tow_handler){.on_request = answer};
}

static int make(tow_handler *handler, const void *settings, const tow_handler_place *place,
    char why[TOW_HANDLER_TEXT_MAX]) {
    (void)settings, (void)place, (void)why;
    *handler = tow_client_script_handler();
    return 0;
}

const tow_handler_kind tow_client_script_kind = {.name = "client-script", .make = make};
