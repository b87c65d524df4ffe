#include "websocket/cause.h"

#include "protocol/close.h"

#include <stddef.h>
#include <towline/error.h>

static const struct {
    const char *name;
    const char *reason;
    tow_ender ender;
    uint16_t code;
} causes[] = {
#define ROW(cause, by, label, status, text)                                                                  \
    [TOW_CAUSE_##cause] = {.name = (label), .reason = (text), .ender = TOW_ENDED_BY_##by, .code = (status)},
    TOW_CAUSES(ROW)
#undef ROW
};

tow_ender tow_cause_ender(tow_cause cause) {
    return causes[cause].ender;
}

const char *tow_cause_name(tow_cause cause) {
    return causes[cause].name;
}

uint16_t tow_cause_code(tow_cause cause, int error) {
    return causes[cause].code == TOW_CODE_OF_ERROR ? tow_close_code_for_error(error) : causes[cause].code;
}

const char *tow_cause_reason(tow_cause cause, int error) {
    return causes[cause].reason != NULL ? causes[cause].reason : tow_strerror(error);
}

tow_cause tow_cause_of_error(int error) {
    switch (error) {
    case TOW_ERROR_RESET:
        return TOW_CAUSE_PEER_RESET;
    case TOW_ERROR_ENDED:
        return TOW_CAUSE_PEER_END;
    case TOW_ERROR_TLS:
    case TOW_ERROR_CERTIFICATE:
        return TOW_CAUSE_TLS;
    case TOW_ERROR_MEMORY:
        return TOW_CAUSE_MEMORY;
    case TOW_ERROR_QUEUE_FULL:
        return TOW_CAUSE_MAX_QUEUE;
    case TOW_ERROR_MESSAGE_TOO_LARGE:
        return TOW_CAUSE_MAX_MESSAGE;
    case TOW_ERROR_UTF8:
    case TOW_ERROR_COMPRESSED_DATA:
        return TOW_CAUSE_INVALID_PAYLOAD;
    default:
        return error <= TOW_ERROR_RESERVED_BITS && error >= TOW_ERROR_CLOSE_CODE ? TOW_CAUSE_PROTOCOL_ERROR
                                                                                 : TOW_CAUSE_NETWORK;
    }
}
