/* encoding: what is published to a channel, as clients of Pusher's protocol get it. */
#ifndef TOW_HANDLER_PUSHER_ENCODING_H
#define TOW_HANDLER_PUSHER_ENCODING_H

#include "server/channels.h"

/* Of all apps: what an envelope needs stands in the publication. */
extern const tow_message_encoding tow_pusher_encoding;

#endif
