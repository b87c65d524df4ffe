/* tls_choice: a server's certificates, of which each connection is shown the one for the name that it asks
 * for (RFC 6066, section 3).
 *
 * A name in full wins over one with a wildcard. Of several certificates with the same name there may be one
 * for each kind of key, and the handshake takes what the client can check; of the same kind the first counts.
 * Who asks for no name, or for none of these, is shown the first. */
#ifndef TOW_TRANSPORT_TLS_CHOICE_H
#define TOW_TRANSPORT_TLS_CHOICE_H

#include "tls_identity.h"
#include "tls_trust.h"

typedef struct tow_tls_choice tow_tls_choice;

/* The certificate of the settings and those after it. Has the context show the first. Errors: CERTIFICATE
 * (also one after the first that names no host), MEMORY; `why` says what is wrong. */
int tow_tls_choice_new(
    tow_tls_choice **choice, SSL_CTX *ssl, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]);
void tow_tls_choice_free(tow_tls_choice *choice); /* NULL is allowed */

/* Has a connection show those for this name, in lower case. Returns whether there are any, or MEMORY. */
int tow_tls_choice_apply(const tow_tls_choice *choice, SSL *ssl, const char *name);

#endif
