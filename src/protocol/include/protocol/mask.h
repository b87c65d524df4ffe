/* mask: unmasking and the UTF-8 check, in place, in one pass over the bytes (RFC 6455, sections 5.3 and 8.1).
 *
 * Vector code (AVX-512, AVX2, SSE4.1) is chosen at run time; the plain C twin beside it gives the same
 * results. `phase` is how many bytes of the payload came before: byte i is masked with key[(phase + i) % 4].
 * What users may call too (tow_mask, tow_mask_copy, tow_utf8_check) is declared in towline/protocol.h. */
#ifndef TOW_PROTOCOL_MASK_H
#define TOW_PROTOCOL_MASK_H

#include <towline/protocol.h>

/* Unmasking and the check in one pass. After false the bytes are undefined. */
bool tow_unmask_utf8(
    uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase, tow_utf8_state *state);

/* For tests and benchmarks: the implementations this machine can run, "plain" first; and the same functions
 * by number. Returns false past the last. */
typedef struct tow_mask_implementation {
    const char *name;
    void (*mask)(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase);
    void (*mask_copy)(uint8_t *to, const uint8_t *from, size_t length, const uint8_t key[4]);
    bool (*utf8_check)(tow_utf8_state *state, const uint8_t *bytes, size_t length);
    bool (*unmask_utf8)(
        uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase, tow_utf8_state *state);
} tow_mask_implementation;
const tow_mask_implementation *tow_mask_implementation_at(size_t index); /* NULL past the last */

#endif
