/* encoding: what is published to a channel, as clients of Pusher's protocol get it. */
#ifndef TOW_HANDLER_PUSHER_ENCODING_H
#define TOW_HANDLER_PUSHER_ENCODING_H

#include "server/channels.h"

/* Of all apps: what an envelope needs stands in the publication. */
extern const tow_message_encoding tow_pusher_encoding;

/* The event that tells subscribers how many they are, as it is published; the name is none that others may
 * use. */
#define TOW_PUSHER_COUNT_EVENT "\x01subscription_count"

#endif
