/* tls_trust: whom streams of a context believe. */
#ifndef TOW_TRANSPORT_TLS_TRUST_H
#define TOW_TRANSPORT_TLS_TRUST_H

#include "transport/tls.h"

#include <openssl/ssl.h>

/* What the settings ask for, where they say nothing: the default. */
tow_tls_verify tow_tls_verify_of(const tow_tls_settings *settings);

/* Whose certificates hold. Errors: CERTIFICATE, SYSTEM; `why` says what is wrong. */
int tow_tls_trust_use(SSL_CTX *ssl, const tow_tls_settings *settings, char why[TOW_TLS_TEXT_MAX]);

/* A digest of it: a client that proved who it is may resume only as long as the same authorities are asked.
 * Errors: MEMORY. */
enum { TOW_TLS_TRUST_DIGEST = 32 };
int tow_tls_trust_digest(const tow_tls_settings *settings, uint8_t out[TOW_TLS_TRUST_DIGEST]);

#endif
