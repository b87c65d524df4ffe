#include "decoder.h"

#include <string.h>

static uint64_t big_endian(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 256 + bytes[i];
    return value;
}

bool tow_conform_wire_frame_read(wire_frame *frame, const uint8_t *bytes, size_t length) {
    if (length < 2)
        return false;
    frame->final = bytes[0] & 0x80;
    frame->reserved_bits = (bytes[0] >> 4) & 7;
    frame->opcode = bytes[0] & 15;
    frame->masked = bytes[1] & 0x80;
    uint8_t short_length = bytes[1] & 0x7f;
    frame->length_bytes = short_length == 127 ? 9 : short_length == 126 ? 3 : 1;
    size_t header = 1 + (size_t)frame->length_bytes + (frame->masked ? 4 : 0);
    if (length < header)
        return false;
    frame->length =
        frame->length_bytes == 1 ? short_length : big_endian(bytes + 2, (size_t)frame->length_bytes - 1);
    if (frame->masked)
        memcpy(frame->masking_key, bytes + header - 4, 4);
    else
        memset(frame->masking_key, 0, 4);
    if (frame->length > length - header)
        return false;
    frame->payload = bytes + header;
    frame->size = header + (size_t)frame->length;
    return true;
}

bool tow_conform_wire_frame_is_minimal(const wire_frame *frame) {
    uint8_t needed = frame->length <= 125 ? 1 : frame->length <= 0xffff ? 3 : 9;
    return frame->length_bytes == needed;
}

void tow_conform_wire_frame_payload(const wire_frame *frame, uint8_t *out) {
    for (size_t i = 0; i < frame->length; i++)
        out[i] = frame->payload[i] ^ frame->masking_key[i % 4];
}

/* One row of the syntax in RFC 3629, section 4: a first byte and what may stand second; the rest are tails.
 */
static const struct utf8_row {
    uint8_t first_from, first_to, second_from, second_to, length;
} utf8_rows[] = {
    {0x00, 0x7f, 0x00, 0x00, 1},
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_tail(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/* The length of the character at the front, 0 if there is none. */
static size_t character_length(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
        const struct utf8_row *row = &utf8_rows[i];
        if (bytes[0] < row->first_from || bytes[0] > row->first_to)
            continue;
        if (row->length > length)
            return 0;
        if (row->length > 1 && (bytes[1] < row->second_from || bytes[1] > row->second_to))
            return 0;
        for (size_t tail = 2; tail < row->length; tail++) {
            if (!is_tail(bytes[tail]))
                return 0;
        }
        return row->length;
    }
    return 0;
}

bool tow_conform_wire_utf8_is_valid(const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length;) {
        size_t step = character_length(bytes + at, length - at);
        if (step == 0)
            return false;
        at += step;
    }
    return true;
}

bool tow_conform_wire_close_code_is_legal(unsigned code) {
    if (code >= 1000 && code <= 1014)
        return code != 1004 && code != 1005 && code != 1006;
    return code >= 3000 && code <= 4999;
}
