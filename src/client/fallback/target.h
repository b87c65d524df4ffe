/* target: where the requests of a session of Engine.IO go, and the fields that all of them have, as the URL
 * and the options of a WebSocket say it. */
#ifndef TOW_CLIENT_FALLBACK_TARGET_H
#define TOW_CLIENT_FALLBACK_TARGET_H

#include "base/buffer.h"
#include "client/url.h"

#include <towline/websocket.h>

typedef struct tow_target { /* zeroed: empty */
    bool is_secure;
    tow_buffer place;         /* behind the scheme: HOST/PATH/engine.io/?EIO=4, as a text */
    tow_buffer beginning;     /* what asks for a session, as a query without its '?' */
    tow_buffer credentials;   /* what Authorization says, or nothing */
    tow_header_field *post;   /* fields of a post; the texts are the options' and the target's */
    tow_header_field *fields; /* of all others; the end of the same list, which has a NULL name */
} tow_target;

/* `options` are borrowed as long as the target is used. Errors: MEMORY. */
int tow_target_init(tow_target *target, const tow_url *url, const tow_websocket_options *options);

/* Appends a URL, with a zero behind it: for HTTP or for a WebSocket. Errors: MEMORY. */
int tow_target_write(const tow_target *target, tow_buffer *out, bool is_websocket, const char *query);

void tow_target_clear(tow_target *target);

#endif
