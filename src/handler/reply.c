#include "reply.h"

#include "http/response.h"

#include <stdio.h>
#include <string.h>
#include <towline/error.h>

int tow_reply_fields(tow_exchange *exchange, const tow_header_field *fields, size_t count) {
    int error = 0;
    for (size_t i = 0; i < count && error == 0; i++) {
        if (fields[i].value != NULL)
            error = tow_exchange_field(exchange, fields[i].name, fields[i].value);
    }
    return error;
}

void tow_reply_status(tow_exchange *exchange, int status) {
    char text[64];
    snprintf(text, sizeof(text), "%d %s\n", status, tow_http_reason(status));
    tow_exchange_respond(exchange, status, "text/plain; charset=utf-8", text, strlen(text));
}

void tow_reply_method(tow_exchange *exchange, const char *allowed) {
    const tow_header_field field = {"Allow", allowed};
    tow_reply_status(exchange, tow_reply_fields(exchange, &field, 1) == 0 ? 405 : 503);
}

bool tow_reply_is_reading(tow_exchange *exchange, const tow_request *request) {
    const char *method = tow_request_method(request);
    bool is_reading = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    if (!is_reading)
        tow_reply_method(exchange, "GET, HEAD");
    return is_reading;
}

int tow_status_of_error(int error) {
    switch (error) {
    case TOW_ERROR_NAME_NOT_FOUND:
        return 404;
    case TOW_ERROR_PERMISSION:
        return 403;
    case TOW_ERROR_MEMORY:
    case TOW_ERROR_DESCRIPTORS:
        return 503;
    default:
        return 500;
    }
}
