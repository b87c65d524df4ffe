#include "server/descriptors.h"

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
