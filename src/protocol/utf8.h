/* utf8: the check of UTF-8 a byte at a time, exact at every byte (RFC 3629, section 4).
 *
 * A state is the position of its six bits in a byte's row of the table; the row holds for each state the one
 * that follows. So a step is a shift, and the steps of a text hang together by one shift a byte. */
#ifndef TOW_PROTOCOL_UTF8_H
#define TOW_PROTOCOL_UTF8_H

#include <stddef.h>
#include <stdint.h>

enum { TOW_UTF8_BORDER = 0, TOW_UTF8_REJECT = 48 };

extern const uint64_t tow_utf8_rows[256];

/* Goes on from `state` to the state after the bytes; once TOW_UTF8_REJECT, always so. */
static inline uint64_t tow_utf8_walk(uint64_t state, const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < length; i++)
        state = tow_utf8_rows[bytes[i]] >> (state & 63);
    return state & 63;
}

#endif
