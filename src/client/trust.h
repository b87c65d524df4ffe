/* trust: the TLS contexts that a client's options ask for: whose certificates are believed, and our own. */
#ifndef TOW_CLIENT_TRUST_H
#define TOW_CLIENT_TRUST_H

#include "transport/tls.h"

#include <towline/websocket.h>

/* Whom the context is for: our own certificate is for the server, and not for a proxy. */
typedef enum tow_trust { TOW_TRUST_SERVER, TOW_TRUST_PROXY } tow_trust;

/* Reads the files that the options name, and texts. The context is the caller's, to be released; equal ones
 * are shared on a loop, with their sessions. Errors: CERTIFICATE, NO_FILE, PERMISSION, SYSTEM, MEMORY; then
 * `why` says what is wrong. */
int tow_trust_context(tow_loop *loop, const tow_websocket_options *options, tow_trust trust,
    tow_tls_context **context, char why[TOW_TLS_TEXT_MAX]);

#endif
