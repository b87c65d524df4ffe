/* mask_implementations: the ways to mask and check that mask.c chooses from. */
#ifndef TOW_PROTOCOL_MASK_IMPLEMENTATIONS_H
#define TOW_PROTOCOL_MASK_IMPLEMENTATIONS_H

#include "protocol/mask.h"

/* 64-bit words, any processor. */
extern const tow_mask_implementation tow_mask_plain;

/* Vector instructions; only where the processor has them. */
extern const tow_mask_implementation tow_mask_sse;
extern const tow_mask_implementation tow_mask_avx2;
extern const tow_mask_implementation tow_mask_avx512;

/* The best one for this processor. Cheap: asked at each call, so that no global changes. */
const tow_mask_implementation *tow_mask_best(void);

#endif
