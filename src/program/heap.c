#include "heap.h"

#include <malloc.h>

enum { WORTH = 64 * 1024 * 1024, SLACK = 1024 * 1024 };

static bool differs(size_t one, size_t other) {
    return one > other ? one - other > SLACK : other - one > SLACK;
}

bool tow_heap_is_worth_it(tow_heap *heap, size_t free_bytes) {
    bool is_quiet = !differs(free_bytes, heap->seen);
    heap->seen = free_bytes;
    if (free_bytes < heap->given_back)
        heap->given_back = free_bytes; /* some of it is in use again, and will be worth it again */
    if (free_bytes < WORTH || free_bytes - heap->given_back < WORTH || !is_quiet)
        return false;
    heap->given_back = free_bytes;
    return true;
}

void tow_heap_look(tow_heap *heap) {
    if (tow_heap_is_worth_it(heap, mallinfo2().fordblks))
        malloc_trim(0);
}
