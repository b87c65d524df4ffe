/* random: unpredictable bytes, fetched from the kernel in batches; a byte is handed out once and wiped. */
#ifndef TOW_TRANSPORT_RANDOM_H
#define TOW_TRANSPORT_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { TOW_RANDOM_BATCH = 4096 };

typedef struct tow_random {
    size_t left;
    uint8_t bytes[TOW_RANDOM_BATCH];
} tow_random;

/* Fetches the first batch. Errors: SYSTEM (the kernel has no getrandom); later batches cannot fail then. */
int tow_random_init(tow_random *pool);
void tow_random_take(tow_random *pool, void *out, size_t length);

#endif
