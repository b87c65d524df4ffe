/* tls_identity: a certificate with its key, and the certificates between it and the root. */
#ifndef TOW_TRANSPORT_TLS_IDENTITY_H
#define TOW_TRANSPORT_TLS_IDENTITY_H

#include "transport/tls.h"

#include <openssl/ssl.h>

typedef struct tow_tls_identity { /* zeroed: none */
    X509 *certificate;
    EVP_PKEY *key;
    STACK_OF(X509) * chain; /* NULL: nothing is between */
} tow_tls_identity;

/* Errors: CERTIFICATE (what is no PEM, a key that belongs to another certificate), MEMORY; then `why` says
 * what is wrong, and nothing is to be cleared. */
int tow_tls_identity_read(tow_tls_identity *identity, const tow_tls_pem *pem, char why[TOW_TLS_TEXT_MAX]);
void tow_tls_identity_clear(tow_tls_identity *identity);

/* Has all streams of a context show it. Errors: CERTIFICATE (too weak); `why` says what is wrong. */
int tow_tls_identity_use(
    const tow_tls_identity *identity, SSL_CTX *ssl, const tow_tls_pem *pem, char why[TOW_TLS_TEXT_MAX]);

#endif
