/* memory: the store that lies in this process: numbers, history and presence of a channel are in the channel
 * itself, and every answer is there at once. */
#ifndef TOW_HUB_MEMORY_H
#define TOW_HUB_MEMORY_H

#include "hub/store.h"

extern const tow_store_class tow_memory_store;

#endif
