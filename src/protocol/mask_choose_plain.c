/* For processors without vector code of ours. */
#include "mask_implementations.h"

const tow_mask_implementation *tow_mask_best(void) {
    return &tow_mask_plain;
}

const tow_mask_implementation *tow_mask_implementation_at(size_t index) {
    return index == 0 ? &tow_mask_plain : NULL;
}
