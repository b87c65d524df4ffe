/* tls_name: whom a client wants to talk to, as certificates say it. */
#ifndef TOW_TRANSPORT_TLS_NAME_H
#define TOW_TRANSPORT_TLS_NAME_H

#include "tls_stream.h"

/* A copy of the host as it stands in certificates: an IPv6 address without its brackets, a name without the
 * dot of the root. NULL when out of memory. */
char *tow_tls_name_copy(const char *host);

/* Has the handshake ask for `tls->name`, and the certificate checked for it if the context does that. Errors:
 * ARGUMENT. */
int tow_tls_name_set(tow_tls_stream *tls);

#endif
