#include "protocol/mask.h"

#include "mask_implementations.h"

void tow_mask(uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase) {
    if (bytes == NULL || key == NULL)
        return;
    tow_mask_best()->mask(bytes, length, key, phase);
}

void tow_mask_copy(uint8_t *to, const uint8_t *from, size_t length, const uint8_t key[4]) {
    if (to == NULL || from == NULL || key == NULL)
        return;
    tow_mask_best()->mask_copy(to, from, length, key);
}

bool tow_utf8_check(tow_utf8_state *state, const uint8_t *bytes, size_t length) {
    if (state == NULL || (bytes == NULL && length > 0))
        return false;
    return tow_mask_best()->utf8_check(state, bytes, length);
}

bool tow_unmask_utf8(
    uint8_t *bytes, size_t length, const uint8_t key[4], uint64_t phase, tow_utf8_state *state) {
    return tow_mask_best()->unmask_utf8(bytes, length, key, phase, state);
}
