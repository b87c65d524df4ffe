/* base64url: the alphabet of URLs without padding (RFC 7515, section 2), and nothing else. */
#ifndef TOW_HANDLER_TOKENS_BASE64URL_H
#define TOW_HANDLER_TOKENS_BASE64URL_H

#include "base/slice.h"

#include <stdint.h>

/* Room for what a text of this length says. */
#define TOW_BASE64URL_ROOM(length) (((length) + 3) / 4 * 3)

/* False: it is no such text; `out` then has some of it. */
bool tow_base64url_read(uint8_t *out, size_t *length, tow_slice text);

#endif
