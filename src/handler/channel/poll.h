/* poll: an answer that waits for what is published to one channel, is given what has come, and ends: the
 * client asks again, from where that ended. */
#ifndef TOW_HANDLER_CHANNEL_POLL_H
#define TOW_HANDLER_CHANNEL_POLL_H

#include "visit.h"

enum {
    TOW_POLL_SECONDS = 25, /* that one waits, unless it says otherwise */
    TOW_POLL_SECONDS_MAX = 60
};

/* In on_request, whose user the visit is; takes it over. */
void tow_poll_begin(tow_exchange *exchange, const tow_request *request, tow_visit *visit);

#endif
