/* listing: the first channels of a prefix behind a name, in the order of their names, found by looking at one
 * shard after the other: so nobody is kept waiting for it, and it may be out of date as it is made. */
#ifndef TOW_HUB_LISTING_H
#define TOW_HUB_LISTING_H

#include "state.h"

typedef struct tow_hub_listing tow_hub_listing;

/* Both texts outlive it. NULL without memory. */
tow_hub_listing *tow_hub_listing_new(tow_slice prefix, tow_slice after, size_t limit);
void tow_hub_listing_free(tow_hub_listing *listing); /* NULL is allowed */

/* Looks at some more; returns whether that was all. */
bool tow_hub_listing_go_on(tow_hub_listing *listing, tow_hub *hub);

/* Fills in `channels`, `count`, `has_more` and `error`; what it has lives as long as the listing. */
void tow_hub_listing_finish(tow_hub_listing *listing, tow_hub_answer *answer);

/* What there is to count of a channel; its name is borrowed from it. In order. */
void tow_hub_listing_count(const tow_channel *channel, tow_channel_count *count);

#endif
