/* channel: a path behind which channels are: who connects there is subscribed, and gets what is published; by
 * plain WebSocket, by the subprotocol towline.v1, by Server-Sent Events, or by long polls (docs/channels.md).
 */
#ifndef TOW_HANDLER_CHANNEL_H
#define TOW_HANDLER_CHANNEL_H

#include "handler/channels.h"
#include "handler/kind.h"

typedef struct tow_channel_door_settings {
    const char *name; /* of the channel; at a prefix what names begin with. NULL: nothing */
} tow_channel_door_settings;

extern const tow_handler_kind tow_channel_kind;

#endif
