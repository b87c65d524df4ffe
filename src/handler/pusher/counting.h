/* counting: subscribers of a channel are told how many they are: at once when that has been quiet, and else
 * once in a second, or in five where they are many. On the server's first loop. */
#ifndef TOW_HANDLER_PUSHER_COUNTING_H
#define TOW_HANDLER_PUSHER_COUNTING_H

#include "app.h"
#include "base/ring.h"
#include "hub/hub.h"

enum { TOW_PUSHER_COUNTING_BUCKETS = 256 };

typedef struct tow_pusher_counting {
    tow_loop *loop;
    tow_ring
        buckets[TOW_PUSHER_COUNTING_BUCKETS]; /* of channels that were told not long ago, by their names */
    size_t count;
    uint64_t seed; /* of the hash: clients choose the names */
} tow_pusher_counting;

void tow_pusher_counting_init(tow_pusher_counting *counting, tow_loop *loop);
void tow_pusher_counting_clear(tow_pusher_counting *counting);

/* There are so many now. What finds no memory is not told. */
void tow_pusher_counting_tell(
    tow_pusher_counting *counting, tow_pusher_app *app, tow_slice channel, uint64_t number);

#endif
