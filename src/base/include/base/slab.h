/* slab: slots of one size, found by a 32-bit number, that never move.
 *
 * Memory comes in blocks of many slots, so a slot costs its size and no more; a block of which no slot is
 * handed out goes, but for one. Numbers of freed slots are used again, the lowest blocks first, so that
 * others become empty. Not for several threads. */
#ifndef TOW_BASE_SLAB_H
#define TOW_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum { TOW_SLAB_BLOCK = 256 /* slots */ };

typedef struct tow_slab {
    uint8_t **blocks; /* NULL: that one has gone */
    struct tow_slab_block *states;
    uint32_t block_count;
    uint32_t used;  /* slots handed out now */
    uint32_t roomy; /* all blocks below this one are full */
    uint32_t empty; /* the block that may be empty and stays, plus one; 0: none */
    uint32_t slot_size;
} tow_slab;

/* `slot_size` is in bytes, at least 4 and a multiple of 8. Allocates nothing. */
void tow_slab_init(tow_slab *slab, size_t slot_size);
void tow_slab_clear(tow_slab *slab);

/* Hands out a zeroed slot and its number, or NULL when out of memory. */
void *tow_slab_take(tow_slab *slab, uint32_t *number);
void tow_slab_give(tow_slab *slab, uint32_t number);

/* The address of a slot that is handed out. */
void *tow_slab_at(const tow_slab *slab, uint32_t number);

/* The same of any slot; NULL: there is no memory for it, or it never was handed out. One that is free has its
 * bytes behind the first four as they were. */
void *tow_slab_find(const tow_slab *slab, uint32_t number);

/* All numbers that were handed out are below this one. */
static inline uint32_t tow_slab_end(const tow_slab *slab) {
    return slab->block_count * TOW_SLAB_BLOCK;
}

#endif
