/* channels: what all doors to the channels of a server share beside its hub: who may do what, and what is set
 * for channels by their names. The program makes one, and places have it (tow_handler_place). */
#ifndef TOW_HANDLER_CHANNELS_H
#define TOW_HANDLER_CHANNELS_H

#include "handler/channel_keeper.h"

typedef struct tow_channels {
    const tow_channel_keeper *keeper; /* NULL: there are no tokens */
} tow_channels;

#endif
