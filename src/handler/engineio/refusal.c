#include "refusal.h"

#include <string.h>
#include <towline/error.h>

tow_session_visit_answer tow_engineio_refusal(int code) {
    static const char *const bodies[] = {"{\"code\":0,\"message\":\"Transport unknown\"}",
        "{\"code\":1,\"message\":\"Session ID unknown\"}",
        "{\"code\":2,\"message\":\"Bad handshake method\"}", "{\"code\":3,\"message\":\"Bad request\"}",
        "{\"code\":4,\"message\":\"this path speaks WebSocket only\"}",
        "{\"code\":5,\"message\":\"Unsupported protocol version\"}"};
    return (tow_session_visit_answer){.status = code == 4 ? 403 : 400,
        .type = "application/json",
        .body = bodies[code],
        .length = strlen(bodies[code])};
}

void tow_engineio_respond(tow_exchange *exchange, const tow_session_visit_answer *answer) {
    if (tow_exchange_respond(exchange, answer->status, answer->type, answer->body, answer->length) != 0)
        tow_exchange_reset(exchange);
}

void tow_engineio_refuse(tow_exchange *exchange, int code) {
    tow_session_visit_answer answer = tow_engineio_refusal(code);
    tow_engineio_respond(exchange, &answer);
}

/* With its message alone, for who only shows it. */
void tow_engineio_refuse_opening(tow_exchange *exchange, int code) {
    static const char *const messages[] = {"Transport unknown", "Session ID unknown", "Bad handshake method",
        "Bad request", "this path speaks WebSocket only", "Unsupported protocol version"};
    (void)tow_exchange_reject(exchange, 400, messages[code]);
}

void tow_engineio_refuse_session(tow_exchange *exchange, int error) {
    if (error == TOW_ERROR_UNSUPPORTED)
        tow_engineio_refuse(exchange, 4);
    else if (error == TOW_ERROR_LIMIT)
        (void)tow_exchange_reject(exchange, 503, "too many sessions");
    else
        (void)tow_exchange_reject(exchange, 503, tow_strerror(error));
}
