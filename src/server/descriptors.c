#include "server/descriptors.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Descriptors that are no connections: what a program has open, and for each worker its listeners and its
 * loop. */
enum { RESERVED_DESCRIPTORS = 32, RESERVED_PER_WORKER = 16 };

int64_t tow_connections_possible(int workers, int descriptors_each) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT64_MAX)
        return INT64_MAX;
    int64_t descriptors = (int64_t)limit.rlim_cur;
    int64_t reserve = RESERVED_DESCRIPTORS + (int64_t)RESERVED_PER_WORKER * workers + descriptors / 64;
    return (descriptors > 2 * reserve ? descriptors - reserve : descriptors / 2) / descriptors_each;
}

struct tow_descriptors {
    int64_t possible;
    int64_t most;
    _Atomic int64_t taken;
    _Atomic uint32_t holders;
};

tow_descriptors *tow_descriptors_new(int64_t possible, int64_t most) {
    tow_descriptors *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    made->possible = possible;
    made->most = most > possible ? most : possible;
    made->holders = 1;
    return made;
}

tow_descriptors *tow_descriptors_retain(tow_descriptors *descriptors) {
    if (descriptors != NULL)
        atomic_fetch_add_explicit(&descriptors->holders, 1, memory_order_relaxed);
    return descriptors;
}

void tow_descriptors_release(tow_descriptors *descriptors) {
    if (descriptors != NULL && atomic_fetch_sub_explicit(&descriptors->holders, 1, memory_order_acq_rel) == 1)
        free(descriptors);
}

static bool take(tow_descriptors *descriptors, int count, int64_t most) {
    int64_t before = atomic_fetch_add_explicit(&descriptors->taken, count, memory_order_relaxed);
    if (before <= most - count)
        return true;
    atomic_fetch_sub_explicit(&descriptors->taken, count, memory_order_relaxed);
    return false;
}

bool tow_descriptors_enter(tow_descriptors *descriptors) {
    return take(descriptors, 1, descriptors->most);
}

bool tow_descriptors_take(tow_descriptors *descriptors, int count) {
    return descriptors == NULL || take(descriptors, count, descriptors->possible);
}

void tow_descriptors_give(tow_descriptors *descriptors, int count) {
    if (descriptors != NULL)
        atomic_fetch_sub_explicit(&descriptors->taken, count, memory_order_relaxed);
}

int64_t tow_descriptors_taken(const tow_descriptors *descriptors) {
    return atomic_load_explicit(&descriptors->taken, memory_order_relaxed);
}

bool tow_descriptors_are_left(const tow_descriptors *descriptors, int count) {
    return descriptors == NULL || tow_descriptors_taken(descriptors) <= descriptors->possible - count;
}
