/* guarded: bytes that end at an inaccessible page, so that reading one byte too far crashes the test. */
#ifndef TOW_TESTS_GUARDED_H
#define TOW_TESTS_GUARDED_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARDED_SIZE = 1 << 16 };

typedef struct guarded {
    char *end;
} guarded;

static inline guarded guarded_new(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, GUARDED_SIZE + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory + GUARDED_SIZE, page, PROT_NONE) != 0)
        abort();
    return (guarded){.end = memory + GUARDED_SIZE};
}

/* A copy of at most GUARDED_SIZE bytes; valid until the next. */
static inline const char *guarded_copy(guarded memory, const void *bytes, size_t length) {
    if (length > GUARDED_SIZE)
        abort();
    char *copy = memory.end - length;
    if (length > 0)
        memcpy(copy, bytes, length);
    return copy;
}

static inline void guarded_free(guarded memory) {
    munmap(memory.end - GUARDED_SIZE, GUARDED_SIZE + (size_t)sysconf(_SC_PAGESIZE));
}

#endif
