/* ring: a list that goes through what is in it, both ways, so that anything is added and taken out at once.
 *
 * A link is embedded in what is in the list; what begins and ends the list is a link too. Whoever has a link
 * finds by offsetof what it lies in. */
#ifndef TOW_BASE_RING_H
#define TOW_BASE_RING_H

#include <stdbool.h>

typedef struct tow_ring {
    struct tow_ring *next;
    struct tow_ring *previous;
} tow_ring;

/* An empty list. */
static inline void tow_ring_init(tow_ring *ring) {
    *ring = (tow_ring){.next = ring, .previous = ring};
}

static inline bool tow_ring_is_empty(const tow_ring *ring) {
    return ring->next == ring;
}

/* Puts a link behind another one: behind the ring itself, it is the first. */
static inline void tow_ring_add_behind(tow_ring *other, tow_ring *link) {
    *link = (tow_ring){.next = other->next, .previous = other};
    other->next->previous = link;
    other->next = link;
}

static inline void tow_ring_add_last(tow_ring *ring, tow_ring *link) {
    tow_ring_add_behind(ring->previous, link);
}

static inline void tow_ring_remove(tow_ring *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
}

#endif
