/* stream: an answer that does not end, of Server-Sent Events: what is published to one channel. */
#ifndef TOW_HANDLER_CHANNEL_STREAM_H
#define TOW_HANDLER_CHANNEL_STREAM_H

#include "visit.h"

enum {
    TOW_STREAM_BEAT_SECONDS = 15
}; /* of comments, that find who is gone, and keep proxies from ending it */

/* In on_request, whose user the visit is; takes it over. */
void tow_stream_begin(tow_exchange *exchange, const tow_request *request, tow_visit *visit);

#endif
