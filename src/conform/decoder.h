/* decoder: the judge's own reading of frames and of UTF-8 (RFC 6455, section 5.2; RFC 3629).
 *
 * Written for being obviously right, not fast, and without a line of src/protocol/, so that the judge can't
 * share a fault with what it judges. It takes whatever a peer sends, however wrong: the rules are checked by
 * the cases. */
#ifndef TOW_CONFORM_DECODER_H
#define TOW_CONFORM_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct wire_frame {
    bool final;
    uint8_t reserved_bits; /* RSV1 is 4 */
    uint8_t opcode;
    bool masked;
    uint8_t masking_key[4];
    uint8_t length_bytes; /* 1, 3 or 9: how the length was written */
    uint64_t length;
    const uint8_t *payload; /* as on the wire, still masked */
    size_t size;            /* header and payload */
} wire_frame;

/* Reads the frame at the front of the bytes; false while it is not complete. */
bool tow_conform_wire_frame_read(wire_frame *frame, const uint8_t *bytes, size_t length);

/* Whether the length was written in as few bytes as it needs. */
bool tow_conform_wire_frame_is_minimal(const wire_frame *frame);

/* Copies the payload without its mask; `out` has room for frame->length bytes. */
void tow_conform_wire_frame_payload(const wire_frame *frame, uint8_t *out);

/* Whether the bytes are UTF-8, by the table of RFC 3629, section 4. */
bool tow_conform_wire_utf8_is_valid(const uint8_t *bytes, size_t length);

/* Whether a Close frame may carry this status code (RFC 6455, section 7.4, and the registry of codes). */
bool tow_conform_wire_close_code_is_legal(unsigned code);

#endif
