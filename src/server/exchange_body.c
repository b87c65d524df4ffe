/* exchange_body: the body of a request, for a handler that asks for it: whole, or as it comes. */
#include "exchange_state.h"

#include <towline/error.h>

/* Whether the body may be asked for. */
static int check_body(const tow_exchange *exchange) {
    int error = tow_exchange_check_turn(exchange);
    bool is_asked = exchange->admission == TOW_ADMISSION_ASKED;
    if (error == 0 && (exchange->wanted_body || is_asked || exchange->work.step != NULL))
        error = TOW_ERROR_STATE;
    return error;
}

static void want_body(tow_exchange *exchange, void *user) {
    exchange->wants_body = exchange->wanted_body = true;
    exchange->body_user = user;
    tow_exchange_go_on(exchange);
}

int tow_exchange_read_body(tow_exchange *exchange, size_t limit,
    void (*on_body)(tow_exchange *exchange, void *user, const void *body, size_t length), void *user) {
    if (exchange == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = check_body(exchange);
    if (error != 0)
        return error;
    if (on_body == NULL)
        return TOW_ERROR_ARGUMENT;
    exchange->body_limit = limit;
    exchange->on_body = on_body;
    want_body(exchange, user);
    return 0;
}

int tow_exchange_read_pieces(tow_exchange *exchange,
    void (*on_piece)(tow_exchange *exchange, void *user, const void *data, size_t length, bool is_last),
    void *user) {
    if (exchange == NULL || on_piece == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = check_body(exchange);
    if (error != 0)
        return error;
    exchange->body_limit = SIZE_MAX;
    exchange->on_piece = on_piece;
    want_body(exchange, user);
    return 0;
}

static void set_paused(tow_exchange *exchange, bool paused) {
    if (exchange == NULL || !exchange->wants_body || exchange->over || exchange->body_paused == paused)
        return;
    exchange->body_paused = paused;
    tow_exchange_go_on(exchange);
}

void tow_exchange_pause(tow_exchange *exchange) {
    set_paused(exchange, true);
}

void tow_exchange_resume(tow_exchange *exchange) {
    set_paused(exchange, false);
}
