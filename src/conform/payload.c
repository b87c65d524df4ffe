#include "cases.h"

#include <stdlib.h>
#include <string.h>

static void fill_ascii(uint8_t *out, size_t size) {
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)('!' + i % 94);
}

static void fill_unicode(uint8_t *out, size_t size) {
    /* é, €, and a musical clef: two, three and four bytes, with an ASCII letter before them */
    static const uint8_t pattern[] = {'a', 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9d, 0x84, 0x9e};
    size_t whole = size / sizeof(pattern) * sizeof(pattern);
    for (size_t i = 0; i < whole; i++)
        out[i] = pattern[i % sizeof(pattern)];
    fill_ascii(out + whole, size - whole);
}

static void fill_binary(uint8_t *out, size_t size) {
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(i % 251);
}

/* xorshift64*: a fixed start, so that every run sends the same; from `period` on it repeats. */
static void fill_random(uint8_t *out, size_t size, size_t period) {
    uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < size; i++) {
        if (period > 0 && i >= period) {
            out[i] = out[i - period];
            continue;
        }
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        out[i] = (uint8_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 56);
    }
}

uint8_t *tow_conform_case_payload_make(const case_payload *payload) {
    uint8_t *out = calloc(payload->size + 1, 1);
    if (out == NULL)
        return NULL;
    switch (payload->kind) {
    case PAYLOAD_LITERAL:
        if (payload->size > 0)
            memcpy(out, payload->literal, payload->size);
        break;
    case PAYLOAD_ASCII:
        fill_ascii(out, payload->size);
        break;
    case PAYLOAD_UNICODE:
        fill_unicode(out, payload->size);
        break;
    case PAYLOAD_BINARY:
        fill_binary(out, payload->size);
        break;
    case PAYLOAD_RANDOM:
        fill_random(out, payload->size, payload->period);
        break;
    case PAYLOAD_ZEROS:
        break;
    }
    return out;
}
