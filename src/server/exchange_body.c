/* exchange_body: the body of a request, for a handler that asks for it: whole, or as it comes. */
#include "exchange_state.h"

#include "base/text.h"
#include "report.h"

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

/* Ends the wish for it. */
static void refuse(
    tow_exchange *exchange, uint64_t *limit, int status, const char *text, const char *advice) {
    exchange->wants_body = false;
    tow_exchange_drop_body(exchange);
    tow_exchange_tell_gone(exchange);
    if (limit != NULL)
        tow_access_log_limit(&exchange->log, limit);
    tow_exchange_refuse(exchange, status, text, advice);
}

/* An option is named only where it is the limit. */
void tow_exchange_refuse_body(tow_exchange *exchange) {
    char advice[100];
    tow_text_format(advice, sizeof(advice), "the body has more than the %zu bytes that the handler takes",
        exchange->body_limit);
    bool by_option = (int64_t)exchange->body_limit == tow_exchange_limits(exchange)->max_message;
    refuse(exchange, by_option ? &tow_exchange_counters(exchange)->bodies_too_large : NULL, 413,
        "the body is too large", advice);
}

void tow_exchange_take_body(tow_exchange *exchange, tow_slice part) {
    tow_buffer *body = &exchange->body;
    tow_server_counters *counted = tow_exchange_counters(exchange);
    if (part.length > exchange->body_limit - body->length) {
        tow_exchange_refuse_body(exchange);
        return;
    }
    tow_cause over = tow_exchange_hold(exchange, body->length + part.length);
    if (over == TOW_CAUSE_MAX_UNFINISHED)
        refuse(exchange, &counted->unfinished, 503, "too many bodies are under way", NULL);
    else if (over != TOW_CAUSE_COUNT)
        refuse(exchange, &counted->unfinished_per_address, 503,
            "too many bodies of this address are under way", NULL);
    else if (tow_buffer_append(body, part.data, part.length) != 0)
        tow_exchange_fail(exchange);
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
