/* queue: frames that wait until the network takes them.
 *
 * Bytes of whole frames go in at the end (only the frame at the front may be taken in part) and leave at the
 * front as the network takes them. What waits is counted twice: all bytes, and application data alone, which
 * is exact after every partial take, because the frames' headers are read again as they pass. Knows no
 * stream. */
#ifndef TOW_WEBSOCKET_QUEUE_H
#define TOW_WEBSOCKET_QUEUE_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <towline/shared.h>

/* A place in a row of frames. Zeroed: where a frame begins. */
typedef struct tow_frame_place {
    uint64_t header_left;  /* bytes of the current header that are still to come */
    uint64_t payload_left; /* of the current payload */
    bool is_data;          /* the payload is application data */
} tow_frame_place;

typedef struct tow_queue_chunk {
    struct tow_queue_chunk *next;
    uint8_t *bytes;     /* `storage`, a buffer that the queue took over, or a shared message's frame */
    tow_shared *shared; /* that message, of which the chunk has a reference; else NULL */
    size_t offset;      /* taken by the network */
    size_t length;
    size_t capacity;
    uint8_t storage[];
} tow_queue_chunk;

typedef struct tow_queue { /* zeroed: empty */
    tow_queue_chunk *first;
    tow_queue_chunk *last;
    size_t bytes;             /* waiting, framing included */
    size_t payload;           /* application data among them */
    tow_queue_chunk *segment; /* the last segment of the cork, while more of the same may come; else NULL */
    tow_frame_place front;
    bool is_opaque; /* until it is empty: bytes that are no frames are among it, and `payload` is 0 */
} tow_queue;

static inline bool tow_queue_is_empty(const tow_queue *queue) {
    return queue->first == NULL;
}

/* Room for one frame of `length` bytes, `payload` of which are application data, at the end. The caller fills
 * all of it at once. NULL when out of memory. */
uint8_t *tow_queue_add(tow_queue *queue, size_t length, size_t payload);

/* Adds a copy of bytes that need be no frames; from now on, until all has left, only bytes are counted, and
 * nothing may be dropped. Errors: MEMORY. */
int tow_queue_add_bytes(tow_queue *queue, const uint8_t *bytes, size_t length);

/* Adds the rest of a frame of application data, of which the network took the first `taken` bytes, to an
 * empty queue. With `owner`, which holds the payload, its memory is taken over and nothing is copied. Errors:
 * MEMORY. */
int tow_queue_add_rest(tow_queue *queue, const struct iovec *header, const struct iovec *payload,
    size_t taken, tow_buffer *owner);

/* Adds a frame of a shared message, of which the network took the first `taken` bytes (none unless the queue
 * is empty), by reference. Errors: MEMORY. */
int tow_queue_add_shared(
    tow_queue *queue, tow_shared *shared, const uint8_t *frame, size_t length, size_t taken);

/* Adds what was not taken of a segment of the cork: whole frames from its beginning, perhaps behind the head
 * of an HTTP response. It is older than all that was queued meanwhile, so it goes before that, behind the
 * segments that just came before it. Errors: MEMORY. */
int tow_queue_add_segment(tow_queue *queue, const uint8_t *segment, size_t length, size_t taken);

/* Fills at most `count` pieces from the front; returns how many. */
int tow_queue_pieces(const tow_queue *queue, struct iovec *pieces, int count);

/* The network took `count` bytes. */
void tow_queue_take(tow_queue *queue, size_t count);

/* Takes whole messages of which nothing was taken out, oldest first, until no more than `max` bytes wait.
 * Control frames and fragments stay, and so does what waits alone. Returns how many messages went; fewer when
 * out of memory. */
size_t tow_queue_drop(tow_queue *queue, uint64_t max);

/* Frees everything. */
void tow_queue_clear(tow_queue *queue);

#endif
