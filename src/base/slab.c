#include "base/slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct tow_slab_block {
    uint16_t used;
    uint16_t fresh; /* slots below this one were handed out at least once */
    uint32_t free;  /* head of the list of freed slots plus one, 0 if none */
} block_state;

void tow_slab_init(tow_slab *slab, size_t slot_size) {
    *slab = (tow_slab){.slot_size = (uint32_t)slot_size};
}

void tow_slab_clear(tow_slab *slab) {
    for (uint32_t i = 0; i < slab->block_count; i++)
        free(slab->blocks[i]);
    free(slab->blocks);
    free(slab->states);
    tow_slab_init(slab, slab->slot_size);
}

static uint8_t *slot_of(const tow_slab *slab, uint32_t block, uint32_t slot) {
    return slab->blocks[block] + (size_t)slot * slab->slot_size;
}

void *tow_slab_at(const tow_slab *slab, uint32_t number) {
    return slot_of(slab, number / TOW_SLAB_BLOCK, number % TOW_SLAB_BLOCK);
}

void *tow_slab_find(const tow_slab *slab, uint32_t number) {
    uint32_t block = number / TOW_SLAB_BLOCK;
    bool is_there = block < slab->block_count && slab->blocks[block] != NULL &&
                    number % TOW_SLAB_BLOCK < slab->states[block].fresh;
    return is_there ? tow_slab_at(slab, number) : NULL;
}

/* One more, without memory for its slots. */
static int add_block(tow_slab *slab) {
    size_t count = (size_t)slab->block_count + 1;
    uint8_t **blocks = realloc(slab->blocks, count * sizeof(*blocks));
    if (blocks == NULL)
        return -1;
    slab->blocks = blocks;
    block_state *states = realloc(slab->states, count * sizeof(*states));
    if (states == NULL)
        return -1;
    slab->states = states;
    slab->blocks[slab->block_count] = NULL;
    slab->block_count++;
    return 0;
}

static int fill_block(tow_slab *slab, uint32_t block) {
    /* Cache lines are 64 bytes: a slot of two lines should be two lines. */
    size_t size = (size_t)TOW_SLAB_BLOCK * slab->slot_size;
    slab->blocks[block] = aligned_alloc(64, (size + 63) / 64 * 64);
    slab->states[block] = (block_state){0};
    return slab->blocks[block] == NULL ? -1 : 0;
}

/* The first that has a free slot, or could have. */
static uint32_t find_roomy(tow_slab *slab) {
    while (slab->roomy < slab->block_count && slab->blocks[slab->roomy] != NULL &&
           slab->states[slab->roomy].used == TOW_SLAB_BLOCK)
        slab->roomy++;
    return slab->roomy;
}

void *tow_slab_take(tow_slab *slab, uint32_t *number) {
    uint32_t block = find_roomy(slab);
    if (block == slab->block_count && add_block(slab) != 0)
        return NULL;
    if (slab->blocks[block] == NULL && fill_block(slab, block) != 0)
        return NULL;
    block_state *state = &slab->states[block];
    uint32_t slot = state->free != 0 ? state->free - 1 : state->fresh++;
    void *taken = slot_of(slab, block, slot);
    if (state->free != 0)
        memcpy(&state->free, taken, sizeof(state->free));
    state->used++;
    slab->used++;
    memset(taken, 0, slab->slot_size);
    *number = block * TOW_SLAB_BLOCK + slot;
    return taken;
}

static bool is_empty(const tow_slab *slab, uint32_t block) {
    return block < slab->block_count && slab->blocks[block] != NULL && slab->states[block].used == 0;
}

static void drop_block(tow_slab *slab, uint32_t block) {
    free(slab->blocks[block]);
    slab->blocks[block] = NULL;
    while (slab->block_count > 0 && slab->blocks[slab->block_count - 1] == NULL)
        slab->block_count--;
    if (slab->roomy > slab->block_count)
        slab->roomy = slab->block_count;
}

/* The lower one of two that are empty stays. */
static void became_empty(tow_slab *slab, uint32_t block) {
    uint32_t other = slab->empty - 1;
    bool are_two = slab->empty != 0 && other != block && is_empty(slab, other);
    if (!are_two || block < other)
        slab->empty = block + 1;
    if (are_two)
        drop_block(slab, block < other ? other : block);
}

void tow_slab_give(tow_slab *slab, uint32_t number) {
    uint32_t block = number / TOW_SLAB_BLOCK;
    block_state *state = &slab->states[block];
    memcpy(tow_slab_at(slab, number), &state->free, sizeof(state->free));
    state->free = number % TOW_SLAB_BLOCK + 1;
    slab->used--;
    if (block < slab->roomy)
        slab->roomy = block;
    if (--state->used == 0)
        became_empty(slab, block);
}
