#include "origin.h"

#include <stddef.h>

void tow_session_allow_origin(tow_exchange *exchange, const tow_request *request) {
    const char *origin = tow_request_header(request, "Origin");
    (void)tow_exchange_field(exchange, "Cache-Control", "no-store");
    if (origin == NULL)
        return;
    (void)tow_exchange_field(exchange, "Access-Control-Allow-Origin", origin);
    (void)tow_exchange_field(exchange, "Access-Control-Allow-Credentials", "true");
    (void)tow_exchange_field(exchange, "Vary", "Origin");
}

void tow_session_answer_preflight(tow_exchange *exchange, const tow_request *request, const char *methods) {
    const char *fields = tow_request_header(request, "Access-Control-Request-Headers");
    (void)tow_exchange_field(exchange, "Access-Control-Allow-Methods", methods);
    if (fields != NULL)
        (void)tow_exchange_field(exchange, "Access-Control-Allow-Headers", fields);
    if (tow_exchange_respond(exchange, 204, NULL, NULL, 0) != 0)
        tow_exchange_reset(exchange);
}
