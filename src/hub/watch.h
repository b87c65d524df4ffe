/* watch: tells those who watch channels of a prefix. In order. */
#ifndef TOW_HUB_WATCH_H
#define TOW_HUB_WATCH_H

#include "state.h"

/* The number of its subscribers has changed by one. */
void tow_watch_count(const tow_hub *hub, const tow_channel *channel, bool more);
void tow_watch_member(const tow_hub *hub, const tow_channel *channel, const tow_member *member, bool joined);

#endif
