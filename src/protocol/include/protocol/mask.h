/* mask: unmasking and the UTF-8 check, in place, in one pass over the bytes (RFC 6455, sections 5.3 and 8.1).
 *
 * Vector code (AVX-512, AVX2, SSE4.1) is chosen at run time; the plain C twin beside it gives the same
 * results. `phase` is how many bytes of the payload came before: byte i is masked with key[(phase + i) % 4].
 */
#ifndef TOW_PROTOCOL_MASK_H
#define TOW_PROTOCOL_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a UTF-8 check stands between two pieces of a text: 0 at a character's border. Plain data, one byte.
 */
typedef uint8_t tow_utf8_state;

/* Masks or unmasks in place. */
void tow_mask(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase);

/* Copies masked. `to` and `from` do not overlap. */
void tow_mask_copy(uint8_t *to, const uint8_t *from, size_t length, const uint8_t key[4]);

/* Goes on with a check of UTF-8. Returns false at the first byte that no valid text can have at its place
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF); the state is then not usable any
 * more. */
bool tow_utf8_check(tow_utf8_state *state, const uint8_t *bytes, size_t length);

/* Both in one pass. After false the bytes are undefined. */
bool tow_unmask_utf8(
    uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase, tow_utf8_state *state);

/* A whole text. */
static inline bool tow_utf8_valid(const void *bytes, size_t length) {
    tow_utf8_state state = 0;
    return tow_utf8_check(&state, (const uint8_t *)bytes, length) && state == 0;
}

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
