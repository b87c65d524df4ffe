/* codes: what a door's Closes say, and what errors are called where there is room for words. */
#ifndef TOW_HANDLER_CHANNEL_CODES_H
#define TOW_HANDLER_CHANNEL_CODES_H

#include "handler/channel_keeper.h"
#include "hub/subscription.h"

#include <towline/protocol.h>

/* Beside those of towline/protocol.h. */
enum {
    TOW_CLOSE_EXPIRED = 4401,      /* its token has */
    TOW_CLOSE_DISCONNECTED = 4403, /* somebody who may wanted that */
    TOW_CLOSE_GONE = 4410          /* what came after `since` is not there any more */
};

void tow_dismissal_close(tow_websocket *socket, tow_channel_dismissal why);

/* Words of towline.v1 and of events: "slow", "busy" ... */
const char *tow_dismissal_code(tow_channel_dismissal why);
const char *tow_end_code(tow_subscription_end why);
const char *tow_error_code(int error);

/* Somebody may not: nobody could be asked, and later it may be another thing; or it is forbidden. */
const char *tow_refusal_code(const tow_channel_answer *answer);
void tow_refusal_close(tow_websocket *socket, const tow_channel_answer *answer);

#endif
