/* position: a place in what was published to a channel: the number of a publication within an epoch.
 *
 * A channel begins with number 0: nothing was published. The first publication has number 1. What is not
 * numbered (a publication that is not kept, an event of presence) has 0. A channel that goes before anything
 * was numbered begins again in the same epoch if nothing was published meanwhile either; otherwise epochs are
 * never the same twice, so that a number of another life of the channel is seen to be one. */
#ifndef TOW_HUB_POSITION_H
#define TOW_HUB_POSITION_H

#include "base/slice.h"

#include <stdint.h>

typedef struct tow_position {
    uint64_t epoch; /* never 0: {0} is none */
    uint64_t number;
} tow_position;

/* "EPOCH:NUMBER": eleven characters (letters, digits, "-" and "_") and a decimal number. */
enum { TOW_EPOCH_LENGTH = 11, TOW_POSITION_TEXT_SIZE = TOW_EPOCH_LENGTH + 1 + 20 + 1 };

/* Writes it with its final zero, and returns the length without it. */
size_t tow_position_write(char text[TOW_POSITION_TEXT_SIZE], const tow_position *position);

/* The epoch alone. */
void tow_epoch_write(char text[TOW_EPOCH_LENGTH + 1], uint64_t epoch);

/* Strictly what was written: no spaces, no sign, no leading zeros, no more than 64 bits. Errors: ARGUMENT. */
int tow_position_read(tow_position *position, tow_slice text);
int tow_epoch_read(uint64_t *epoch, tow_slice text);

#endif
