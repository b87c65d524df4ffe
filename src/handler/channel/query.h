/* query: from where on a request wants a channel: since a position, the last messages. */
#ifndef TOW_HANDLER_CHANNEL_QUERY_H
#define TOW_HANDLER_CHANNEL_QUERY_H

#include "hub/subscription.h"

#include <towline/http.h>

enum { TOW_QUERY_LAST_MAX = 1000 };

/* Who asks for what came since a position that is gone gets all that is kept. */
#define TOW_ALL_KEPT UINT32_MAX

/* A whole number from 0 to `max`; where nothing is said, it stays as it is. False: it is none. */
bool tow_query_number(long *number, const tow_request *request, const char *name, long max);

/* Reads `since` (or Last-Event-ID, which goes before it) and `last` into zeroed options. NULL, or what is
 * wrong. */
const char *tow_query_read(tow_subscribe_options *options, const tow_request *request);

#endif
