#include "base/base64.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void triple_write(uint8_t *out, const uint8_t *bytes, size_t count) {
    unsigned value = (unsigned)bytes[0] << 16;
    value |= count > 1 ? (unsigned)bytes[1] << 8 : 0;
    value |= count > 2 ? bytes[2] : 0;
    for (size_t i = 0; i < 4; i++)
        out[i] = i <= count ? (uint8_t)alphabet[value >> (18 - 6 * i) & 63] : '=';
}

int tow_base64_append(tow_buffer *out, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    int error = tow_buffer_reserve(out, (length + 2) / 3 * 4);
    if (error != 0)
        return error;
    for (size_t i = 0; i < length; i += 3, out->length += 4)
        triple_write(out->data + out->length, from + i, length - i < 3 ? length - i : 3);
    return 0;
}

/* Six bits of either alphabet, or -1. */
static int bits_of(char character) {
    if (character >= 'A' && character <= 'Z')
        return character - 'A';
    if (character >= 'a' && character <= 'z')
        return character - 'a' + 26;
    if (character >= '0' && character <= '9')
        return character - '0' + 52;
    if (character == '+' || character == '-')
        return 62;
    return character == '/' || character == '_' ? 63 : -1;
}

/* Without the padding, which is whole or not there at all. */
static size_t length_without_padding(tow_slice text) {
    size_t length = text.length;
    if (length % 4 == 0 && length > 0 && text.data[length - 1] == '=')
        length -= text.data[length - 2] == '=' ? 2 : 1;
    return length;
}

bool tow_base64_read(void *out, size_t *length, tow_slice text) {
    uint8_t *at = out;
    size_t characters = length_without_padding(text);
    unsigned value = 0, have = 0;
    if (characters % 4 == 1)
        return false;
    for (size_t i = 0; i < characters; i++) {
        int bits = bits_of(text.data[i]);
        if (bits < 0)
            return false;
        value = (value << 6 | (unsigned)bits) & 0xFFFF;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        *at++ = (uint8_t)(value >> have & 0xFF);
    }
    *length = (size_t)(at - (uint8_t *)out);
    return true;
}
