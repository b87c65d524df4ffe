/* channel: what all workers share of a channel, and what one worker has of it: its place, with the
 * subscribers there. Channels lie in the hub's shards, and the lock of its shard is what holds a channel's
 * order.
 *
 * Everything here that says "in order" is for who holds that lock. A place's subscribers are its worker's
 * alone; what others leave there is `pending`, and the letter that tells of it is a part of the place: so
 * nothing can fail once a publication has its number. */
#ifndef TOW_HUB_CHANNEL_H
#define TOW_HUB_CHANNEL_H

#include "base/ring.h"
#include "batch.h"
#include "history.h"
#include "hub/hub.h"
#include "presence.h"
#include "transport/loop.h"

typedef struct tow_channel tow_channel;
typedef struct tow_place tow_place;

/* What is to become of subscriptions of a place: those who listen have lost something, all are looked at, as
 * their channel's policy is another one, or all have lost something. */
typedef enum tow_fate {
    TOW_FATE_NONE,
    TOW_FATE_LOST = 1 << 0,
    TOW_FATE_REVIEWED = 1 << 1,
    TOW_FATE_ALL_LOST = 1 << 2
} tow_fate;

struct tow_place {
    tow_letter letter;    /* first; while `posted` in the mailbox, and then in the part's list */
    tow_channel *channel; /* NULL: nobody is subscribed here any more, or the part has ended */
    tow_hub_part *part;
    tow_place *next; /* of the channel; in order */
    tow_ring subscribers;
    tow_batch *pending; /* what was published and is not taken yet; in order */
    tow_batch *batch;   /* what is being delivered */
    tow_ring *cursor;   /* the next subscriber whose turn it is; NULL: nothing has begun */
    uint32_t count;     /* subscribers; changed in order */
    uint32_t listeners; /* those of them who want events; in order */
    uint8_t fates;      /* of tow_fate; in order */
    uint8_t met;        /* those of them that are being met; */
    bool posted;        /* something is left here, or was; in order */
    bool delivering;    /* must not be freed now */
};

/* Why a channel is still there: somebody is subscribed, or nobody is, and the store keeps something of it, or
 * only where it was; and what nothing was published to would begin again as it is. */
typedef enum tow_rest { TOW_REST_NONE, TOW_REST_KEPT, TOW_REST_LINGERS, TOW_REST_UNUSED, TOW_RESTS } tow_rest;

struct tow_channel {
    tow_channel *next; /* in its bucket */
    const tow_channel_policy *policy;
    uint64_t order; /* of the last that was brought, numbered or not */
    tow_position position;
    tow_history *history;   /* NULL: nothing is kept */
    tow_presence *presence; /* NULL: nobody is there */
    union {
        tow_place *places; /* of the workers that have subscribers */
        tow_ring idle;     /* without subscribers: in a list of the shard's */
    };
    uint32_t subscribers;
    uint32_t idle_since; /* seconds of the hub's clock */
    uint8_t rest;        /* of tow_rest, as it was when it began to be idle */
    uint8_t name_length;
    char name[];
};

_Static_assert(offsetof(tow_channel, name) + TOW_CHANNEL_NAME_MAX + sizeof(tow_place) <= 400,
    "a channel with one worker's subscribers is small");

static inline tow_slice tow_channel_name(const tow_channel *channel) {
    return (tow_slice){channel->name, channel->name_length};
}

/* Nobody is there, and nothing of it is kept: it is not told of. In order. */
static inline bool tow_channel_is_forgotten(const tow_channel *channel) {
    return channel->rest == TOW_REST_LINGERS || channel->rest == TOW_REST_UNUSED;
}

/* The place of a part, or NULL. In order. */
tow_place *tow_channel_place(const tow_channel *channel, const tow_hub_part *part);

/* Everything below is in order. */

/* A publication can go to everybody: room in all places, or nothing has changed. Errors: MEMORY, QUEUE_FULL.
 */
int tow_channel_reserve(tow_channel *channel, const tow_published *published);

/* Gives it the next order, and leaves it at all places; there is room. A reference is taken for each. */
void tow_channel_spread(tow_channel *channel, tow_published *published);

/* The same where it must not fail: places without room for it lose, and those who listen there with them. */
void tow_channel_spread_surely(tow_channel *channel, tow_published *published);

/* Something is left at a place: its letter is on its way. */
void tow_place_post(tow_place *place);

/* Who is subscribed at a place, or to the channel, will meet this fate. */
void tow_place_doom(tow_place *place, tow_fate fate);
void tow_channel_doom(tow_channel *channel, tow_fate fate);

#endif
