/* close: status codes and the payload of a Close frame (RFC 6455, sections 5.5.1 and 7.4). */
#ifndef TOW_PROTOCOL_CLOSE_H
#define TOW_PROTOCOL_CLOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOW_CLOSE_NORMAL = 1000,
    TOW_CLOSE_GOING_AWAY = 1001,
    TOW_CLOSE_PROTOCOL_ERROR = 1002,
    TOW_CLOSE_UNSUPPORTED_DATA = 1003,
    TOW_CLOSE_NO_STATUS = 1005, /* never on the wire */
    TOW_CLOSE_ABNORMAL = 1006,  /* never on the wire */
    TOW_CLOSE_INVALID_PAYLOAD = 1007,
    TOW_CLOSE_POLICY = 1008,
    TOW_CLOSE_TOO_LARGE = 1009,
    TOW_CLOSE_MANDATORY_EXTENSION = 1010,
    TOW_CLOSE_INTERNAL_ERROR = 1011
};

/* Whether a status code may stand in a Close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
bool tow_close_code_is_legal(unsigned code);

/* Reads a Close frame's payload. An empty one gives 1005. Errors: CLOSE_LENGTH, CLOSE_CODE, UTF8. */
int tow_close_payload_read(
    const uint8_t *payload, size_t length, uint16_t *code, const char **reason, size_t *reason_length);

/* Writes a payload; code 0 or 1005 gives an empty one. The reason is cut at 123 bytes at a character's
 * border. */
size_t tow_close_payload_write(uint8_t out[125], uint16_t code, const char *reason, size_t reason_length);

/* The status code with which to fail a connection after an error of the receiver or the inflater: 1002, 1007
 * (UTF8, COMPRESSED_DATA), 1009 (MESSAGE_TOO_LARGE) or 1011 (MEMORY). */
uint16_t tow_close_code_for_error(int error);

#endif
