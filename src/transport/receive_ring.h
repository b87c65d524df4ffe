/* receive_ring: the buffers that io_uring receives into.
 *
 * The kernel takes buffers in the order in which they were given, so it walks through all that it has: the
 * fewer, the more stays in cache. It has a few at first, and gets more when it once ran out. */
#ifndef TOW_TRANSPORT_RECEIVE_RING_H
#define TOW_TRANSPORT_RECEIVE_RING_H

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TOW_RECEIVE_GROUP = 1,
    TOW_RECEIVE_BUFFERS_FIRST = 32,
    TOW_RECEIVE_BUFFERS_MAX = 512, /* a power of two */
    TOW_RECEIVE_SIZE = 16 * 1024, /* bytes of a buffer; streams that bring more in one go are read directly */
};

typedef struct tow_receive_ring {
    struct io_uring_buf_ring *entries;
    uint8_t *memory;
    unsigned count; /* buffers that the kernel has been given */
} tow_receive_ring;

/* Errors: MEMORY, UNSUPPORTED. */
int tow_receive_ring_init(tow_receive_ring *ring, struct io_uring *uring);
void tow_receive_ring_clear(tow_receive_ring *ring);

uint8_t *tow_receive_ring_buffer(const tow_receive_ring *ring, unsigned number);
/* The buffer's bytes are done with. */
void tow_receive_ring_return(tow_receive_ring *ring, unsigned number);
/* The kernel ran out of buffers. False: it has had all. */
bool tow_receive_ring_grow(tow_receive_ring *ring);

#endif
