/* history: the last publications of a channel, with numbers in a row, as many as its policy keeps. It knows
 * no clock and no lock: both are those of the channel. */
#ifndef TOW_HUB_HISTORY_H
#define TOW_HUB_HISTORY_H

#include "base/ring.h"
#include "hub/policy.h"
#include "made.h"

typedef struct tow_history { /* a ring of references, oldest first */
    tow_ring link; /* among those of a shard, the least recently published first; zeroed: not there */
    struct tow_history **home; /* where its channel has it */
    tow_published **items;
    size_t capacity; /* a power of two, or 0 */
    size_t first;
    size_t count;
    uint64_t bytes;
} tow_history;

/* An empty one, for a place in which there is none. Errors: MEMORY. */
int tow_history_new(tow_history **home);

/* What it holds goes, and itself: its home is empty then. */
void tow_history_free(tow_history *history);

/* Room for one more. Errors: MEMORY. */
int tow_history_reserve(tow_history *history);

/* Adds a reference; there is room. */
void tow_history_add(tow_history *history, tow_published *published);

/* Lets go of what is over a bound, or too old at this time (milliseconds since 1970). */
void tow_history_prune(tow_history *history, const tow_channel_policy *policy, int64_t now);

void tow_history_drop_oldest(tow_history *history);

tow_published *tow_history_at(const tow_history *history, size_t index);

#endif
