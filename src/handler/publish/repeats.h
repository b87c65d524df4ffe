/* repeats: what was published with which idempotency key, so that a request that comes again, as its first
 * answer was lost, publishes nothing twice. It remembers the last keys, so many as it was made for, each for
 * TOW_REPEATS_SECONDS; but those under way until they are done. Any thread. */
#ifndef TOW_HANDLER_PUBLISH_REPEATS_H
#define TOW_HANDLER_PUBLISH_REPEATS_H

#include "base/slice.h"
#include "hub/position.h"

enum { TOW_REPEATS_DEFAULT = 8192, TOW_REPEATS_SECONDS = 600, TOW_REPEATS_DIGEST = 16 };

typedef struct tow_repeats tow_repeats;

typedef struct tow_repeat { /* what names a request: digests */
    unsigned char key[TOW_REPEATS_DIGEST];
    unsigned char request[TOW_REPEATS_DIGEST]; /* of all that it says */
} tow_repeat;

typedef struct tow_outcome {
    tow_position position; /* number 0: none is known */
    uint64_t count;        /* subscribers of one, or publications of many */
} tow_outcome;

typedef enum tow_repeats_verdict {
    TOW_REPEATS_NEW,  /* it is entered now, and under way: tow_repeats_end or tow_repeats_forget follows */
    TOW_REPEATS_DONE, /* the outcome is told */
    TOW_REPEATS_UNDER_WAY, /* its first time has not ended */
    TOW_REPEATS_OTHER,     /* the key had been used for another request */
    TOW_REPEATS_FULL       /* as many are under way as are remembered: later */
} tow_repeats_verdict;

/* For the last `max` keys, at least one. Errors of this and tow_repeat_make: MEMORY. */
int tow_repeats_new(tow_repeats **repeats, uint32_t max);
tow_repeats *tow_repeats_retain(tow_repeats *repeats);
void tow_repeats_release(tow_repeats *repeats); /* NULL is allowed */

/* Of what `owner` calls `key`; the parts with their lengths, so that none runs into the next. */
int tow_repeat_make(tow_repeat *repeat, tow_slice owner, tow_slice key, const tow_slice *parts, size_t count);

/* `now` in seconds. */
tow_repeats_verdict tow_repeats_begin(
    tow_repeats *repeats, const tow_repeat *repeat, int64_t now, tow_outcome *outcome);
void tow_repeats_end(tow_repeats *repeats, const tow_repeat *repeat, const tow_outcome *outcome);

/* Nothing was published: it may be tried again. */
void tow_repeats_forget(tow_repeats *repeats, const tow_repeat *repeat);

#endif
