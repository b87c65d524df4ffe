/* exchange_pieces: an answer that is begun, written to and ended, each when the handler has something to say.
 */
#include "exchange_state.h"
#include "report.h"

#include <towline/error.h>

void tow_exchange_tell_drain(tow_exchange *exchange) {
    const tow_limits *limits = tow_exchange_limits(exchange);
    if (!exchange->above_high || exchange->class->buffered(exchange) >= (size_t)limits->low_mark)
        return;
    exchange->above_high = false;
    if (exchange->kept && exchange->events.on_drain != NULL)
        exchange->events.on_drain(exchange, exchange->events.user);
}

int tow_exchange_begin(tow_exchange *exchange, int status, const char *type, int64_t length) {
    if (exchange == NULL || length < TOW_LENGTH_UNKNOWN)
        return TOW_ERROR_ARGUMENT;
    int error = tow_exchange_check_turn(exchange);
    if (error == 0)
        error = tow_exchange_write_head(
            exchange, &(tow_answer_head){.status = status, .type = type, .length = length}, NULL, 0);
    if (error != 0)
        return error;
    exchange->kept = exchange->in_pieces = true;
    exchange->left = length;
    tow_access_log_line(&exchange->log, TOW_LOG_INFO, status, NULL);
    tow_exchange_go_on(exchange);
    return 0;
}

/* Whether pieces may be written now: 0, STATE or CLOSED. */
static int check_pieces(const tow_exchange *exchange) {
    if (!exchange->in_pieces)
        return TOW_ERROR_STATE;
    return exchange->over ? TOW_ERROR_CLOSED : 0;
}

static int write_piece(tow_exchange *exchange, const void *data, size_t length) {
    const tow_limits *limits = tow_exchange_limits(exchange);
    if (exchange->left != TOW_LENGTH_UNKNOWN && length > (uint64_t)exchange->left)
        return TOW_ERROR_ARGUMENT;
    if (limits->max_queue != TOW_OFF && exchange->class->buffered(exchange) > (uint64_t)limits->max_queue)
        return TOW_ERROR_QUEUE_FULL;
    int error = length > 0 ? exchange->class->write(exchange, NULL, data, length) : 0;
    if (error != 0)
        return error;
    if (exchange->left != TOW_LENGTH_UNKNOWN)
        exchange->left -= (int64_t)length;
    if (limits->high_mark != TOW_OFF && exchange->class->buffered(exchange) > (uint64_t)limits->high_mark)
        exchange->above_high = true;
    return 0;
}

int tow_exchange_write(tow_exchange *exchange, const void *data, size_t length) {
    if (exchange == NULL || (data == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    int error = check_pieces(exchange);
    if (error == 0 && exchange->has_content)
        error = write_piece(exchange, data, length);
    if (error == 0)
        tow_exchange_go_on(exchange);
    return error;
}

int tow_exchange_end(tow_exchange *exchange) {
    if (exchange == NULL)
        return TOW_ERROR_ARGUMENT;
    int error = check_pieces(exchange);
    if (error == 0 && exchange->has_content && exchange->left > 0)
        error = TOW_ERROR_STATE;
    if (error == 0 && exchange->has_content && exchange->left == TOW_LENGTH_UNKNOWN)
        error = exchange->class->end(exchange);
    if (error != 0)
        return error;
    exchange->kept = exchange->in_pieces = false;
    tow_exchange_go_on(exchange);
    return 0;
}

size_t tow_exchange_buffered_amount(const tow_exchange *exchange) {
    return exchange == NULL || exchange->over ? 0 : exchange->class->buffered(exchange);
}

bool tow_exchange_is_above_high_mark(const tow_exchange *exchange) {
    return exchange->above_high;
}
