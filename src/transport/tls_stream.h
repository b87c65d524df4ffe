/* tls_stream: a TLS stream is two streams. The outer one is the owner's: what it says and hears is plain. The
 * inner one has the descriptor, and carries records. Between them stands OpenSSL, which reads from the memory
 * that the inner one was delivered in, and writes into the loop's cork for the inner one.
 *
 * TLS inside of TLS is one more layer: the inner stream of the new one is then the outer one of the one
 * beneath.
 *
 * So loops know nothing of TLS but that a stream's cork may have to be encrypted before it is sent
 * (tow_stream_class.send_cork). The outer stream finds its state by its class, which is a part of it. */
#ifndef TOW_TRANSPORT_TLS_STREAM_H
#define TOW_TRANSPORT_TLS_STREAM_H

#include "tls_context.h"

#include <openssl/x509_vfy.h>

/* How OpenSSL reads and writes; NULL when out of memory. */
BIO_METHOD *tow_tls_method_new(void);

/* OpenSSL's callbacks. */
int tow_tls_on_verify(int holds, X509_STORE_CTX *store);
int tow_tls_on_session(SSL *ssl, SSL_SESSION *session);

tow_loop *tow_tls_loop_of_ssl(const SSL *ssl);

#endif
