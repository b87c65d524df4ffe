/* heap: gives the memory back that a storm of large messages has left free.
 *
 * The C library keeps what was freed between pieces that are in use, for ever: after a thousand messages of a
 * mebibyte at once, a gigabyte. Looked at now and then, and given back when it lies quiet. */
#ifndef TOW_PROGRAM_HEAP_H
#define TOW_PROGRAM_HEAP_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tow_heap { /* zeroed: nothing seen yet */
    size_t seen;          /* bytes that were free the last time */
    size_t given_back;    /* bytes that were free when memory was given back last: they still count as free */
} tow_heap;

/* Whether `free_bytes` are worth giving back now: many, not given back already, and as many as the last time,
 * so that nobody is about to use them. */
bool tow_heap_is_worth_it(tow_heap *heap, size_t free_bytes);

/* To be called every few seconds. */
void tow_heap_look(tow_heap *heap);

#endif
