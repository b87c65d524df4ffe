#include "protocol/frame.h"

#include <string.h>
#include <towline/error.h>

/* The seven-bit length says how many bytes of a longer one follow. */
static size_t extended_length_size(uint8_t short_length) {
    if (short_length < 126)
        return 0;
    return short_length == 126 ? 2 : 8;
}

static uint64_t read_big_endian(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | bytes[i];
    return value;
}

static void write_big_endian(uint8_t *bytes, size_t size, uint64_t value) {
    for (size_t i = size; i > 0; i--) {
        bytes[i - 1] = (uint8_t)value;
        value >>= 8;
    }
}

/* "The minimal number of bytes MUST be used to encode the length", and "the most significant bit MUST be 0".
 */
static int payload_length_check(uint64_t payload_length, size_t extended_size) {
    if (payload_length >> 63 != 0)
        return TOW_ERROR_LENGTH_TOO_LARGE;
    if (extended_size == 2 && payload_length < 126)
        return TOW_ERROR_LENGTH_NOT_MINIMAL;
    if (extended_size == 8 && payload_length < 65536)
        return TOW_ERROR_LENGTH_NOT_MINIMAL;
    return 0;
}

int tow_frame_header_read(tow_frame_header *header, const uint8_t *bytes, size_t length) {
    if (header == NULL || (bytes == NULL && length > 0))
        return TOW_ERROR_ARGUMENT;
    if (length < 2)
        return 0;
    uint8_t short_length = bytes[1] & 0x7f;
    bool masked = (bytes[1] & 0x80) != 0;
    size_t extended_size = extended_length_size(short_length);
    size_t key_at = 2 + extended_size;
    if (length < key_at)
        return 0;
    uint64_t payload_length = extended_size == 0 ? short_length : read_big_endian(bytes + 2, extended_size);
    int error = payload_length_check(payload_length, extended_size);
    if (error != 0)
        return error;
    if (masked && length < key_at + 4)
        return 0;
    *header = (tow_frame_header){.payload_length = payload_length,
        .opcode = bytes[0] & 0x0f,
        .reserved_bits = (bytes[0] >> 4) & 0x07,
        .final = (bytes[0] & 0x80) != 0,
        .masked = masked};
    if (masked)
        memcpy(header->masking_key, bytes + key_at, 4);
    return (int)(masked ? key_at + 4 : key_at);
}

size_t tow_frame_header_length(uint64_t payload_length, bool masked) {
    size_t length = masked ? 6 : 2;
    if (payload_length > 65535)
        return length + 8;
    return payload_length > 125 ? length + 2 : length;
}

/* Writes the seven-bit length without the mask bit, and a longer one where needed; returns where it ends. */
static size_t write_payload_length(uint8_t *out, uint64_t payload_length) {
    if (payload_length <= 125) {
        out[1] = (uint8_t)payload_length;
        return 2;
    }
    if (payload_length <= 65535) {
        out[1] = 126;
        write_big_endian(out + 2, 2, payload_length);
        return 4;
    }
    out[1] = 127;
    write_big_endian(out + 2, 8, payload_length);
    return 10;
}

size_t tow_frame_header_write(uint8_t out[TOW_FRAME_HEADER_MAX], const tow_frame_header *header) {
    if (out == NULL || header == NULL)
        return 0;
    out[0] =
        (uint8_t)((header->final ? 0x80 : 0) | (header->reserved_bits & 0x07) << 4 | (header->opcode & 0x0f));
    size_t length = write_payload_length(out, header->payload_length);
    if (!header->masked)
        return length;
    out[1] |= 0x80;
    memcpy(out + length, header->masking_key, 4);
    return length + 4;
}
