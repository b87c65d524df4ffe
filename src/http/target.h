/* target: the request target (RFC 9112, section 3.2) and the authority in it or in Host (RFC 3986,
 * section 3.2). */
#ifndef TOW_HTTP_TARGET_H
#define TOW_HTTP_TARGET_H

#include "http/head.h"

/* Splits head->target into path and query, by the method too; authority too where the target has one (else
 * its data is NULL). Returns 0 or the status with which to refuse. */
int tow_target_read(tow_http_head *head);

/* HOST [":" PORT]: a name, an address, an IPv6 address in brackets. Not empty, no user, port at most 65535,
 * maybe empty. */
bool tow_authority_is_valid(tow_slice authority);

#endif
