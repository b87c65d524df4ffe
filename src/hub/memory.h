/* memory: the store that lies in this process: numbers, history and presence of a channel are in the channel
 * itself, and every answer is there at once. All is in order. */
#ifndef TOW_HUB_MEMORY_H
#define TOW_HUB_MEMORY_H

#include "state.h"

/* Numbers a publication, keeps it, and spreads it. Errors: MEMORY, QUEUE_FULL: nothing has changed. */
int tow_memory_publish(tow_hub *hub, tow_channel *channel, tow_published *published);

/* What is kept behind a position, or without one ({0}) the last `last`. */
typedef struct tow_memory_range {
    bool is_whole; /* nothing is lost between the position and the first */
    size_t first;  /* an index in the history */
    size_t count;
} tow_memory_range;
tow_memory_range tow_memory_find(tow_hub *hub, tow_channel *channel, const tow_position *since, size_t last);

/* A lease more, and one less: events go to those who are subscribed. Errors: UNSUPPORTED (the channel has no
 * presence), ARGUMENT, LIMIT, QUEUE_FULL, MEMORY. */
int tow_memory_join(tow_hub *hub, tow_channel *channel, const tow_member *member, tow_present **present);
void tow_memory_leave(tow_hub *hub, tow_channel *channel, tow_present *present);

/* Lets go of what is over the bounds of the policy, or too old. */
void tow_memory_prune(tow_hub *hub, tow_channel *channel);

#endif
