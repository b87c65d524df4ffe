/* credentials: a user and a password, as the userinfo of a URL has them (RFC 3986, section 3.2.1) and as
 * Basic authentication sends them (RFC 7617). */
#ifndef TOW_HTTP_CREDENTIALS_H
#define TOW_HTTP_CREDENTIALS_H

#include "base/buffer.h"
#include "base/slice.h"

/* Cuts USER[:PASSWORD] at its first colon; a password that is not there is empty. */
void tow_userinfo_split(tow_slice userinfo, tow_slice *user, tow_slice *password);

/* Appends what an Authorization or Proxy-Authorization field says: "Basic " and both in base64. Errors:
 * MEMORY. */
int tow_basic_append(tow_buffer *out, const char *user, const char *password);

#endif
