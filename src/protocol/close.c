#include "protocol/close.h"

#include "base/text.h"
#include "protocol/frame.h"
#include "protocol/mask.h"

#include <string.h>
#include <towline/error.h>

bool tow_close_code_is_orderly(unsigned code) {
    return code == TOW_CLOSE_NORMAL || code == TOW_CLOSE_GOING_AWAY || code == TOW_CLOSE_NO_STATUS;
}

bool tow_close_code_is_legal(unsigned code) {
    if (code >= 3000)
        return code <= 4999; /* RFC 6455, section 7.4.2: registered and private codes */
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

int tow_close_payload_read(
    const uint8_t *payload, size_t length, uint16_t *code, const char **reason, size_t *reason_length) {
    if ((payload == NULL && length > 0) || code == NULL || reason == NULL || reason_length == NULL)
        return TOW_ERROR_ARGUMENT;
    uint16_t received = TOW_CLOSE_NO_STATUS;
    if (length == 1)
        return TOW_ERROR_CLOSE_LENGTH;
    if (length >= 2) {
        received = (uint16_t)(payload[0] << 8 | payload[1]);
        if (!tow_close_code_is_legal(received))
            return TOW_ERROR_CLOSE_CODE;
        if (!tow_utf8_valid(payload + 2, length - 2))
            return TOW_ERROR_UTF8;
    }
    *code = received;
    *reason = length >= 2 ? (const char *)payload + 2 : "";
    *reason_length = length >= 2 ? length - 2 : 0;
    return 0;
}

size_t tow_close_payload_write(uint8_t out[125], uint16_t code, const char *reason, size_t reason_length) {
    if (out == NULL || code == 0 || code == TOW_CLOSE_NO_STATUS)
        return 0;
    size_t length = reason == NULL ? 0 : tow_text_cut(reason, reason_length, TOW_CLOSE_REASON_MAX);
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    if (length > 0)
        memcpy(out + 2, reason, length);
    return 2 + length;
}

uint16_t tow_close_code_for_error(int error) {
    if (error == TOW_ERROR_UTF8 || error == TOW_ERROR_COMPRESSED_DATA)
        return TOW_CLOSE_INVALID_PAYLOAD;
    if (error == TOW_ERROR_MESSAGE_TOO_LARGE)
        return TOW_CLOSE_TOO_LARGE;
    return error == TOW_ERROR_MEMORY ? TOW_CLOSE_INTERNAL_ERROR : TOW_CLOSE_PROTOCOL_ERROR;
}
