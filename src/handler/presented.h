/* presented: the credentials that a request shows: in its Authorization field, in a cookie, or, as browsers
 * can set no fields of an opening handshake, in the name of a subprotocol.
 *
 * A cookie is "basic.BASE64" or "bearer.BASE64", or else a token as it is; a subprotocol is one of the two
 * forms. BASE64 may be that of URLs, and is of NAME:PASSWORD or of the token; a token with a dot in it, such
 * as a JWT, may stand there as it is. */
#ifndef TOW_HANDLER_PRESENTED_H
#define TOW_HANDLER_PRESENTED_H

#include "base/slice.h"

#include <towline/http.h>

typedef enum tow_scheme { TOW_SCHEME_NONE, TOW_SCHEME_BASIC, TOW_SCHEME_BEARER } tow_scheme;

enum { TOW_PRESENTED_MAX = 8192 }; /* bytes of what is shown; more is nobody's */

typedef struct tow_presented {
    tow_scheme scheme;
    tow_slice name;     /* BASIC; into the text, and so are the others */
    tow_slice password; /* without a zero */
    tow_slice token;    /* BEARER */
    char text[TOW_PRESENTED_MAX];
} tow_presented;

/* NONE where there are none, or none that can be read. `cookie` may be NULL. What was there is to be cleared
 * with tow_presented_clear. */
void tow_presented_find(tow_presented *presented, const tow_request *request, const char *cookie);
void tow_presented_clear(tow_presented *presented);

/* The same where only a token will do: other credentials are passed over, and what stands nowhere else is
 * looked for in this parameter of the query. False: none is shown. With true and NONE, one is that is none.
 */
bool tow_presented_token(
    tow_presented *presented, const tow_request *request, const char *cookie, const char *parameter);

/* What stands behind a scheme: base64 of NAME:PASSWORD, or a token, as it is or in base64. False: it is none.
 */
bool tow_presented_read(tow_presented *presented, tow_scheme scheme, tow_slice text, bool is_encoded);

#endif
