/* batch: what was left at a place, while it fills; and then what is being delivered there, in pieces that go
 * out together (bursts), to one subscriber after another. */
#ifndef TOW_HUB_BATCH_H
#define TOW_HUB_BATCH_H

#include "burst.h"

typedef struct tow_batch {
    uint32_t capacity;
    uint32_t count;
    uint32_t at;      /* the first of the piece that is being delivered */
    unsigned events;  /* in the piece: flags of the subscriptions that all of it is for */
    bool has_senders; /* somebody is left out */
    uint32_t weight;  /* what delivering it once is, as work */
    tow_burst piece;
    tow_burst messages;     /* without the events */
    tow_published *items[]; /* references */
} tow_batch;

/* Room for one more; `*batch` may be NULL before. Errors: MEMORY. */
int tow_batch_reserve(tow_batch **batch);

/* Adds a reference; there is room. */
void tow_batch_add(tow_batch *batch, tow_published *published);

/* Begins the next piece. False: there is none. */
bool tow_batch_begin_piece(tow_batch *batch);

/* The orders of the piece. */
static inline uint64_t tow_batch_first_order(const tow_batch *batch) {
    return batch->piece.items[0]->order;
}
static inline uint64_t tow_batch_last_order(const tow_batch *batch) {
    return batch->piece.items[batch->piece.count - 1]->order;
}

/* The messages of the piece, which has events, without these; NULL: there are none, or no memory, which
 * *failed tells. */
tow_burst *tow_batch_messages(tow_batch *batch, bool *failed);

/* What it counts as pending. */
size_t tow_batch_size(const tow_batch *batch);

/* NULL is allowed. */
void tow_batch_free(tow_batch *batch);

#endif
