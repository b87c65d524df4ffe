/* slab: slots of one size, found by a 32-bit number, that never move.
 *
 * Memory comes in blocks of many slots, so a slot costs its size and no more. Numbers of freed slots are
 * used again, last freed first. Not for several threads. */
#ifndef TOW_BASE_SLAB_H
#define TOW_BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

typedef struct tow_slab {
    uint8_t **blocks;
    uint32_t block_count;
    uint32_t used;      /* slots handed out now */
    uint32_t fresh;     /* slots below this number were handed out at least once */
    uint32_t free_slot; /* head of the list of freed slots plus one, 0 if none */
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

#endif
