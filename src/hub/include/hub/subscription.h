/* subscription: one who gets what is published to a channel: an end of the hub at which a socket, an answer
 * that is streamed, or a session is held by somebody else.
 *
 * Ownership: the struct lies in whatever owns it, at most 64 bytes, and must not move; it is the hub's from
 * tow_subscribe until tow_unsubscribe or `ended`, and may be gone or used again right after either.
 *
 * Threads: all of it is for the thread of the part (of the worker) that it was made with.
 *
 * Order: no callback runs inside a call of a function here. `subscribed` comes first, in a later round; then
 * what was missed since the position that was asked from; then what is published, all in the order of the
 * channel, nothing twice, and nothing missed without a `gap` before what follows. Events of presence stand in
 * the same order. Inside every callback anything may be called, tow_unsubscribe for this and any other
 * subscription too.
 *
 * Errors: a call that fails has changed nothing, and no callback follows. */
#ifndef TOW_HUB_SUBSCRIPTION_H
#define TOW_HUB_SUBSCRIPTION_H

#include "base/ring.h"
#include "hub/published.h"

typedef struct tow_hub_part tow_hub_part;
typedef struct tow_subscription tow_subscription;

/* A member of a channel with presence: a user, however many subscriptions brought it. */
typedef struct tow_member {
    tow_slice user; /* 1 to 200 bytes of UTF-8 */
    tow_slice info; /* any bytes, at most 4 KiB; of several subscriptions of a user the first one's */
} tow_member;
enum { TOW_MEMBER_INFO_MAX = 4096 };

/* That a subscription stands. All is borrowed. */
typedef struct tow_subscribed {
    tow_position position; /* behind what was missed comes the publication after this one */
    size_t missed;         /* how many publications are delivered first */
    bool is_whole; /* nothing is lost between `since` and the first of them; true where none was given */
    const tow_member *members; /* with `member` or `wants_presence`: all, itself among them */
    size_t member_count;
} tow_subscribed;

/* Publications that this subscriber does not get. */
typedef struct tow_gap {
    uint64_t count;        /* 0: it is not known how many */
    tow_position position; /* of the last that is missing, or number 0 if that had none */
} tow_gap;

typedef enum tow_subscription_end {
    TOW_SUBSCRIPTION_SLOW,    /* too much waited for it: TOW_SLOW_ENDS */
    TOW_SUBSCRIPTION_REVOKED, /* the channel's policy, which is another one now, does not let it in */
    TOW_SUBSCRIPTION_REFUSED, /* in place of `subscribed`: the store does not have it */
    TOW_SUBSCRIPTION_FULL,    /* the same: the channel has as many members as it may */
    TOW_SUBSCRIPTION_LOST,    /* what it should have got is lost, for want of memory or of the store */
    TOW_SUBSCRIPTION_OVER     /* the part ends, and its worker with it */
} tow_subscription_end;

/* A kind of subscriber. Those marked may be NULL. */
typedef struct tow_subscriber {
    void (*subscribed)(tow_subscription *subscription, const tow_subscribed *what); /* may be NULL */
    /* Whether it takes a burst now: asked before each, as what it is a part of may have others. If not, what
     * comes is kept for it as the channel's policy says, until tow_subscription_ready. NULL: it always does.
     */
    bool (*takes)(const tow_subscription *subscription);
    void (*deliver)(tow_subscription *subscription, tow_burst *burst);
    void (*gap)(tow_subscription *subscription, const tow_gap *gap); /* may be NULL */
    /* The last: it is the hub's no more. */
    void (*ended)(tow_subscription *subscription, tow_subscription_end why);
    /* For tow_draft.leave_out; asked only where a publication leaves somebody out. NULL: it is never
     * meant. */
    uint64_t (*identify)(const tow_subscription *subscription);
    /* Proof is needed where it was not: whether there is some. NULL: there is. */
    bool (*may_stay)(const tow_subscription *subscription);
    bool is_inside; /* the program's own: a policy does not end it */
} tow_subscriber;

struct tow_subscription {       /* all is the hub's but `owner` */
    const tow_subscriber *kind; /* NULL: not subscribed */
    struct tow_place *place;
    tow_ring link;
    uint64_t seen : 48; /* of what the channel has brought up to there, nothing is delivered */
    uint64_t flags : 16;
    uint32_t aside; /* what only some need: a number of the part's, 0 for none */
    uint32_t owner; /* for whoever owns it */
};
_Static_assert(sizeof(tow_subscription) <= 48, "an idle subscription is small");

static inline bool tow_subscription_is_on(const tow_subscription *subscription) {
    return subscription->kind != NULL;
}

typedef struct tow_subscribe_options { /* zeroed: from now on, without presence. Borrowed */
    tow_position since;                /* what came after it first; {0}: none */
    uint32_t last; /* without `since`: as many of the last publications first, as far as they are kept */
    bool wants_presence;      /* members, and events of presence */
    bool no_messages;         /* only these */
    bool wants_counts;        /* how many are subscribed, where somebody publishes that */
    const tow_member *member; /* joins as this one; leaves when the subscription is gone. NULL: does not */
} tow_subscribe_options;

/* Subscribes to a channel, which is made if it is not there. `options` may be NULL. Errors: ARGUMENT (no
 * name, no member), STATE (the part is ending), LIMIT (the hub has as many channels, or the channel as many
 * members, as it may), UNSUPPORTED (a member, but the channel has no presence), QUEUE_FULL, REFUSED (the
 * store is busy, or out of reach), MEMORY. A store that answers later refuses by `ended`. */
int tow_subscribe(tow_hub_part *part, tow_subscription *subscription, const tow_subscriber *kind,
    tow_slice name, const tow_subscribe_options *options);

/* No callback follows. Nothing happens if it is not subscribed. */
void tow_unsubscribe(tow_subscription *subscription);

/* It takes publications again: those that wait are delivered in a later round. Nothing happens if it did
 * already. */
void tow_subscription_ready(tow_subscription *subscription);

/* The channel's name, as long as it is subscribed; and inside `ended` that of the one that was. */
tow_slice tow_subscription_channel(const tow_subscription *subscription);
tow_slice tow_subscription_ended_channel(const tow_hub_part *part);

#endif
