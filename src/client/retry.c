#include "retry.h"

#include "http/date.h"

#include <towline/error.h>

enum {
    AFTER_MAX_SECONDS = 60 * 60,
    STATUS_REQUEST_TIMEOUT = 408,
    STATUS_TOO_MANY_REQUESTS = 429,
    CLOSE_NORMAL = 1000,
    CLOSE_NO_CODE = 1005,
    /* Registered with IANA behind RFC 6455. */
    CLOSE_UNAUTHORIZED = 3000,
    CLOSE_FORBIDDEN = 3003
};

/* An answer that is no refusal for the moment would be given again. */
static bool is_passing(int http_status) {
    return http_status >= 500 || http_status == STATUS_REQUEST_TIMEOUT ||
           http_status == STATUS_TOO_MANY_REQUESTS;
}

bool tow_retry_may_help(int error, int http_status) {
    if (http_status != 0)
        return is_passing(http_status);
    switch (error) {
    case TOW_ERROR_ARGUMENT:
    case TOW_ERROR_UNSUPPORTED:
    case TOW_ERROR_ADDRESS:
    case TOW_ERROR_URL:
    case TOW_ERROR_CERTIFICATE:
    case TOW_ERROR_HANDSHAKE_UPGRADE:
    case TOW_ERROR_HANDSHAKE_CONNECTION:
    case TOW_ERROR_HANDSHAKE_ACCEPT:
    case TOW_ERROR_HANDSHAKE_PROTOCOL:
    case TOW_ERROR_HANDSHAKE_EXTENSION:
        return false;
    default: /* the network and the server may be better next time */
        return true;
    }
}

bool tow_retry_ends_at(uint16_t code, tow_after_clean_close after) {
    switch (after) {
    case TOW_AFTER_CLEAN_CLOSE_RECONNECT:
        return false;
    case TOW_AFTER_CLEAN_CLOSE_END:
        return true;
    case TOW_AFTER_CLEAN_CLOSE_BY_CODE:
        break;
    }
    return code == CLOSE_NORMAL || code == CLOSE_NO_CODE || code == CLOSE_UNAUTHORIZED ||
           code == CLOSE_FORBIDDEN;
}

/* Full jitter: any time up to a bound that doubles. */
int64_t tow_retry_delay(const tow_reconnector_options *options, int attempt, uint64_t random) {
    int64_t max = options->max_milliseconds == TOW_OFF ? INT32_MAX : options->max_milliseconds;
    int64_t bound = options->first_milliseconds;
    if (bound == TOW_OFF)
        return 0;
    for (int i = 1; i < attempt && bound < max; i++)
        bound *= 2;
    if (bound > max)
        bound = max;
    return (int64_t)(random % ((uint64_t)bound + 1));
}

/* RFC 9110, section 10.2.3: seconds, or a date. */
int tow_retry_after(tow_slice field, int64_t now) {
    int64_t seconds = 0;
    size_t digits = 0;
    for (; digits < field.length && field.data[digits] >= '0' && field.data[digits] <= '9'; digits++)
        if (seconds <= AFTER_MAX_SECONDS)
            seconds = seconds * 10 + (field.data[digits] - '0');
    if (digits == 0 || digits < field.length) {
        int64_t date = field.length == 0 ? -1 : tow_http_date_read(field.data, field.length);
        seconds = date > now ? date - now : 0;
    }
    return (int)(seconds < AFTER_MAX_SECONDS ? seconds : AFTER_MAX_SECONDS);
}
