#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_SLOTS = 256 };

void tow_slab_init(tow_slab *slab, size_t slot_size) {
    *slab = (tow_slab){.slot_size = (uint32_t)slot_size};
}

void tow_slab_clear(tow_slab *slab) {
    for (uint32_t i = 0; i < slab->block_count; i++)
        free(slab->blocks[i]);
    free(slab->blocks);
    tow_slab_init(slab, slab->slot_size);
}

void *tow_slab_at(const tow_slab *slab, uint32_t number) {
    return slab->blocks[number / BLOCK_SLOTS] + (size_t)(number % BLOCK_SLOTS) * slab->slot_size;
}

static int add_block(tow_slab *slab) {
    uint8_t **blocks = realloc(slab->blocks, (slab->block_count + 1) * sizeof(*blocks));
    if (blocks == NULL)
        return -1;
    slab->blocks = blocks;
    /* Cache lines are 64 bytes: a slot of two lines should be two lines. */
    size_t size = (size_t)BLOCK_SLOTS * slab->slot_size;
    uint8_t *block = aligned_alloc(64, (size + 63) / 64 * 64);
    if (block == NULL)
        return -1;
    slab->blocks[slab->block_count++] = block;
    return 0;
}

void *tow_slab_take(tow_slab *slab, uint32_t *number) {
    void *slot;
    if (slab->free_slot != 0) {
        *number = slab->free_slot - 1;
        slot = tow_slab_at(slab, *number);
        memcpy(&slab->free_slot, slot, sizeof(slab->free_slot));
    } else {
        if (slab->fresh == slab->block_count * BLOCK_SLOTS && add_block(slab) != 0)
            return NULL;
        *number = slab->fresh++;
        slot = tow_slab_at(slab, *number);
    }
    slab->used++;
    memset(slot, 0, slab->slot_size);
    return slot;
}

void tow_slab_give(tow_slab *slab, uint32_t number) {
    memcpy(tow_slab_at(slab, number), &slab->free_slot, sizeof(slab->free_slot));
    slab->free_slot = number + 1;
    slab->used--;
}
