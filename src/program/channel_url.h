/* channel_url: the URL of a channel at a server: where it is published to, or subscribed to. */
#ifndef TOW_PROGRAM_CHANNEL_URL_H
#define TOW_PROGRAM_CHANNEL_URL_H

#include "base/buffer.h"
#include "base/slice.h"

/* Writes scheme, host and path, with a zero behind. `server` is "[SCHEME://]HOST[:PORT]", with the path of
 * the server's route behind it where that is not `route` ("/publish/"). Errors: URL (a query, a scheme
 * that is none of http, https, ws and wss), MEMORY. */
int tow_channel_url(
    tow_buffer *out, const char *scheme, const char *server, const char *route, tow_slice channel);

/* Appends a text as it may stand in a path (its slashes stay) or as a value in a query. */
int tow_channel_url_escape(tow_buffer *out, tow_slice text);

#endif
