/* frame: the header of a frame, read and written (RFC 6455, section 5.2).
 *
 * Bytes in, a plain struct out, and back. Knows the wire format, not what is allowed when: that is the
 * receiver's. */
#ifndef TOW_PROTOCOL_FRAME_H
#define TOW_PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tow_opcode {
    TOW_OPCODE_CONTINUATION = 0,
    TOW_OPCODE_TEXT = 1,
    TOW_OPCODE_BINARY = 2,
    TOW_OPCODE_CLOSE = 8,
    TOW_OPCODE_PING = 9,
    TOW_OPCODE_PONG = 10
} tow_opcode;

/* Which end of the connection this is: a client's frames are masked, a server's are not. */
typedef enum tow_role { TOW_ROLE_SERVER, TOW_ROLE_CLIENT } tow_role;

enum {
    TOW_FRAME_HEADER_MAX = 14,
    TOW_CONTROL_PAYLOAD_MAX = 125,
    TOW_CLOSE_REASON_MAX = 123,
    TOW_RSV1 = 4, /* in tow_frame_header.reserved_bits */
    TOW_RSV2 = 2,
    TOW_RSV3 = 1
};

typedef struct tow_frame_header {
    uint64_t payload_length;
    uint8_t opcode; /* any of the 16 */
    uint8_t reserved_bits;
    bool final;
    bool masked;
    uint8_t masking_key[4];
} tow_frame_header;

/* Reads a header from the front of `bytes`. Returns its length in bytes (2 to 14), 0 when there are too few
 * bytes to know, LENGTH_NOT_MINIMAL or LENGTH_TOO_LARGE. */
int tow_frame_header_read(tow_frame_header *header, const uint8_t *bytes, size_t length);

/* Writes a header; returns its length in bytes, 2 to 14. */
size_t tow_frame_header_write(uint8_t out[TOW_FRAME_HEADER_MAX], const tow_frame_header *header);

/* How long tow_frame_header_write's result is for this payload. */
size_t tow_frame_header_length(uint64_t payload_length, bool masked);

static inline bool tow_opcode_is_control(uint8_t opcode) {
    return opcode >= 8;
}

#endif
