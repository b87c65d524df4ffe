/* burst: publications that go to subscribers together, with the forms that were joined for them.
 *
 * What a worker has taken of a channel is one; those who do not get all of it (they have begun in the middle,
 * said some of it themselves, or want no presence) get another that is made of it. For one thread. */
#ifndef TOW_HUB_BURST_H
#define TOW_HUB_BURST_H

#include "made.h"

/* A joined form; goes with the burst. */
typedef struct tow_joined {
    struct tow_joined *next;
    const tow_encoding *encoding;
    void *made;
} tow_joined;

struct tow_burst {
    tow_published **items; /* borrowed: whoever made the burst has references */
    size_t count;
    tow_joined *joined;
};

/* What it is to deliver it once, in deliveries of a small one. */
uint32_t tow_burst_work(const tow_burst *burst);

/* Frees the forms; it may be filled again. */
void tow_burst_clear(tow_burst *burst);

/* How many of the first `count` items go out together: at least one, and no more than fit a bounded piece of
 * memory. */
enum { TOW_BURST_ITEMS_MAX = 256, TOW_BURST_BYTES_MAX = 64 * 1024 };
size_t tow_burst_fit(tow_published *const *items, size_t count);

#endif
