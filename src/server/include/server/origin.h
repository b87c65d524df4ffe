/* origin: which pages may open a WebSocket here (RFC 6454; RFC 6455, sections 4.2.2 and 10.2).
 *
 * Pure functions over text. A browser sends the page's origin; other clients need not send any. */
#ifndef TOW_SERVER_ORIGIN_H
#define TOW_SERVER_ORIGIN_H

#include "base/slice.h"

typedef enum tow_origin_verdict {
    TOW_ORIGIN_ALLOWED,
    TOW_ORIGIN_FOREIGN,  /* well-formed, and neither the same origin nor in the list */
    TOW_ORIGIN_MALFORMED /* not the serialisation of an origin */
} tow_origin_verdict;

/* Judges the value of an Origin field. `authority` is the request's Host. `allowed` (ends with NULL, may be
 * NULL): "*" for any, an origin as browsers write it, or one whose host begins with "*." for all below.
 *
 * The same origin: scheme, host and port are equal. `scheme` is that of the connection, "http" or "https";
 * where it is not known (NULL), any will do. A Host without a port means the default port of the Origin's
 * scheme. "null" and "file://" are never the same. */
tow_origin_verdict tow_origin_judge(
    const char *const *allowed, tow_slice origin, tow_slice authority, const char *scheme);

/* Whether a text may stand in the list of allowed origins. */
bool tow_origin_pattern_is_valid(const char *pattern);

#endif
