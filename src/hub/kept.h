/* kept: the bound of all histories together. What was published to least recently goes first, its oldest
 * first. All of it is in order. */
#ifndef TOW_HUB_KEPT_H
#define TOW_HUB_KEPT_H

#include "state.h"

/* A channel's history has got one more. */
void tow_kept_note(tow_shard *shard, tow_history *history);

/* As all histories hold too much, some of it goes: of this shard, or of others whose order is free. */
void tow_kept_cut(tow_hub *hub, tow_shard *own);

#endif
