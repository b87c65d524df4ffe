/* policy: what holds for a channel: who may come in, what is kept of it, and what becomes of subscribers that
 * are slower than it.
 *
 * A function of the program's says it for a name; it is asked when a channel is made, and again for all that
 * are there by tow_hub_renew. The hub keeps a copy. It enforces history, presence and slowness; who may
 * subscribe and publish each door asks for itself, because only a door knows who somebody is. */
#ifndef TOW_HUB_POLICY_H
#define TOW_HUB_POLICY_H

#include "base/slice.h"

#include <stdint.h>

typedef enum tow_channel_access {
    TOW_ACCESS_DEFAULT,     /* subscribing: SAME_ORIGIN; publishing: NOBODY */
    TOW_ACCESS_NOBODY,      /* from outside; the program itself may */
    TOW_ACCESS_SAME_ORIGIN, /* whoever the route's rule of origins lets in */
    TOW_ACCESS_ANYONE,
    TOW_ACCESS_TOKEN /* who proves it */
} tow_channel_access;

/* For a subscriber that takes no more, when more waits for it than the bound. */
typedef enum tow_channel_slow {
    TOW_SLOW_ENDS,   /* its subscription ends, and it is told by `ended` */
    TOW_SLOW_OLDEST, /* the oldest that wait for it are dropped, and it is told by `gap` */
    TOW_SLOW_LATEST /* of those that have a key only the latest of each waits, whatever the bound; of the rest
                       and of what is over the bound then the oldest are dropped. Told by `gap` */
} tow_channel_slow;

typedef struct tow_channel_policy { /* zeroed: the defaults */
    tow_channel_access subscribe;
    tow_channel_access publish;
    bool presence;        /* members may join */
    uint32_t max_members; /* users at once; 0: the limit of the hub, which holds in any case */
    tow_channel_slow slow;
    uint32_t slow_count;      /* publications that may wait for a subscriber; 0: 1,000 */
    uint64_t slow_bytes;      /* their bytes, data and names; 0: 1 MiB */
    uint32_t history_count;   /* publications that are kept at most; 0: none */
    uint32_t history_seconds; /* after these they go; 0: 60 */
    uint64_t history_bytes;   /* of all that are kept, data and names; 0: 1 MiB */
    uint32_t linger_seconds;  /* that a channel without subscribers and history keeps its epoch; 0: 30 */
    const void *more;         /* of whoever gives policies; lives as long as the hub */
} tow_channel_policy;

/* Fills in `policy`, which is zeroed. Any thread, several at once, and with a channel's order held: it calls
 * nothing of the hub, and waits for nobody. */
typedef void (*tow_channel_policy_find)(void *user, tow_slice name, tow_channel_policy *policy);

/* The defaults in place of zeros, but for who may subscribe and publish: doors with proofs of their own have
 * other defaults there. */
void tow_channel_policy_resolve(tow_channel_policy *policy);

/* Who may subscribe to a channel, and publish there, by this policy and its name, which may ask for a proof:
 * never DEFAULT. */
tow_channel_access tow_channel_policy_subscribers(const tow_channel_policy *policy, tow_slice name);
tow_channel_access tow_channel_policy_publishers(const tow_channel_policy *policy, tow_slice name);

#endif
