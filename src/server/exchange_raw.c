#include "server/exchange_raw.h"

#include "exchange_state.h"
#include "report.h"

#include <towline/error.h>

static int check(const tow_exchange *exchange) {
    int error = tow_exchange_check_turn(exchange);
    return error == 0 && exchange->admission != TOW_ADMISSION_ASKED ? TOW_ERROR_STATE : error;
}

int tow_exchange_write_bytes(tow_exchange *exchange, const void *bytes, size_t length) {
    int error = check(exchange);
    if (error == 0)
        error = exchange->class->write_bytes(exchange, bytes, length);
    if (error != 0)
        return error;
    const tow_limits *limits = tow_exchange_limits(exchange);
    if (limits->high_mark != TOW_OFF && exchange->class->buffered(exchange) > (uint64_t)limits->high_mark)
        exchange->above_high = true;
    tow_exchange_go_on(exchange);
    return 0;
}

int tow_exchange_read_bytes(tow_exchange *exchange, size_t count,
    void (*on_bytes)(tow_exchange *exchange, void *user, const void *bytes, size_t length), void *user) {
    int error = check(exchange);
    if (error == 0 && exchange->raw_wanted > 0)
        error = TOW_ERROR_STATE;
    if (error != 0 || count == 0)
        return error;
    exchange->raw_wanted = count;
    exchange->on_raw = on_bytes;
    exchange->body_user = user;
    tow_exchange_go_on(exchange);
    return 0;
}

int tow_exchange_add_lines(tow_exchange *exchange, const char *lines, size_t length) {
    int error = check(exchange);
    return error != 0 ? error : tow_buffer_append(&exchange->fields, lines, length);
}

int tow_exchange_decline_compression(tow_exchange *exchange) {
    int error = check(exchange);
    if (error == 0)
        exchange->uncompressed = true;
    return error;
}

int tow_exchange_hang_up(tow_exchange *exchange) {
    int error = check(exchange);
    if (error != 0)
        return error;
    tow_access_log_line(&exchange->log, TOW_LOG_INFO, 0, "the handler ended the connection");
    tow_count(&tow_exchange_counters(exchange)->handshakes_refused);
    exchange->admission = TOW_ADMISSION_NONE;
    exchange->answered = exchange->is_last = true;
    exchange->kept = false;
    exchange->raw_wanted = 0;
    exchange->class->end_all(exchange);
    tow_exchange_go_on(exchange);
    return 0;
}

int tow_exchange_local(const tow_exchange *exchange, char *text, size_t size) {
    return tow_stream_local_text(tow_connection_stream(exchange->visitor.connection), text, size);
}
