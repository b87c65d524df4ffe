#include "receive_ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <towline/error.h>

/* Buffers of a round size would lie on the same few lines of the cache: most reads use only their beginning.
 */
enum { STRIDE = TOW_RECEIVE_SIZE + 4096 + 64 };

static const size_t entries_size = TOW_RECEIVE_BUFFERS_MAX * sizeof(struct io_uring_buf);
static const size_t memory_size = (size_t)TOW_RECEIVE_BUFFERS_MAX * STRIDE;

/* Pages that are not used cost nothing. */
static void *map(size_t size) {
    void *memory =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void give(tow_receive_ring *ring, unsigned number, int offset) {
    io_uring_buf_ring_add(ring->entries, tow_receive_ring_buffer(ring, number), TOW_RECEIVE_SIZE,
        (unsigned short)number, TOW_RECEIVE_BUFFERS_MAX - 1, offset);
}

static void give_more(tow_receive_ring *ring, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        give(ring, ring->count + i, (int)i);
    io_uring_buf_ring_advance(ring->entries, (int)count);
    ring->count += count;
}

int tow_receive_ring_init(tow_receive_ring *ring, struct io_uring *uring) {
    *ring = (tow_receive_ring){.entries = map(entries_size), .memory = map(memory_size)};
    if (ring->entries == NULL || ring->memory == NULL) {
        tow_receive_ring_clear(ring);
        return TOW_ERROR_MEMORY;
    }
    io_uring_buf_ring_init(ring->entries);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)ring->entries,
        .ring_entries = TOW_RECEIVE_BUFFERS_MAX,
        .bgid = TOW_RECEIVE_GROUP,
    };
    int result = io_uring_register_buf_ring(uring, &registration, 0);
    if (result < 0) {
        tow_receive_ring_clear(ring);
        return result == -ENOMEM ? TOW_ERROR_MEMORY : TOW_ERROR_UNSUPPORTED;
    }
    give_more(ring, TOW_RECEIVE_BUFFERS_FIRST);
    return 0;
}

void tow_receive_ring_clear(tow_receive_ring *ring) {
    if (ring->entries != NULL)
        munmap(ring->entries, entries_size);
    if (ring->memory != NULL)
        munmap(ring->memory, memory_size);
    *ring = (tow_receive_ring){0};
}

uint8_t *tow_receive_ring_buffer(const tow_receive_ring *ring, unsigned number) {
    return ring->memory + (size_t)number * STRIDE;
}

void tow_receive_ring_return(tow_receive_ring *ring, unsigned number) {
    give(ring, number, 0);
    io_uring_buf_ring_advance(ring->entries, 1);
}

bool tow_receive_ring_grow(tow_receive_ring *ring) {
    if (ring->count == TOW_RECEIVE_BUFFERS_MAX)
        return false;
    give_more(ring, ring->count);
    return true;
}
