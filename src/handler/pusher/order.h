/* order: what a server of an app wants published: the bodies of POST /events and /batch_events, read and
 * checked. */
#ifndef TOW_HANDLER_PUSHER_ORDER_H
#define TOW_HANDLER_PUSHER_ORDER_H

#include "base/buffer.h"
#include "base/slice.h"

#include <stdint.h>

enum {
    TOW_PUSHER_DATA_MAX = 10240,   /* bytes of an event's data */
    TOW_PUSHER_CHANNELS_MAX = 100, /* of an event */
    TOW_PUSHER_BATCH_MAX = 10      /* events */
};

/* What is asked for of each channel. */
typedef struct tow_pusher_wanted {
    bool subscription_count, user_count, cache;
} tow_pusher_wanted;

/* One event. */
typedef struct tow_pusher_order {
    tow_slice event;
    tow_slice data;     /* what the string said, or else the value as it was written */
    uint64_t leave_out; /* the connection that does not get it; 0: none */
    tow_pusher_wanted wanted;
    size_t first; /* of its channels in the list */
    size_t count;
} tow_pusher_order;

typedef struct tow_pusher_orders { /* zeroed: none */
    tow_pusher_order items[TOW_PUSHER_BATCH_MAX];
    size_t count;
    tow_slice channels[TOW_PUSHER_CHANNELS_MAX];
    size_t channel_count;
    tow_buffer texts; /* private */
} tow_pusher_orders;

/* What is wrong, as an answer: `status` 0: nothing. */
typedef struct tow_pusher_fault {
    int status;
    const char *text; /* static */
} tow_pusher_fault;

/* The body is lent until they are cleared, which is to be done in any case. */
tow_pusher_fault tow_pusher_order_read(tow_pusher_orders *orders, tow_slice body);
tow_pusher_fault tow_pusher_batch_read(tow_pusher_orders *orders, tow_slice body);
void tow_pusher_orders_clear(tow_pusher_orders *orders);

/* A list of attributes with commas between them; what is not known is passed over. */
tow_pusher_wanted tow_pusher_wanted_read(tow_slice list);

#endif
