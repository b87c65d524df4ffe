/* allocation: lets a test count allocations and make one of them fail.
 *
 * Listed as an allocation test in meson.build, a test program and the floors in it call these wrappers
 * instead of malloc, calloc, realloc, aligned_alloc, strdup, strndup and free. What libraries allocate for
 * themselves is not seen. */
#ifndef TOW_TESTS_ALLOCATION_H
#define TOW_TESTS_ALLOCATION_H

#include <stddef.h>

/* Starts counting from zero. The allocation of this number from now on fails: 1 is the next one, 0 is none.
 */
void allocation_fail_at(size_t number);

/* How many allocations were asked for since then. */
size_t allocation_count(void);

/* Blocks that are allocated and not freed; always counted. */
long allocation_outstanding(void);

#endif
