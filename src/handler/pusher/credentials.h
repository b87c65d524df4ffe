/* credentials: the key by which an app is known and the secret that it signs with: what its servers have
 * signed for their clients ("KEY:DIGEST"), and the requests that they make themselves. */
#ifndef TOW_HANDLER_PUSHER_CREDENTIALS_H
#define TOW_HANDLER_PUSHER_CREDENTIALS_H

#include "hmac.h"

#include <stdint.h>
#include <towline/http.h>

typedef struct tow_pusher_credentials { /* texts, lent */
    tow_slice key;
    tow_slice secret;
} tow_pusher_credentials;

/* Whether a connection may subscribe. `data` is the channel_data as it was signed; its pointer is NULL where
 * there is none. */
bool tow_pusher_may_subscribe(const tow_pusher_credentials *credentials, tow_slice auth, tow_slice socket_id,
    tow_slice channel, tow_slice data);

/* Whether a connection is that of the user in `data`, as it was signed. */
bool tow_pusher_may_sign_in(
    const tow_pusher_credentials *credentials, tow_slice auth, tow_slice socket_id, tow_slice data);

/* A request of the HTTP interface. */
typedef struct tow_pusher_call {
    tow_slice method;
    tow_slice path;                     /* as it was sent */
    const tow_header_field *parameters; /* of the query, decoded; ends with a NULL name */
    tow_slice body;
} tow_pusher_call;

enum {
    TOW_PUSHER_CLOCKS_APART = 600, /* seconds that a signature is good for, before and after */
    TOW_PUSHER_PARAMETERS_MAX = 32 /* of a call */
};

/* NULL: it is signed by the app, about `now` (seconds since 1970); else why it is not taken, a static text.
 */
const char *tow_pusher_call_check(
    const tow_pusher_credentials *credentials, const tow_pusher_call *call, int64_t now);

/* The value of a parameter, or NULL. */
const char *tow_pusher_call_parameter(const tow_pusher_call *call, const char *name);

#endif
