/* hook_queue: what a webhook is still to be told: events, in order for each channel. That a channel is
 * vacated or a member removed waits a while, and is not told at all, and neither is the return, when it is
 * taken back meanwhile. Knows no clock and no network. */
#ifndef TOW_HANDLER_PUSHER_HOOK_QUEUE_H
#define TOW_HANDLER_PUSHER_HOOK_QUEUE_H

#include "base/buffer.h"
#include "base/ring.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    TOW_PUSHER_HOOK_EVENTS = 10000,      /* that may wait, by default */
    TOW_PUSHER_HOOK_BYTES_MAX = 8 << 20, /* of all of them */
    TOW_PUSHER_HOOK_SECONDS = 3          /* that an end waits */
};

typedef enum tow_pusher_hook_type {
    TOW_PUSHER_HOOK_OCCUPIED,
    TOW_PUSHER_HOOK_VACATED,
    TOW_PUSHER_HOOK_ADDED,
    TOW_PUSHER_HOOK_REMOVED,
    TOW_PUSHER_HOOK_CLIENT_EVENT,
    TOW_PUSHER_HOOK_CACHE_MISS,
    TOW_PUSHER_HOOK_COUNT, /* of those that wait only the latest of a channel is told */
    TOW_PUSHER_HOOK_TYPES
} tow_pusher_hook_type;

/* "channel_occupied" and so on. */
const char *tow_pusher_hook_name(tow_pusher_hook_type type);

typedef struct tow_pusher_hook_event {
    tow_pusher_hook_type type;
    tow_slice channel;
    tow_slice user; /* of members; else length 0 */
    tow_slice json; /* what is told */
} tow_pusher_hook_event;

enum { TOW_PUSHER_HOOK_BUCKETS = 512 };

typedef struct tow_pusher_hook_queue {
    tow_ring ready, waiting; /* channels; those that wait in the order of their time */
    struct tow_pusher_hook_channel *buckets[TOW_PUSHER_HOOK_BUCKETS];
    struct tow_pusher_waiting_event *ends[TOW_PUSHER_HOOK_BUCKETS]; /* those that may be taken back */
    uint64_t seed;                                                  /* of hashes: clients choose the names */
    size_t count, bytes;
    size_t max; /* events that may wait */
} tow_pusher_hook_queue;

void tow_pusher_hook_queue_init(tow_pusher_hook_queue *queue, uint64_t seed, size_t max);
void tow_pusher_hook_queue_clear(tow_pusher_hook_queue *queue);

/* `now` in nanoseconds of any clock, which does not go back. Errors: LIMIT (too many wait), MEMORY. */
int tow_pusher_hook_queue_add(tow_pusher_hook_queue *queue, const tow_pusher_hook_event *event, int64_t now);

/* When there is something to be told: not later than now if there is already, INT64_MAX if nothing waits. */
int64_t tow_pusher_hook_queue_next(const tow_pusher_hook_queue *queue);

/* Takes what is to be told now out of it, `max` events at most, and appends them with commas between them.
 * Returns how many, or MEMORY: what is there is good, and the rest stays. */
int64_t tow_pusher_hook_queue_take(tow_pusher_hook_queue *queue, int64_t now, size_t max, tow_buffer *out);

#endif
